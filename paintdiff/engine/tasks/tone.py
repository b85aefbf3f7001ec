"""The tone of what was painted, drawn to that of what is kept: a model is off by a few levels, and edges show them."""

from __future__ import annotations

import cv2
import numpy as np

SPREAD = 1 / 20  # of the picture's side: steps are averaged along the edge over so many pixels
LARGEST = 40.0  # levels; a larger step is taken to be an edge of the picture's own
_ROUNDS = 24
_CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def in_tone(picture: np.ndarray, kept: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 0..255 with the steps taken out that it has between `kept` and `painted`, (h, w) bool.

    A step is what the colour does across the edge beyond the slope of what is kept; the painted part's own slope is no
    excuse, since it drifts from its first pixel on. The painted part loses the membrane
    spanned by the steps, which is smooth, so its detail stays (Pérez et al. 2003, *Poisson Image Editing*, section 2:
    the membrane interpolant, of steps here and not of differences, since the kept part need not be continued flat).
    """
    step, weight = _steps(picture, kept, painted)
    edge = weight > 0
    if not edge.any():
        return picture
    trust = weight[..., None] * np.exp(-((np.abs(step).max(axis=2, keepdims=True) / LARGEST) ** 2))
    spread = max(1.0, max(edge.shape) * SPREAD)
    total = _blurred(trust * step.clip(-LARGEST, LARGEST), spread)
    count = _blurred(trust, spread)[..., None] + 0.02 * _blurred(weight, spread)[..., None] + 1e-6
    membrane = _membrane(np.where(edge[..., None], total / count, 0), edge, painted)
    return np.where(painted[..., None], picture - membrane, picture)


def _steps(picture: np.ndarray, kept: np.ndarray, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At painted pixels beside kept ones the mean step (h, w, 3), and from how many sides it comes (h, w)."""
    total, count = np.zeros_like(picture), np.zeros(kept.shape, np.float32)
    for turn in range(4):
        colour, outside, inside = (np.rot90(array, turn) for array in (picture, kept, painted))
        here = outside[:, :-3] & outside[:, 1:-2] & inside[:, 2:-1] & inside[:, 3:]
        begins = (colour[:, 2:-1] + colour[:, 3:]) / 2  # one pixel alone is mostly grain
        step = begins - colour[:, 1:-2] - 1.5 * (colour[:, 1:-2] - colour[:, :-3])
        np.rot90(total, turn)[:, 2:-1] += np.where(here[..., None], step, 0)
        np.rot90(count, turn)[:, 2:-1] += here
    return total / np.maximum(count, 1)[..., None], count


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)


def _membrane(values: np.ndarray, fixed: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The harmonic function on `inside` (h, w) with `values` (h, w, 3) where `fixed`, and no slope at other borders.

    From coarse to fine, a few rounds of relaxation each.
    """
    height, width = fixed.shape
    if max(height, width) > 4:
        share = _halved(fixed.astype(np.float32))
        coarse = _halved(values * fixed[..., None]) / np.maximum(share, 1e-6)[..., None]
        coarse = _membrane(coarse, share > 0, _halved((inside | fixed).astype(np.float32)) > 0)
        out = cv2.resize(coarse, (width + width % 2, height + height % 2))[:height, :width]
    else:
        out = np.broadcast_to(values.sum(axis=(0, 1)) / max(1, np.count_nonzero(fixed)), values.shape)
    there = (inside | fixed).astype(np.float32)
    neighbours = np.maximum(_around(there), 1)[..., None]
    held, there = fixed[..., None], there[..., None]
    for _ in range(_ROUNDS):
        out = np.where(held, values, _around(out * there) / neighbours).astype(np.float32)
    return out


def _around(values: np.ndarray) -> np.ndarray:
    return cv2.filter2D(values.astype(np.float32), cv2.CV_32F, _CROSS, borderType=cv2.BORDER_CONSTANT)


def _halved(values: np.ndarray) -> np.ndarray:
    """The mean of each 2x2 block; what is missing at the far borders counts as 0."""
    height, width = values.shape[:2]
    even = cv2.copyMakeBorder(values, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT, value=0)
    return cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
