"""Display pixels of a large picture at full size and halved again and again, kept ready to draw."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from PySide6.QtGui import QImage

from paintdiff.image.geometry import Rect
from paintdiff.ui.qimage import image_over

BLOCK = 256
SMALLEST = 128


class Pyramid:
    """Premultiplied BGRA of `bounds` (world pixels), read from `source(rect)` block by block when it is first drawn.

    Every level is one image over one array: drawing it once has no seams, and what is written into the array needs no
    copy. Memory that was never written is never committed.
    """

    def __init__(self, bounds: Rect, source: Callable[[Rect], np.ndarray]) -> None:
        self.bounds = bounds
        self._source = source
        self._levels: list[np.ndarray] = []
        self._images: list[QImage] = []
        self._stale: list[np.ndarray] = []
        self._translucent: list[np.ndarray] = []
        h, w = bounds.shape
        while not self._levels or max(h, w) >= SMALLEST:
            if self._levels:
                h, w = (h + 1) // 2, (w + 1) // 2
            blocks = (math.ceil(h / BLOCK), math.ceil(w / BLOCK))
            self._levels.append(np.zeros((h, w, 4), np.uint8))
            self._images.append(image_over(self._levels[-1]))
            self._stale.append(np.ones(blocks, bool))
            self._translucent.append(np.ones(blocks, bool))

    def level_for(self, zoom: float) -> int:
        """The smallest level that is at least as fine as the screen at `zoom`."""
        return min(max(0, math.floor(-math.log2(zoom) + 1e-9)), len(self._levels) - 1)

    def image(self, level: int, rect: Rect) -> QImage:
        """The whole image of `level`, brought up to date where it shows the world pixels of `rect`."""
        self._fill(level, self._local(level, rect))
        return self._images[level]

    def is_translucent(self, level: int, rect: Rect) -> bool:
        """Whether anything of `rect` may shine through at `level`; ask after `image`."""
        return bool(self._translucent[level][self._blocks(self._local(level, rect))].any())

    def invalidate(self, rect: Rect) -> None:
        """Forget `rect` (world pixels); it is read again when it is drawn."""
        for level, stale in enumerate(self._stale):
            stale[self._blocks(self._local(level, rect))] = True

    def refresh(self, rect: Rect) -> None:
        """Read the few pixels of `rect` (world) again at once, instead of the whole blocks around them."""
        rect = rect.intersected(self.bounds)
        if rect.empty:
            return
        self._write(0, self._local(0, rect), self._source(rect))
        for level in range(1, len(self._levels)):
            if self._stale[level].all():
                break
            where = self._local(level, rect)
            self._write(level, where, self._halved(level - 1, where))

    def _fill(self, level: int, where: Rect) -> None:
        stale = self._stale[level]
        rows, columns = self._blocks(where)
        if not stale[rows, columns].any():
            return
        for row, column in np.argwhere(stale[rows, columns]):
            by, bx = rows.start + int(row), columns.start + int(column)
            block = self._block(level, by, bx)
            # Marked translucent only by what is in it now.
            self._translucent[level][by, bx] = False
            if level == 0:
                pixels = self._source(block.moved(self.bounds.x, self.bounds.y))
            else:
                self._fill(level - 1, self._finer(level - 1, block))
                pixels = self._halved(level - 1, block)
            self._write(level, block, pixels)
            stale[by, bx] = False

    def _write(self, level: int, where: Rect, pixels: np.ndarray) -> None:
        array = self._levels[level]
        array[where.y : where.bottom, where.x : where.right] = pixels
        if cv2.minMaxLoc(cv2.extractChannel(pixels, 3))[0] < 255:
            self._translucent[level][self._blocks(where)] = True

    def _halved(self, level: int, where: Rect) -> np.ndarray:
        """What `where` of the next coarser level gets from `level`: means of 2 × 2, an odd last row repeated."""
        fine = self._finer(level, where)
        pixels = self._levels[level][fine.y : fine.bottom, fine.x : fine.right]
        if fine.h % 2 or fine.w % 2:
            pixels = cv2.copyMakeBorder(pixels, 0, fine.h % 2, 0, fine.w % 2, cv2.BORDER_REPLICATE)
        return cv2.resize(pixels, (where.w, where.h), interpolation=cv2.INTER_AREA)

    def _finer(self, level: int, coarse: Rect) -> Rect:
        h, w = self._levels[level].shape[:2]
        return Rect(coarse.x * 2, coarse.y * 2, coarse.w * 2, coarse.h * 2).intersected(Rect(0, 0, w, h))

    def _block(self, level: int, by: int, bx: int) -> Rect:
        h, w = self._levels[level].shape[:2]
        return Rect(bx * BLOCK, by * BLOCK, BLOCK, BLOCK).intersected(Rect(0, 0, w, h))

    def _local(self, level: int, rect: Rect) -> Rect:
        """`rect` (world) in the pixels of `level`, rounded outward and cut to it."""
        step = 1 << level
        rect = rect.intersected(self.bounds).moved(-self.bounds.x, -self.bounds.y)
        return Rect.from_edges(rect.x // step, rect.y // step, -(-rect.right // step), -(-rect.bottom // step))

    @staticmethod
    def _blocks(where: Rect) -> tuple[slice, slice]:
        if where.empty:
            return slice(0, 0), slice(0, 0)
        return (
            slice(where.y // BLOCK, -(-where.bottom // BLOCK)), slice(where.x // BLOCK, -(-where.right // BLOCK))
        )
