"""How like a fill is to the true picture: masked L1, and structural similarity inside the mask."""

from __future__ import annotations

import cv2
import numpy as np


def masked_l1(fill: np.ndarray, true: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute difference, 0..255, of (h, w, 3) pictures where `mask` (h, w) is above 0."""
    return float(np.abs(fill.astype(np.float32) - true)[mask > 0].mean())


def masked_ssim(fill: np.ndarray, true: np.ndarray, mask: np.ndarray) -> float:
    """Structural similarity in brightness, at most 1 (Wang et al. 2004, 3.B, Gaussian window of 1.5 pixels)."""
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (fill, true))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((similar / ((mean_a**2 + mean_b**2 + c1) * (variances + c2)))[mask > 0].mean())
