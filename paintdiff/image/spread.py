"""Colours brushed here and there, spread over what looks alike."""

from __future__ import annotations

import numpy as np

EDGE = 5.0  # levels of brightness over which two neighbours stop being alike
FADE = 1e-3  # what a pixel's own greyness weighs against its likeness to a neighbour: colours fade out far away
ROUNDS = 300  # of conjugate gradients, at most
ENOUGH = 1e-3  # of the first residual


def spread(colours: np.ndarray, given: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """`colours` (h, w, c) where `given` (h, w) bool, carried on to where `guide` (h, w), in levels, has no edge.

    Levin et al. 2004, *Colorization using Optimization*, eq. 1: neighbours of like brightness get like colours; the
    quadratic cost is minimized by conjugate gradients. (h, w, c) float32; what is given stays, up to ENOUGH.
    """
    across, down = _likeness(guide)
    weight = np.where(given, np.float32(100), np.float32(FADE))[..., None]

    def cost(x: np.ndarray) -> np.ndarray:
        """Half the gradient at x, where nothing is given."""
        out = weight * x
        for axis, likeness in ((1, across), (0, down)):
            flow = likeness * np.diff(x, axis=axis)
            ahead, behind = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
            out[ahead] += flow
            out[behind] -= flow
        return out

    wanted = np.where(given[..., None], weight * colours, 0).astype(np.float32)
    x = np.where(given[..., None], colours, 0).astype(np.float32)
    residual = wanted - cost(x)
    direction, size = residual, float(np.square(residual).sum())
    first = size
    for _ in range(ROUNDS):
        if size <= ENOUGH**2 * first or size == 0:
            break
        moved = cost(direction)
        step = size / float((direction * moved).sum())
        x = x + step * direction
        residual = residual - step * moved
        size, before = float(np.square(residual).sum()), size
        direction = residual + size / before * direction
    return x


def _likeness(guide: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How alike neighbours are, in 0..1: (h, w - 1, 1) across and (h - 1, w, 1) down."""
    guide = guide.astype(np.float32)
    across, down = (np.exp(-np.square(np.diff(guide, axis=axis) / EDGE) / 2)[..., None] for axis in (1, 0))
    return across, down
