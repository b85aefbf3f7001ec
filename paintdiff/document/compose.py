"""The visible picture: a document's layers blended into pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from paintdiff.document.document import Document
from paintdiff.image.blending import blend_onto
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

BLOCK = 256  # pixels a side blended at a time, so that empty parts of a layer cost nothing


class Pixels(Protocol):
    """Anything that reads like a layer: its tiles, or a stroke in progress."""

    def read(self, rect: Rect) -> np.ndarray:
        """(h, w, 4) uint8 straight alpha of world `rect`."""
        ...


def compose(document: Document, rect: Rect, active: Pixels | None = None) -> np.ndarray:
    """The visible layers inside `rect`, (h, w, 4) uint8 straight alpha; zero outside the canvas.

    `active` stands in for the pixels of the active layer.
    """
    layers: list[tuple[Pixels, float]] = [
        (active if active is not None and index == document.active else layer.tiles, layer.opacity)
        for index, layer in enumerate(document.layers)
        if layer.visible and layer.opacity > 0
    ]
    visible = rect.intersected(document.canvas)
    if visible == rect and rect.w <= BLOCK and rect.h <= BLOCK:
        return _blended(layers, rect)
    out = np.zeros((*rect.shape, 4), np.uint8)
    for block in _blocks(visible):
        out[block.slices_in(rect)] = _blended(layers, block)
    return out


def _blended(layers: list[tuple[Pixels, float]], rect: Rect) -> np.ndarray:
    if layers and layers[0][1] >= 1:
        out, layers = layers[0][0].read(rect), layers[1:]
    else:
        out = np.zeros((*rect.shape, 4), np.uint8)
    for pixels, opacity in layers:
        if not isinstance(pixels, Tiles) or pixels.touches(rect):
            blend_onto(out, pixels.read(rect), opacity)
    return out


def _blocks(rect: Rect) -> Iterator[Rect]:
    for y in range(rect.y, rect.bottom, BLOCK):
        for x in range(rect.x, rect.right, BLOCK):
            yield Rect(x, y, BLOCK, BLOCK).intersected(rect)
