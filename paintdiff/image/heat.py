"""Numbers over a picture as colours: from black over red to pale yellow."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

# (256, 3) RGB. Even steps look like even steps, without colour vision too.
INFERNO = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_INFERNO)[0, :, ::-1]


def colours(values: np.ndarray, most: float, opacity: float) -> np.ndarray:
    """(h, w) float32 -> (h, w, 4) uint8 straight alpha: 0 to `most` as heat; transparent where nothing was measured."""
    level = np.rint(np.clip(values / max(most, 1e-6), 0, 1) * 255).astype(np.uint8)
    alpha = np.where(values != 0, round(255 * opacity), 0).astype(np.uint8)
    return np.dstack([INFERNO[level], alpha])


def brightest(maps: Sequence[np.ndarray]) -> float:
    """What all but one in a hundred of the measured numbers of `maps` stay below, for `colours`."""
    measured = np.concatenate([each[each != 0] for each in maps]) if maps else np.zeros(0)
    return float(np.percentile(measured, 99)) if len(measured) else 1.0
