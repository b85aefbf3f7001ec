"""How a frame of any shape is laid onto the model's square, and how the model's picture comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True)
class View:
    """A frame of `height` x `width` canvas pixels, scaled so that its longer side is `size`, centred in the square.

    The scaled frame is `inner_height` x `inner_width` with its corner at (`top`, `left`). What the square has beyond it
    is made by the model and thrown away. All of this is in whole cells of `cell` pixels of the square.
    """

    height: int
    width: int
    size: int
    cell: int = 1

    def doubled(self) -> View:
        """The same in a square of twice the side: each of its pixels is two by two there."""
        return replace(self, size=2 * self.size, cell=2 * self.cell)

    @property
    def inner_height(self) -> int:
        return self.cell * max(1, round(self._cells * self.height / max(self.height, self.width)))

    @property
    def inner_width(self) -> int:
        return self.cell * max(1, round(self._cells * self.width / max(self.height, self.width)))

    @property
    def top(self) -> int:
        return (self._cells - self.inner_height // self.cell) // 2 * self.cell

    @property
    def left(self) -> int:
        return (self._cells - self.inner_width // self.cell) // 2 * self.cell

    @property
    def _cells(self) -> int:
        return self.size // self.cell

    def picture(self, rgb: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 -> (size, size, 3) uint8, antialiased; the rest repeats the frame's edge."""
        return self._padded(resampled(rgb, self.inner_height, self.inner_width))

    def map(self, change_map: np.ndarray) -> np.ndarray:
        """(height, width) uint8 -> (size, size) uint8: each cell the largest value among the pixels that make it.

        So a cell that is kept is made of kept pixels alone. The rest of the square is as free as the freest pixel.
        """
        inner = _pooled(_pooled(change_map, self.inner_height).T, self.inner_width).T
        out = np.full((self.size, self.size), inner.max(), np.uint8)
        out[self.top : self.top + self.inner_height, self.left : self.left + self.inner_width] = inner
        return out

    def inner(self, square: np.ndarray) -> np.ndarray:
        """The part of a (size, size, ...) array that shows the frame: (inner_height, inner_width, ...)."""
        return square[self.top : self.top + self.inner_height, self.left : self.left + self.inner_width]

    def back(self, square: np.ndarray) -> np.ndarray:
        """(size, size, 3) float32 in 0..255 -> the frame, (height, width, 3) uint8."""
        inner = self.inner(square)
        out = np.empty((self.height, self.width, 3), np.uint8)
        for channel in range(3):  # one at a time: a large frame in float32 would take gigabytes
            plane = resampled(np.ascontiguousarray(inner[..., channel]), self.height, self.width)
            out[..., channel] = np.rint(plane.clip(0, 255))
        return out

    def _padded(self, inner: np.ndarray) -> np.ndarray:
        below = self.size - self.top - self.inner_height
        right = self.size - self.left - self.inner_width
        return cv2.copyMakeBorder(inner, self.top, below, self.left, right, cv2.BORDER_REPLICATE)


def resampled(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """`pixels` at another size: the mean of the covered area when smaller, cubic when larger and float, else linear."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if height <= pixels.shape[0] and width <= pixels.shape[1]:
        method = cv2.INTER_AREA
    else:
        method = cv2.INTER_CUBIC if pixels.dtype == np.float32 else cv2.INTER_LINEAR
    return cv2.resize(pixels, (width, height), interpolation=method)


def _pooled(values: np.ndarray, cells: int) -> np.ndarray:
    """(n, m) -> (cells, m): the largest value among the rows that `resampled` reads for each new row."""
    rows = values.shape[0]
    out = np.empty((cells, values.shape[1]), values.dtype)
    for cell in range(cells):
        if rows >= cells:
            first, last = cell * rows // cells, -(-(cell + 1) * rows // cells)
        else:
            first = ((2 * cell + 1) * rows - cells) // (2 * cells)  # linear: the pixel centres to either side
            last = first + 2
        out[cell] = values[max(0, first) : min(rows, last)].max(axis=0)
    return out
