"""The part of a guess that is ground: gradients, soft grounds and layers carried on into a hole, and their doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from paintdiff.engine.bundled.layered_ground import layered_ground
from paintdiff.engine.bundled.spreading import grown, spread

_CELLS = 24  # a side: smooth grounds are fitted to averages of this grid
_KNOTS, _REACH = 14, 1.6  # a radial gradient's profile is linear between so many radii, in sides
_BEND = 0.01  # how much a bent profile costs, which carries it on straight where no radius is seen
_STILL = 1.0  # levels: less is rounding, and no model is better for it
_HIDDEN = 0.07  # of the side: a band of kept pixels so wide is hidden, to see which guess of it is best
# Levels by which a radial gradient, which can bend as any other, and layers must be better.
_HANDICAP = (0, 0, 0, 0.15, 0.1)
_KNOWN = (1.5, 1.0)  # times as large, and so many levels more, is an error taken to be where its place was known
_THING = 0.05  # so much does the error count at a place where a thing stands before the ground
_LOCAL = 5.0  # cells: ways are judged by the band so near by
_FAR = 0.05  # so much do those far away count
_FAR_OFF = 10.0  # levels: so far from the guess, a pixel at the edge counts half when the difference is spread
_WARY = 1.5  # times `_typical` is the mean error
_NEAR = 0.12  # weight of the cells that kriging heeds
_DECIDED, _SLIGHT = 8, 0.03  # ways count by this power of how good they are, and not below this share

_AXIS = (np.arange(_CELLS, dtype=np.float32) + 0.5) / _CELLS
_PLACES = np.stack(np.meshgrid(_AXIS, _AXIS, indexing="ij"), -1).reshape(-1, 2)
_SECOND = np.diff(np.eye(_KNOTS, dtype=np.float32), 2, axis=0)
_STIFF = _BEND * _SECOND.T @ _SECOND + 1e-6 * np.eye(_KNOTS, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Cells:
    """The picture's averages where there are any: `places` (n, 2) in 0..1, `colours` (n, 3), `weight` (n,)."""

    places: np.ndarray
    colours: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class _Gradient:
    """Colours that depend on the distance from a centre (down, right), or linearly on the place where that is None."""

    centre: np.ndarray | None
    factors: np.ndarray

    def at(self, places: np.ndarray) -> np.ndarray:
        """(n, 2) -> (n, 3)."""
        return _features(places, self.centre) @ self.factors


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
    values, share = _averaged(picture, hole)
    judged = (_averaged(picture, ~around)[1] > 0.3) & (share > 0.3)
    trial, nothing = _cells(*_averaged(picture, hole | around), hole | around), np.zeros(hole.shape, bool)
    if len(trial.places) < 12 or not judged.any():
        return Ground(_streamed(picture, hole).astype(np.float32), np.full(hole.shape, np.inf, np.float32), nothing)
    tried, painted = _tried(picture, hole, around, trial, judged)
    wrong = np.abs(np.clip(tried, 0, 255) - values[judged]).mean(-1)
    layers, heard = layered_ground(picture, hole), np.ones(wrong.shape[1:], np.float32)
    if layers is not None:
        known = layered_ground(picture, hole | around)
        seen = _averaged((layers if known is None else known).colours, ~around)[0][judged]
        off = np.abs(seen - values[judged]).mean(-1)
        if known is None:  # a layer lies in the band alone
            off = _KNOWN[0] * off + _KNOWN[1]
        tried, wrong = np.concatenate([tried, seen[None]]), np.concatenate([wrong, off[None]])
        painted.append(partial(_edged, layers.colours, picture, hole))
        before = cv2.resize(layers.things.astype(np.float32), (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        heard = np.maximum(_THING, 1 - before / np.maximum(share, 0.3))[judged]
    weights = _weights(_near_by(wrong, heard, judged))
    colours = np.zeros(picture.shape, np.float32)
    for weight, paint in zip(weights, painted, strict=True):
        if weight.any():
            colours += _resized(weight, size)[..., None] * paint()
    left = np.abs((weights[:, judged][..., None] * tried).sum(0) - values[judged]).mean(-1)
    doubt = _deepened(_near_by(left[None], heard, judged)[0], hole, band)
    return Ground(colours, doubt, nothing if layers is None else layers.things)


def _tried(
    picture: np.ndarray, hole: np.ndarray, around: np.ndarray, trial: _Cells, judged: np.ndarray
) -> tuple[np.ndarray, list[Callable[[], np.ndarray]]]:
    """What the smooth ways make of the `judged` cells (ways, cells, 3) without the band, and of all with it."""
    outer, outer_share = _averaged(picture, hole | around)
    whole, to = _cells(*_averaged(picture, hole), hole), _PLACES[judged.reshape(-1)]
    streamed = _streamed(np.clip(np.round(outer), 0, 255).astype(np.uint8), outer_share < 0.3)[judged]
    painted: list[Callable[[], np.ndarray]] = [partial(_streamed, picture, hole)]
    painted += [partial(_painted, whole, way, picture, hole) for way in _WAYS]
    return np.stack([streamed, *(_kriged(trial, to, way(trial)) for way in _WAYS)]), painted


def _near_by(errors: np.ndarray, heard: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Typical errors (n, 24, 24) of n ways, whose errors at the `judged` (24, 24) cells are (n, cells).

    Those near by count most, and of all as much as they are `heard` (cells). Means are of the roots, since a thing that
    stands before a ground says little of how well that is guessed.
    """
    planes = np.zeros((_CELLS, _CELLS, len(errors) + 1), np.float32)
    planes[judged] = (np.concatenate([np.sqrt(errors), np.ones_like(errors[:1])]) * heard).T
    blurred = cv2.GaussianBlur(planes, (0, 0), _LOCAL) + _FAR * planes.mean((0, 1))
    means: np.ndarray = (blurred[..., :-1] / (blurred[..., -1:] + 1e-9)).transpose(2, 0, 1) ** 2
    return means


def _weights(errors: np.ndarray) -> np.ndarray:
    """How much each way counts (n, 24, 24) whose errors, in levels, are (n, 24, 24)."""
    handicap = np.array(_HANDICAP[: len(errors)], np.float32)[:, None, None]
    weights: np.ndarray = 1 / np.maximum(errors + handicap, _STILL / 20) ** _DECIDED
    weights = np.where(weights < _SLIGHT * weights.sum(0), 0, weights)
    return weights / weights.sum(0)


def _averaged(picture: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Averages of what is kept, (24, 24, 3) float32, and how much of each cell that is."""
    kept = (~hole).astype(np.float32)
    share = cv2.resize(kept, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    total = cv2.resize(picture * kept[..., None], (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return total / np.maximum(share, 1e-3)[..., None], share


def _cells(values: np.ndarray, share: np.ndarray, hole: np.ndarray) -> _Cells:
    there = (share > 0.3).reshape(-1)
    far = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 3) / hole.shape[0]
    spaced = cv2.resize(far, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).reshape(-1)
    return _Cells(_PLACES[there], values.reshape(-1, 3)[there], 1 / (1 + (spaced[there] / 0.15) ** 2))


def _features(places: np.ndarray, centre: np.ndarray | None) -> np.ndarray:
    """(..., n, 2) and a centre (..., 2) -> (..., n, features) that a gradient's colours are linear in."""
    if centre is None:
        return np.concatenate([np.ones_like(places[..., :1]), places - 0.5], -1)
    away = np.linalg.norm(places - centre[..., None, :], axis=-1)[..., None] * ((_KNOTS - 1) / _REACH)
    return np.maximum(0, 1 - np.abs(away - np.arange(_KNOTS, dtype=np.float32)))


def _fitted(features: np.ndarray, colours: np.ndarray, weight: np.ndarray, stiff: np.ndarray) -> np.ndarray:
    weighted = (features * weight[:, None]).swapaxes(-1, -2)
    return np.linalg.solve(weighted @ features + stiff, weighted @ colours)


def _robust(cells: _Cells, centre: np.ndarray | None, rounds: int) -> tuple[_Gradient, np.ndarray]:
    """A gradient by least squares, weighted anew (Cauchy's weights, Holland and Welsch 1977), and its weights."""
    features = _features(cells.places, centre)
    stiff = _STIFF if centre is not None else 1e-6 * np.eye(3, dtype=np.float32)
    weight = cells.weight
    for _ in range(rounds):
        factors = _fitted(features, cells.colours, weight, stiff)
        off = np.sqrt(((features @ factors - cells.colours) ** 2).mean(-1))
        weight = cells.weight / (1 + (off / max(_STILL, 1.5 * float(np.median(off)))) ** 2)
    return _Gradient(centre, factors), weight


def _linear(cells: _Cells) -> _Gradient:
    return _robust(cells, None, 6)[0]


def _radial(cells: _Cells) -> _Gradient:
    """The centre by search, ever finer."""
    weight = _robust(cells, None, 4)[1]
    axis, step = np.linspace(-0.1, 1.1, 7, dtype=np.float32), 0.2
    centres = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    for every in (5, 3, 2, 1):  # of the cells
        some = slice(None, None, every)
        features = _features(cells.places[some], centres)
        factors = _fitted(features, cells.colours[some], weight[some], _STIFF)
        off = ((features @ factors - cells.colours[some]) ** 2).mean(-1)
        best = centres[(cells.weight[some] * np.log1p(off / 4)).sum(-1).argmin()]
        step /= 2.5
        near = np.arange(-1, 2, dtype=np.float32) * step
        centres = best + np.stack(np.meshgrid(near, near, indexing="ij"), -1).reshape(-1, 2)
    return _robust(cells, best, 4)[0]


def _none(cells: _Cells) -> None:
    """No gradient."""


_WAYS = (_none, _linear, _radial)


def _kriged(cells: _Cells, to: np.ndarray, gradient: _Gradient | None) -> np.ndarray:
    """Colours (m, 3) at places `to` (m, 2): a gradient, or the mean, and what the cells have left over."""
    near = cells.weight > _NEAR
    places, colours = cells.places[near], cells.colours[near]
    mean = colours.mean(0) if gradient is None else gradient.at(places)
    left = colours - mean
    noise = min(1.0, _STILL**2 / max(float((left**2).mean()), 1e-3)) + 1e-4
    own = _covariance(places, places, gradient) + noise * np.eye(len(left), dtype=np.float32)
    carried = _covariance(to, places, gradient) @ np.linalg.solve(own, left.astype(np.float32))
    return carried + (mean if gradient is None else gradient.at(to))


def _covariance(one: np.ndarray, two: np.ndarray, gradient: _Gradient | None) -> np.ndarray:
    """What is left of a gradient soon changes, what is left of a mean goes far."""
    square = (one**2).sum(-1)[:, None] + (two**2).sum(-1) - 2 * one @ two.T
    far = np.sqrt(np.maximum(square, 0)).astype(np.float32)
    return np.exp(-far) if gradient is None else (1 + far * (3**0.5 / 0.15)) * np.exp(far * (-(3**0.5) / 0.15))


def _painted(
    cells: _Cells, way: Callable[[_Cells], _Gradient | None], picture: np.ndarray, hole: np.ndarray
) -> np.ndarray:
    """(S, S, 3) float32 of what is known of the cells, and the picture beside the hole; a gradient at full size."""
    size, gradient = hole.shape[0], way(cells)
    coarse = _kriged(cells, _PLACES, gradient)
    if gradient is None:
        return _edged(_smoothed(coarse, size), picture, hole)
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    drawn = gradient.at(places).reshape(size, size, 3) + _smoothed(coarse - gradient.at(_PLACES), size)
    return _edged(drawn, picture, hole)


def _smoothed(coarse: np.ndarray, size: int) -> np.ndarray:
    cells = coarse.reshape(_CELLS, _CELLS, -1).astype(np.float32)
    return cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC)


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
