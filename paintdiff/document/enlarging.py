"""A document enlarged by a whole factor, so that detail can be added to it."""

from __future__ import annotations

from dataclasses import replace

from paintdiff.document.document import Document, check_size
from paintdiff.image.enlarge import enlarge
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

MARGIN = 2  # pixels around what is painted that cubic interpolation reaches


def enlarged(document: Document, scale: int) -> Document:
    """Every layer and the change map `scale` times as large; shrunk again they are what they were.

    World pixel (x, y) becomes the block at (scale x, scale y). The frame follows the map. Raises `UserError` for a size
    that is too large, before any of it is made.
    """
    check_size(document.canvas.w * scale, document.canvas.h * scale)
    layers = tuple(
        replace(layer, tiles=_enlarged(layer.tiles, document.canvas, scale)) for layer in document.layers
    )
    change_map = _enlarged(document.change_map, document.canvas, scale)
    return replace(document, canvas=_scaled(document.canvas, scale), layers=layers, change_map=change_map, frame=None)


def _enlarged(tiles: Tiles, canvas: Rect, scale: int) -> Tiles:
    rect = tiles.content_rect.inflated(MARGIN).intersected(canvas)
    if tiles.is_empty or rect.empty:
        return Tiles(tiles.channels)
    return Tiles.from_array(enlarge(tiles.read(rect), scale), rect.x * scale, rect.y * scale)


def _scaled(rect: Rect, scale: int) -> Rect:
    return Rect(rect.x * scale, rect.y * scale, rect.w * scale, rect.h * scale)
