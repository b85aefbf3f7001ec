"""The document: one immutable value that holds everything a painter made."""

from __future__ import annotations

from dataclasses import dataclass, field

from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

MAX_SIDE = 16384
MAX_PIXELS = 8192 * 8192


@dataclass(frozen=True, eq=False)
class Layer:
    """A named raster: RGBA uint8 straight alpha in world pixels. `opacity` is 0..1; `recipe` says how it was made."""

    name: str
    tiles: Tiles = field(default_factory=lambda: Tiles(4))
    visible: bool = True
    opacity: float = 1.0
    recipe: Recipe | None = None


@dataclass(frozen=True, eq=False)
class Document:
    """`layers` run from the bottom up; `active` indexes them. `change_map` has one channel: 0 keep .. 255 repaint.

    `canvas` is the visible rectangle in world pixels. `frame` is what the model will see if placed by hand, or None for
    the automatic frame around the change map.
    """

    canvas: Rect
    layers: tuple[Layer, ...]
    active: int = 0
    change_map: Tiles = field(default_factory=lambda: Tiles(1))
    frame: Rect | None = None

    @property
    def active_layer(self) -> Layer:
        return self.layers[self.active]


def check_size(width: int, height: int) -> None:
    """Raise `UserError` unless a picture of this size can be painted on."""
    if width < 1 or height < 1:
        raise UserError(f"A picture needs at least one pixel each way, not {width} × {height}.")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise UserError(
            f"{width} × {height} pixels is too large: at most {MAX_SIDE} a side and"
            f" {MAX_PIXELS // 1_000_000} million in all. Scale it down first."
        )
