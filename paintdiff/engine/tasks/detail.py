"""An edit leaves much as it was: there the picture keeps its own pixels, finer than the model can see."""

from __future__ import annotations

import cv2
import numpy as np

LEFT = 6.0  # levels by which a place may differ and still be counted as left as it was


def with_detail(edited: np.ndarray, before: np.ndarray, picture: np.ndarray, cell: float) -> np.ndarray:
    """(h, w, 3) uint8: `edited`, with the detail that `picture` has over `before` wherever the edit changed nothing.

    All are (h, w, 3) uint8 of one size: what the model made, enlarged; what it saw, enlarged likewise; and the picture
    itself. `cell` is how many pixels a pixel of the model covers: changes are judged over as much.
    """
    change = cv2.absdiff(edited, before).max(axis=2).astype(np.float32)
    if cell > 1:
        change = cv2.GaussianBlur(change, (0, 0), cell / 2)
    left = np.exp(-np.square(change / LEFT))
    out = np.empty_like(edited)
    for channel in range(3):  # one at a time: a large picture in float32 would take gigabytes
        detail = picture[..., channel].astype(np.float32) - before[..., channel]
        out[..., channel] = np.rint((edited[..., channel] + left * detail).clip(0, 255))
    return out
