"""A quick look at latents, where decoding each of them would take longer than making them did."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor


class Sketch:
    """The linear map from a cell's latents to its mean colour that fits one decoded picture best.

    `latents` (1, C, h, w) and `picture`, what they decode to, (size, size, 3) float32 in 0..255.
    """

    def __init__(self, latents: Tensor, picture: np.ndarray) -> None:
        height, width = latents.shape[2:]
        self._size = picture.shape[1], picture.shape[0]
        colours = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        self._map = np.linalg.lstsq(_cells(latents), colours, rcond=1e-3)[0]

    def __call__(self, latents: Tensor) -> np.ndarray:
        """Other latents of the same shape -> (size, size, 3) float32 in 0..255, as `Space.decode`."""
        colours = (_cells(latents) @ self._map).clip(0, 255).reshape(*latents.shape[2:], 3)
        return cv2.resize(colours.astype(np.float32), self._size, interpolation=cv2.INTER_LINEAR)


def _cells(latents: Tensor) -> np.ndarray:
    """(1, C, h, w) -> (h w, C + 1): each cell's latents, and 1."""
    cells = latents[0].flatten(1).T.float().cpu().numpy()
    return np.concatenate([cells, np.ones((len(cells), 1), np.float32)], axis=1)
