"""Unknown pixels filled with a smooth continuation of the others."""

from __future__ import annotations

import cv2
import numpy as np


def filled(rgb: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 with the pixels of `free` (h, w) bool replaced by a smooth continuation of the others; grey if
    there are none.

    Pull-push (Gortler et al. 1996, The Lumigraph, 3.4): averages of the known pixels on coarser and coarser grids,
    down to one, fill what the finer ones leave open.
    """
    weight = (~free).astype(np.float32)
    smooth = _pull_push(rgb.astype(np.float32) * weight[..., None], weight)
    return np.where(free[..., None], np.rint(smooth).astype(np.uint8), rgb)


def _pull_push(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`colour` (h, w, c), premultiplied by `weight` (h, w) in [0, 1], with the rest of the weight filled."""
    height, width = weight.shape
    if height == width == 1:
        return colour / weight[..., None] if weight[0, 0] > 0 else np.full_like(colour, 127.5)
    half = (width + 1) // 2, (height + 1) // 2
    coarse_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    coarse_colour = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
    known = np.minimum(1, coarse_weight * 4)  # one known pixel of four is enough to know the coarse one
    scale = known / np.maximum(coarse_weight, 1e-12)
    coarse = _pull_push(coarse_colour * scale[..., None], known)
    rest = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
    return colour + (1 - weight[..., None]) * rest
