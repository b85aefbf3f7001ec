"""Each seed's own drawing of a thing: how it leans, stretches and bends."""

from __future__ import annotations

import cv2
import numpy as np


def posed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thing as it might also stand: leant, stretched and bent a little, (s, s, 4) uint8 premultiplied."""
    side = pixels.shape[0]
    lean, stretch, turn = rng.normal(0, 0.03), np.exp(rng.normal(0, 0.05)), np.deg2rad(rng.uniform(-5, 5))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = 1.15 * turned @ np.array([[stretch, lean], [0, 1 / stretch]])  # from the new place to the old one
    y, x = np.mgrid[:side, :side].astype(np.float32) - (side - 1) / 2
    coarse = rng.normal(0, 0.009 * side, (4, 4, 2)).astype(np.float32)
    bent = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    old = np.einsum("ij,jyx->yxi", back, np.stack([x, y])) + bent + (side - 1) / 2
    x, y = old.astype(np.float32).transpose(2, 0, 1)
    return cv2.remap(np.ascontiguousarray(pixels), x, y, cv2.INTER_LINEAR)
