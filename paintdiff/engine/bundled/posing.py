"""Each seed's own drawing of a thing: how it stands, its proportions, and where it is seen from."""

from __future__ import annotations

import math

import cv2
import numpy as np

_REACH = 1.9  # half the side of the new square, in halves of the thing's longer side: room to lean into
_ROUND = 0.9  # of the circle around it, a thing that covers more is round, and stays so

# standard deviations, where the thing reaches from -1 to 1; none is drawn beyond twice of it
_TURN = 7.0  # degrees
_LEAN, _STRETCH, _TAPER, _BOW, _PROPORTION, _SWELL, _WAVE = 0.095, 0.05, 0.155, 0.07, 0.225, 0.225, 0.018


def posed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A thing as another hand might have drawn it: (s, s, 4) uint8 premultiplied -> a larger square of the same scale.

    Every bend is long and gentle, so that nothing tears or folds. A round thing is turned alone.
    """
    alpha = pixels[..., 3] > 24
    ys, xs = np.nonzero(alpha)
    if len(ys) == 0:
        return pixels
    middle = np.array([xs.min() + xs.max(), ys.min() + ys.max()]) / 2
    half = (max(np.ptp(xs), np.ptp(ys)) + 1) / 2
    side = int(np.ceil(2 * _REACH * half))
    across = ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1) * _REACH
    u, v = _bent(*_turned(*np.meshgrid(across, across), rng), rng, 0.0 if _is_round(alpha) else 1.0)
    x, y = (middle[:, None, None] + half * np.stack([u, v])).astype(np.float32)
    return cv2.remap(np.ascontiguousarray(pixels), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _turned(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    angle = math.radians(_some(_TURN, rng))
    return math.cos(angle) * u - math.sin(angle) * v, math.sin(angle) * u + math.cos(angle) * v


def _bent(u: np.ndarray, v: np.ndarray, rng: np.random.Generator, much: float) -> tuple[np.ndarray, np.ndarray]:
    """From new places to old ones: `u` to the right, `v` downwards; not at all where `much` is 0."""
    stretch = math.exp(_some(much * _STRETCH, rng))
    u, v = u / stretch + _some(much * _LEAN, rng) * v, v * stretch
    u = u * (1 + _some(much * _TAPER, rng) * v)  # seen from below or above: its head is the narrower, or its foot
    v = v * (1 + _some(much * _TAPER, rng) / 2 * u)  # and from one side
    u, v = u + _some(much * _BOW, rng) * (v * v - 0.4), v + _some(much * _BOW, rng) * (u * u - 0.4)
    v = v + _some(much * _PROPORTION, rng) / 2 * _inside(v)  # a large head on a small body, or the reverse
    u = u + _some(much * _PROPORTION, rng) / 3 * _inside(u)
    to_u, to_v = rng.uniform(-0.5, 0.5, 2).astype(np.float32)
    swell = _some(much * _SWELL, rng) * np.exp(-((u - to_u) ** 2 + (v - to_v) ** 2) / 0.35)
    u, v = u - swell * (u - to_u), v - swell * (v - to_v)
    coarse = rng.normal(0, much * _WAVE, (4, 4, 2)).astype(np.float32)
    waves = cv2.resize(coarse, u.shape, interpolation=cv2.INTER_CUBIC)
    return u + waves[..., 0], v + waves[..., 1]


def _inside(along: np.ndarray) -> np.ndarray:
    """1 in the middle of the thing, 0 at its ends and little beyond."""
    return 1 - np.clip(along, -1.2, 1.2) ** 2


def _some(spread: float, rng: np.random.Generator) -> float:
    return float(spread * np.clip(rng.normal(), -2, 2))


def _is_round(alpha: np.ndarray) -> bool:
    ys, xs = np.nonzero(alpha)
    _, radius = cv2.minEnclosingCircle(np.stack([xs, ys], axis=1).astype(np.float32))
    return alpha.sum() > _ROUND * np.pi * (radius + 0.5) ** 2
