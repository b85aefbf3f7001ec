"""Masks as painters make them: boxes, ellipses, grown silhouettes, brush strokes, side bands."""

from __future__ import annotations

import cv2
import numpy as np


def around(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask that covers a thing: (S, S) float alpha in 0..1 -> (S, S) uint8, 1 = repaint."""
    size = alpha.shape[0]
    ys, xs = np.nonzero(alpha > 0.02)
    if len(ys) == 0:
        return background_hole(size, rng)
    top, bottom, left, right = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    if rng.random() < 0.35:
        return np.maximum(_loose((left, top, right, bottom), size, rng), (alpha > 0.02).astype(np.uint8))
    kind = rng.random()
    if kind < 0.5:
        room = rng.exponential(0.08, 4) * size + 1
        return box(size, left - room[0], top - room[1], right + room[2], bottom + room[3])
    if kind < 0.75:
        return _ellipse_around(size, top, bottom, left, right, alpha, rng)
    grow = int(rng.uniform(1, 7) * size / 64)
    shape = cv2.dilate((alpha > 0.02).astype(np.uint8), np.ones((2 * grow + 1, 2 * grow + 1), np.uint8))
    return shape if kind < 0.9 else np.maximum(shape, strokes(size, rng, (left, top, right, bottom)))


def _loose(thing: tuple[int, int, int, int], size: int, rng: np.random.Generator) -> np.ndarray:
    """A box or an ellipse that fits (left, top, right, bottom) one way and leaves much room the other way."""
    left, top, right, bottom = thing
    ellipse = rng.random() < 0.35
    room = rng.uniform(1.05, 1.35, 2) * (1.2 if ellipse else 1)
    room[rng.integers(2)] *= rng.uniform(1, 2.8)
    width, height = room * (right - left, bottom - top)
    # the thing may stand anywhere in a box, nearly in the middle of an ellipse
    aside = rng.uniform(-0.5, 0.5, 2) * (0.2 if ellipse else 1)
    x = (left + right) / 2 + aside[0] * (width - (right - left))
    y = (top + bottom) / 2 + aside[1] * (height - (bottom - top))
    if not ellipse:
        return box(size, x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    mask = np.zeros((size, size), np.uint8)
    cv2.ellipse(mask, (round(x), round(y)), (round(width / 2) + 1, round(height / 2) + 1), 0, 0, 360, 1, -1)
    return mask


def _ellipse_around(
    size: int, top: int, bottom: int, left: int, right: int, alpha: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    grow = rng.uniform(1.05, 1.45)
    centre = (int((left + right) / 2), int((top + bottom) / 2))
    axes = (int(grow * (right - left) / 2 + 2), int(grow * (bottom - top) / 2 + 2))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    return np.maximum(mask, cv2.dilate((alpha > 0.02).astype(np.uint8), np.ones((3, 3), np.uint8)))


def box(size: int, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """(S, S) uint8 with ones inside the rectangle, which may reach past the picture."""
    mask = np.zeros((size, size), np.uint8)
    mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = 1
    return mask


def strokes(size: int, rng: np.random.Generator, within: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """A few thick brush strokes, inside (left, top, right, bottom) when that is given."""
    left, top, right, bottom = within or (0, 0, size, size)
    mask = np.zeros((size, size), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        points = np.stack([rng.uniform(left, right, 4), rng.uniform(top, bottom, 4)], 1).astype(np.int32)
        cv2.polylines(mask, [points], False, 1, max(2, int(rng.uniform(0.06, 0.25) * size)))
    return mask


def background_hole(size: int, rng: np.random.Generator) -> np.ndarray:
    """A mask over nothing in particular: box, ellipse or strokes, of a tenth to two thirds of the side."""
    kind = rng.random()
    if kind > 0.75:
        return strokes(size, rng)
    width, height = rng.uniform(0.15, 0.75, 2) * size
    left, top = rng.uniform(-0.1 * size, size - 0.8 * width), rng.uniform(-0.1 * size, size - 0.8 * height)
    if kind < 0.45:
        return box(size, left, top, left + width, top + height)
    mask = np.zeros((size, size), np.uint8)
    centre, axes = (int(left + width / 2), int(top + height / 2)), (int(width / 2) + 1, int(height / 2) + 1)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    return mask


def bands(size: int, rng: np.random.Generator) -> np.ndarray:
    """One to four sides masked, as when the frame reaches past the picture."""
    mask = np.zeros((size, size), np.uint8)
    for side in rng.permutation(4)[: int(rng.choice([1, 2, 3, 4], p=[0.6, 0.2, 0.1, 0.1]))]:
        depth = int(rng.uniform(0.1, 0.45) * size)
        mask |= np.rot90(box(size, 0, 0, depth, size), int(side))
    return mask
