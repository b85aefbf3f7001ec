"""What is known here, carried on to everywhere else; and a hole, grown."""

from __future__ import annotations

import cv2
import numpy as np


def spread(difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`difference`, known where `weight` is 1, carried on everywhere: sharply near by, ever more softly far away."""
    size = weight.shape[0]
    planes = np.dstack([difference, weight])
    total = np.zeros_like(planes)
    for share in (64, 32, 16, 8, 4):
        coarse = max(1, 32 // share)  # a wide blur needs few pixels
        small = cv2.resize(planes, (size // coarse, size // coarse), interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), size / share / coarse)
        total += cv2.resize(blurred, (size, size), interpolation=cv2.INTER_LINEAR) * share**2
    return total[..., :3] / (total[..., 3:] + 1e-6)


def grown(hole: np.ndarray, pixels: int) -> np.ndarray:
    return cv2.dilate(hole.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)).astype(np.float32)
