"""From the model's square back to a patch for the canvas, and the proof that nothing else changes."""

from __future__ import annotations

import numpy as np

from paintdiff.engine.view import View, resampled
from paintdiff.generation.request import Request
from paintdiff.image.blending import feather_alpha, over


def make_patch(square: np.ndarray, view: View, request: Request) -> np.ndarray:
    """(size, size, 3) float32 in 0..255 -> (h, w, 4) uint8 straight alpha over the frame; 0 where the map is 0."""
    patch = np.empty((*request.frame.shape, 4), np.uint8)
    patch[..., :3] = view.back(square)
    patch[..., 3] = feather_alpha(request.change_map, request.frame, request.canvas, request.feather)
    patch[patch[..., 3] == 0] = 0
    return patch


def kept_pixels(request: Request, patch: np.ndarray) -> tuple[int, int]:
    """(kept, changed): how many pixels the map keeps, and how many of them pasting the patch would change.

    Pastes with the same function as the document does.
    """
    kept = request.change_map == 0
    pasted = over(request.picture, patch)
    changed = (pasted != request.picture).any(axis=2)
    return int(np.count_nonzero(kept)), int(np.count_nonzero(kept & changed))


class Preview:
    """Small pictures of a run while it forms: the x0 estimate pasted into the frame, at the model's resolution."""

    def __init__(self, view: View, request: Request) -> None:
        self._view = view
        self._height = min(view.inner_height, view.height)
        self._width = min(view.inner_width, view.width)
        self._base = resampled(request.picture, self._height, self._width)
        alpha = feather_alpha(request.change_map, request.frame, request.canvas, request.feather)
        self._alpha = resampled(alpha, self._height, self._width)

    def picture(self, square: np.ndarray) -> np.ndarray:
        """(size, size, 3) float32 in 0..255 -> (h, w, 4) uint8 straight alpha, no larger than the frame."""
        shown = resampled(np.ascontiguousarray(self._view.inner(square)), self._height, self._width)
        patch = np.empty((self._height, self._width, 4), np.uint8)
        patch[..., :3] = np.rint(shown)
        patch[..., 3] = self._alpha
        return over(self._base, patch)
