"""Edits of the change map: pure functions from one document to the next, all within the canvas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from paintdiff.document.document import Document
from paintdiff.image import masks
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles


def set_change_map(document: Document, tiles: Tiles) -> Document:
    """A new change map (one channel)."""
    return replace(document, change_map=tiles)


def clear(document: Document) -> Document:
    """Keep everything."""
    return replace(document, change_map=Tiles(1))


def fill(document: Document) -> Document:
    """Repaint everything."""
    return replace(document, change_map=Tiles.filled(document.canvas, (255,)))


def invert(document: Document) -> Document:
    return _reshaped(document, masks.invert, document.canvas)


def grow(document: Document, radius: int) -> Document:
    """The mask wider by `radius` pixels."""
    return _reshaped(document, lambda mask: masks.grow(mask, radius), _around(document, radius))


def shrink(document: Document, radius: int) -> Document:
    """The mask narrower by `radius` pixels; the edge of the canvas does not eat."""
    return _reshaped(document, lambda mask: masks.shrink(mask, radius), _around(document, 1))


def feather(document: Document, radius: int) -> Document:
    """The edge of the mask softened over about `radius` pixels to either side."""
    return _reshaped(document, lambda mask: masks.feather(mask, radius), _around(document, 2 * radius))


def add(document: Document, mask: np.ndarray, x: int, y: int) -> Document:
    """The larger of the map and `mask` ((h, w) uint8, top left corner at world x, y)."""
    return _combined(document, mask, x, y, np.maximum)


def subtract(document: Document, mask: np.ndarray, x: int, y: int) -> Document:
    """The map lowered to at most what `mask` leaves free ((h, w) uint8, top left corner at world x, y)."""
    return _combined(document, 255 - mask, x, y, np.minimum)


def _combined(
    document: Document, mask: np.ndarray, x: int, y: int, rule: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Document:
    whole = Rect(x, y, mask.shape[1], mask.shape[0])
    rect = whole.intersected(document.canvas)
    pixels = rule(document.change_map.read(rect), mask[rect.slices_in(whole)])
    return replace(document, change_map=document.change_map.written(pixels, rect.x, rect.y))


def _reshaped(document: Document, shape: Callable[[np.ndarray], np.ndarray], rect: Rect) -> Document:
    if rect.empty:
        return document
    pixels = shape(document.change_map.read(rect))
    return replace(document, change_map=document.change_map.written(pixels, rect.x, rect.y))


def _around(document: Document, margin: int) -> Rect:
    """As much of the canvas as an operation that reaches `margin` pixels can change."""
    content = document.change_map.content_rect
    return content if content.empty else content.inflated(margin).intersected(document.canvas)
