"""Enlarging colours so that they end at the edges of a picture that is sharper than they are."""

from __future__ import annotations

import cv2
import numpy as np

RADIUS = 1  # cells around each that a local fit looks at
SMOOTH = 36.0  # squared levels of the guide: contrast below its root is no edge


def guided_upsample(values: np.ndarray, guide: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """`values` (h, w, 3) float32 at the size of `fine` (H, W) float32; `guide` (h, w) is `fine` at their size.

    Around each cell the values are fitted as a straight line over the guide, and the lines are evaluated at the fine
    guide (He and Sun 2015, *Fast Guided Filter*; He et al. 2013, *Guided Image Filtering*, eq. 5 to 8), so that a
    colour ends where the brightness has its edge.
    """
    size = fine.shape[1], fine.shape[0]
    if values.shape[:2] == fine.shape:
        return values.astype(np.float32)
    if values.shape[0] > fine.shape[0] or values.shape[1] > fine.shape[1]:
        return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    guide = guide.astype(np.float32)[..., None]
    values = values.astype(np.float32)
    mean, mean_values = _mean(guide), _mean(values)
    variance = _mean(guide * guide) - mean * mean
    slope = (_mean(guide * values) - mean * mean_values) / (variance + SMOOTH)
    level = mean_values - slope * mean
    slope, level = _mean(slope), _mean(level)
    slope = cv2.resize(slope, size, interpolation=cv2.INTER_LINEAR)
    return slope * fine[..., None] + cv2.resize(level, size, interpolation=cv2.INTER_LINEAR)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the window around each cell; (h, w, c), also where c is 1."""
    side = 2 * RADIUS + 1
    return cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT).reshape(values.shape)
