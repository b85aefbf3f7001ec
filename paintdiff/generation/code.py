"""The code of a picture: the noise that a model turns into it, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Code:
    """`noise` (C, h, w) float32 in the model's space: started from it, the model makes the picture anew.

    It belongs to the model called `model` and to what `source` says of the picture. `round_trip` is how far the
    picture came back, root mean square in levels of 255; `evaluations` counts pictures through the network.
    """

    noise: np.ndarray
    model: str
    source: str
    round_trip: float
    evaluations: int

    def __post_init__(self) -> None:
        if self.noise.ndim != 3 or self.noise.dtype != np.float32 or not np.isfinite(self.noise).all():
            raise ValueError(f"a code is finite float32 (C, h, w), not {self.noise.dtype} {self.noise.shape}")
