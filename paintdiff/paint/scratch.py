"""The scratch raster of a stroke: coverage that only ever rises, stored where the stroke has been."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import Key

BLOCK = 256
"""Larger than a tile, so that many dabs fall into one block and need no stitching; small enough to clear at once."""

BAND = 1 << 16
"""Pixels worked on at a time: halves the cost of a brush of 1000 pixels."""


class Scratch:
    """Coverage 0..255 of an endless plane; memory grows with the area that was raised."""

    def __init__(self) -> None:
        self._blocks: dict[Key, np.ndarray] = {}
        self._touched: dict[Key, Rect] = {}

    def raise_to(self, coverage: np.ndarray, rect: Rect) -> None:
        """Raise what lies in `rect` to `coverage`, (h, w) uint8."""
        for key, where in _blocks_in(rect):
            part = where.intersected(rect)
            if key not in self._blocks:
                self._blocks[key] = np.zeros((BLOCK, BLOCK), np.uint8)
                self._touched[key] = EMPTY
            self._touched[key] = self._touched[key].united(part)
            kept = self._blocks[key][part.slices_in(where)]
            np.maximum(kept, coverage[part.slices_in(rect)], out=kept)

    def read(self, rect: Rect) -> np.ndarray | None:
        """The coverage of `rect`, (h, w) uint8, not to be written to; None where nothing was raised."""
        parts = [(key, where) for key, where in _blocks_in(rect) if key in self._blocks]
        if not parts:
            return None
        if len(parts) == 1 and parts[0][1].contains(rect):
            return self._blocks[parts[0][0]][rect.slices_in(parts[0][1])]
        out = np.zeros(rect.shape, np.uint8)
        for key, where in parts:
            part = where.intersected(rect)
            out[part.slices_in(rect)] = self._blocks[key][part.slices_in(where)]
        return out

    def touched(self) -> list[Rect]:
        """Rectangles that hold everything that was raised: one for a dab, one a block for a long stroke."""
        parts = list(self._touched.values())
        whole = EMPTY
        for part in parts:
            whole = whole.united(part)
        return [whole] if whole.area <= sum(part.area for part in parts) else parts


def bands(rect: Rect) -> Iterator[Rect]:
    """`rect` in strips whose intermediate arrays stay in the processor's cache."""
    rows = max(1, BAND // max(1, rect.w))
    for y in range(rect.y, rect.bottom, rows):
        yield Rect(rect.x, y, rect.w, min(rows, rect.bottom - y))


def _block_rect(key: Key) -> Rect:
    return Rect(key[0] * BLOCK, key[1] * BLOCK, BLOCK, BLOCK)


def _blocks_in(rect: Rect) -> Iterator[tuple[Key, Rect]]:
    if rect.empty:
        return
    for by in range(rect.y // BLOCK, (rect.bottom - 1) // BLOCK + 1):
        for bx in range(rect.x // BLOCK, (rect.right - 1) // BLOCK + 1):
            yield (bx, by), _block_rect((bx, by))
