"""What the painter set (a brush) and what the hand did (a sample)."""

from __future__ import annotations

from dataclasses import dataclass

MIN_SIZE, MAX_SIZE = 1.0, 1000.0


@dataclass(frozen=True)
class Brush:
    """`size` is the diameter in canvas pixels; `hardness` and `opacity` are 0..1.

    `pressure_size` and `pressure_opacity` say what the pressure of a pen scales; a mouse always presses with 1.
    """

    size: float = 40.0
    hardness: float = 0.8
    opacity: float = 1.0
    pressure_size: bool = True
    pressure_opacity: bool = False

    def __post_init__(self) -> None:
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise ValueError(f"size must be {MIN_SIZE:g}..{MAX_SIZE:g} px, got {self.size}")
        if not 0 <= self.hardness <= 1 or not 0 <= self.opacity <= 1:
            raise ValueError(f"hardness and opacity must be 0..1, got {self.hardness} and {self.opacity}")

    def radius_at(self, pressure: float) -> float:
        """Radius in canvas pixels under `pressure` 0..1."""
        return self.size / 2 * (pressure if self.pressure_size else 1.0)

    def opacity_at(self, pressure: float) -> float:
        """Opacity 0..1 under `pressure` 0..1."""
        return self.opacity * (pressure if self.pressure_opacity else 1.0)


@dataclass(frozen=True)
class Sample:
    """The pointer at one moment.

    `x`, `y` are world pixels, where the centre of pixel 0 is 0.5; `pressure` is 0..1; `time` is in seconds.
    """

    x: float
    y: float
    pressure: float = 1.0
    time: float = 0.0
