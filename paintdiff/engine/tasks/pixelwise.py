"""A frame larger than the model's square, shown pixel for pixel: the network works on it in overlapping tiles."""

from __future__ import annotations

import numpy as np

from paintdiff.engine.tasks.upscale import Whole


class Pixelwise(Whole):
    """What `View` does for a frame that is scaled, for one that is not: its pixels are the model's."""

    @property
    def inner_height(self) -> int:
        return self.height

    def map(self, change_map: np.ndarray) -> np.ndarray:
        """(height, width) uint8 -> (full_height, full_width): the rest is as free as the freest pixel."""
        out = np.full((self.full_height, self.full_width), change_map.max(), np.uint8)
        self.inner(out)[...] = change_map
        return out

    def back(self, square: np.ndarray) -> np.ndarray:
        """(full_height, full_width, 3) float32 in 0..255 -> the frame, (height, width, 3) uint8."""
        return np.rint(self.inner(square).clip(0, 255)).astype(np.uint8)
