"""How much of each pixel a brush covers between two points of a stroke: one capsule, antialiased."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from paintdiff.image.geometry import Rect


@dataclass(frozen=True)
class Tip:
    """The brush at one point of a stroke: centre and `radius` in world pixels, `opacity` 0..1."""

    x: float
    y: float
    radius: float
    opacity: float


def reach(a: Tip, b: Tip) -> Rect:
    """The pixels that the capsule from `a` to `b` can touch."""
    radius = max(a.radius, b.radius, 0.5) + 0.5
    return Rect.from_edges(
        math.floor(min(a.x, b.x) - radius), math.floor(min(a.y, b.y) - radius),
        math.ceil(max(a.x, b.x) + radius), math.ceil(max(a.y, b.y) + radius),
    )


def capsule(a: Tip, b: Tip, hardness: float, rect: Rect) -> np.ndarray:
    """Coverage of the capsule from `a` to `b` on the pixels of `rect`: (h, w) uint8, 255 = all of `b`'s opacity at 1.

    The value depends on the distance to the segment alone, so that the maximum over the pieces of a stroke has no
    scallops at any speed. Radius and opacity run linearly from `a` to `b`.
    """
    px = np.arange(rect.x, rect.right, dtype=np.float32)[None, :] + np.float32(0.5 - a.x)
    py = np.arange(rect.y, rect.bottom, dtype=np.float32)[:, None] + np.float32(0.5 - a.y)
    dx, dy = b.x - a.x, b.y - a.y
    length2 = dx * dx + dy * dy
    if length2 < 1e-9:
        larger = a if a.radius >= b.radius else b
        coverage = profile(np.sqrt(px * px + py * py), larger.radius, hardness)
        return _to_uint8(coverage, max(a.opacity, b.opacity))
    along = px * np.float32(dx / length2) + py * np.float32(dy / length2)
    np.minimum(along, 1, out=along)
    np.maximum(along, 0, out=along)
    ox, oy = px - along * np.float32(dx), py - along * np.float32(dy)
    ox *= ox
    oy *= oy
    ox += oy
    distance = np.sqrt(ox, out=ox)
    radius = a.radius if a.radius == b.radius else a.radius + along * np.float32(b.radius - a.radius)
    opacity = a.opacity if a.opacity == b.opacity else a.opacity + along * np.float32(b.opacity - a.opacity)
    return _to_uint8(profile(distance, radius, hardness), opacity)


def profile(distance: np.ndarray, radius: float | np.ndarray, hardness: float) -> np.ndarray:
    """Coverage 0..1 at `distance` pixels from the middle of a brush (float32; `distance` is overwritten).

    The outer `1 - hardness` of the radius falls off smoothly; the edge is never narrower than one pixel, so that it is
    antialiased. A brush thinner than a pixel covers in proportion to its width.
    """
    thin = np.minimum(2 * radius, 1) if isinstance(radius, np.ndarray) else min(2 * radius, 1.0)
    edge = np.maximum(radius, 0.5) + 0.5 if isinstance(radius, np.ndarray) else max(radius, 0.5) + 0.5
    width = np.maximum(edge * (1 - hardness), 1)
    u = np.subtract(edge, distance, out=distance)
    u /= width
    np.minimum(u, 1, out=u)
    np.maximum(u, 0, out=u)
    # A soft edge follows smoothstep and a hard one stays linear, which is the exact coverage of a straight edge.
    softness = 1 - hardness
    if softness > 0:
        smooth = u * np.float32(-2 * softness)
        smooth += np.float32(3 * softness)
        smooth *= u
        smooth += np.float32(hardness)
        u *= smooth
    if isinstance(thin, np.ndarray) or thin < 1:
        u *= thin
    return u


def _to_uint8(coverage: np.ndarray, opacity: float | np.ndarray) -> np.ndarray:
    coverage *= opacity * np.float32(255)
    return cv2.convertScaleAbs(coverage)  # rounds
