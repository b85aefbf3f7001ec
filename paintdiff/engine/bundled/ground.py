"""The part of a guess that is ground: gradients, soft grounds and layers carried on into a hole, and their doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from paintdiff.engine.bundled.layered_ground import Layers, layered_ground
from paintdiff.engine.bundled.smooth_ground import (
    CELLS,
    PLACES,
    WAYS,
    Cells,
    Gradient,
    averaged,
    cells_of,
    kriged,
    painted,
)
from paintdiff.engine.bundled.spreading import grown, spread

_HIDDEN = 0.07  # of the side: a band of kept pixels so wide is hidden, to see which guess of it is best
# Levels by which a radial gradient, which can bend as any other, and layers must be better.
_HANDICAP = (0, 0, 0, 0.15, 0.1)
_KNOWN = (1.5, 1.0)  # times as large, and so many levels more, is an error taken to be where its place was known
_THING = 0.01  # so much does the error count at a place where a thing stands before the ground
_LOCAL = 5.0  # cells: ways are judged by the band so near by
_FAR = 0.05  # so much do those far away count
_FAR_OFF = 10.0  # levels: so far from the guess, a pixel at the edge counts half when the difference is spread
_WARY = 1.5  # times what is typical is the mean error
_DECIDED, _SLIGHT = 8, 0.03  # ways count by this power of how good they are, and not below this share
_EXACT = 0.05  # levels: no way is better


@dataclass(frozen=True, eq=False)
class Ground:
    """`colours` (S, S, 3) float32 of a picture's ground, carried on into a hole; `doubt` (S, S) float32, by how many
    levels they may be off; and where known `things` (S, S) bool stand before it, as far as it has layers.
    """

    colours: np.ndarray
    doubt: np.ndarray
    things: np.ndarray


def ground(picture: np.ndarray, hole: np.ndarray) -> Ground:
    """What lies behind things in `picture` (S, S, 3) uint8, carried on into `hole` (S, S) bool.

    Five ways are tried on a band of kept pixels around the hole, and count by how near they come near by: Navier-Stokes
    (Bertalmio et al. 2001); kriging (simple, Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning",
    2.2, with Matern's covariance of 4.2.1), of the picture, or of what is left over of a linear or a radial gradient,
    fitted so that what stands before them counts little; layers with edges between them (`layered_ground`). Doubt is
    how far their mean was off, and more deep inside; infinite where too little is kept to try.
    """
    size = hole.shape[0]
    band = max(2, round(_HIDDEN * size))
    around = (grown(hole, band) > 0) & ~hole
    values, share = averaged(picture, hole)
    outer, outer_share = averaged(picture, hole | around)
    judged = (averaged(picture, ~around)[1] > 0.3) & (share > 0.3)
    trial, nothing = cells_of(outer, outer_share, hole | around), np.zeros(hole.shape, bool)
    if len(trial.places) < 12 or not judged.any():
        return Ground(_streamed(picture, hole).astype(np.float32), np.full(hole.shape, np.inf, np.float32), nothing)
    true = values[judged]
    streamed = _streamed(np.clip(np.round(outer), 0, 255).astype(np.uint8), outer_share < 0.3)[judged]
    tried = np.stack([streamed, *(kriged(trial, PLACES[judged.reshape(-1)], way(trial)) for way in WAYS)])
    whole = cells_of(values, share, hole)
    paints: list[Callable[[], np.ndarray]] = [partial(_streamed, picture, hole)]
    paints += [partial(_smooth, whole, way, picture, hole) for way in WAYS]
    wrong = np.abs(np.clip(tried, 0, 255) - true).mean(-1)
    layers, things, heard = layered_ground(picture, hole), nothing, np.ones(len(true), np.float32)
    if layers is not None:
        seen, off = _layers_tried(layers, picture, hole, around, judged, true)
        tried, wrong = np.concatenate([tried, seen[None]]), np.concatenate([wrong, off[None]])
        paints.append(partial(_edged, layers.colours, picture, hole))
        things = layers.things
        before = cv2.resize(things.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        heard = np.maximum(_THING, 1 - before / np.maximum(share, 0.3))[judged]
    weights = _weights(_near_by(wrong, heard, judged))
    colours = np.zeros(picture.shape, np.float32)
    for weight, paint in zip(weights, paints, strict=True):
        if weight.any():
            colours += _resized(weight, size)[..., None] * paint()
    left = np.abs((weights[:, judged][..., None] * tried).sum(0) - true).mean(-1)
    return Ground(colours, _deepened(_near_by(left[None], heard, judged)[0], hole, band), things)


def _layers_tried(
    layers: Layers, picture: np.ndarray, hole: np.ndarray, around: np.ndarray, judged: np.ndarray, true: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What layers make of the `judged` cells (cells, 3) without the band, and by how much that is wrong (cells)."""
    without = layered_ground(picture, hole | around)
    seen = averaged((without or layers).colours, ~around)[0][judged]
    off = np.abs(seen - true).mean(-1)
    return seen, off if without is not None else _KNOWN[0] * off + _KNOWN[1]  # else a layer lies in the band alone


def _near_by(errors: np.ndarray, heard: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Typical errors (n, 24, 24) of n ways, whose errors at the `judged` (24, 24) cells are (n, cells).

    Those near by count most, and of all as much as they are `heard` (cells). Means are of the roots, since a thing that
    stands before a ground says little of how well that is guessed.
    """
    planes = np.zeros((CELLS, CELLS, len(errors) + 1), np.float32)
    planes[judged] = (np.concatenate([np.sqrt(errors), np.ones_like(errors[:1])]) * heard).T
    blurred = cv2.GaussianBlur(planes, (0, 0), _LOCAL) + _FAR * planes.mean((0, 1))
    means: np.ndarray = (blurred[..., :-1] / (blurred[..., -1:] + 1e-9)).transpose(2, 0, 1) ** 2
    return means


def _weights(errors: np.ndarray) -> np.ndarray:
    """How much each way counts (n, 24, 24) whose errors, in levels, are (n, 24, 24)."""
    handicap = np.array(_HANDICAP[: len(errors)], np.float32)[:, None, None]
    weights: np.ndarray = 1 / np.maximum(errors + handicap, _EXACT) ** _DECIDED
    weights = np.where(weights < _SLIGHT * weights.sum(0), 0, weights)
    return weights / weights.sum(0)


def _smooth(cells: Cells, way: Callable[[Cells], Gradient | None], picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return _edged(painted(cells, way(cells), hole.shape[0]), picture, hole)


def _resized(cells: np.ndarray, size: int) -> np.ndarray:
    return cv2.resize(cells.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)


def _edged(guess: np.ndarray, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    ring = ((grown(hole, 3) > 0) & ~hole).astype(np.float32)
    ring = ring / (1 + (np.abs(picture - guess).mean(-1) / _FAR_OFF) ** 2)  # what stands before it leaves no shadow
    return np.clip(guess + spread((picture - guess) * ring[..., None], ring), 0, 255)


def _deepened(errors: np.ndarray, hole: np.ndarray, band: int) -> np.ndarray:
    """Doubt (S, S) from the errors (24, 24) of a band, which grow inwards."""
    local = _WARY * _resized(errors, hole.shape[0])
    deep = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3) / band
    return (local * np.maximum(0.5, np.sqrt(deep))).astype(np.float32)


def _streamed(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_NS)
