"""Gradients and soft grounds: what is known of a picture in cells, and what carries it on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

CELLS = 24  # a side: smooth grounds are fitted to averages of this grid
_KNOTS, _REACH = 14, 1.6  # a radial gradient's profile is linear between so many radii, in sides
_BEND = 0.01  # how much a bent profile costs, which carries it on straight where no radius is seen
_STILL = 1.0  # levels: less is rounding, and no model is better for it
_NEAR = 0.12  # weight of the cells that kriging heeds

_AXIS = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
PLACES = np.stack(np.meshgrid(_AXIS, _AXIS, indexing="ij"), -1).reshape(-1, 2)  # of the cells (down, right), 0..1
_SECOND = np.diff(np.eye(_KNOTS, dtype=np.float32), 2, axis=0)
_STIFF = _BEND * _SECOND.T @ _SECOND + 1e-6 * np.eye(_KNOTS, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Cells:
    """The picture's averages where there are any: `places` (n, 2) in 0..1, `colours` (n, 3), `weight` (n,)."""

    places: np.ndarray
    colours: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Gradient:
    """Colours that depend on the distance from a centre (down, right), or linearly on the place where that is None."""

    centre: np.ndarray | None
    factors: np.ndarray

    def at(self, places: np.ndarray) -> np.ndarray:
        """(n, 2) -> (n, 3)."""
        return _features(places, self.centre) @ self.factors


def averaged(picture: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Averages of what `hole` leaves of a picture (S, S, 3), (24, 24, 3) float32, and how much of each cell that is."""
    kept = (~hole).astype(np.float32)
    share = cv2.resize(kept, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    total = cv2.resize(picture * kept[..., None], (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return total / np.maximum(share, 1e-3)[..., None], share


def cells_of(values: np.ndarray, share: np.ndarray, hole: np.ndarray) -> Cells:
    """Of what `averaged` gives, the cells of which enough is kept; those near the hole weigh most."""
    there = (share > 0.3).reshape(-1)
    far = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 3) / hole.shape[0]
    spaced = cv2.resize(far, (CELLS, CELLS), interpolation=cv2.INTER_AREA).reshape(-1)
    return Cells(PLACES[there], values.reshape(-1, 3)[there], 1 / (1 + (spaced[there] / 0.15) ** 2))


def _features(places: np.ndarray, centre: np.ndarray | None) -> np.ndarray:
    """(..., n, 2) and a centre (..., 2) -> (..., n, features) that a gradient's colours are linear in."""
    if centre is None:
        return np.concatenate([np.ones_like(places[..., :1]), places - 0.5], -1)
    away = np.linalg.norm(places - centre[..., None, :], axis=-1)[..., None] * ((_KNOTS - 1) / _REACH)
    return np.maximum(0, 1 - np.abs(away - np.arange(_KNOTS, dtype=np.float32)))


def _fitted(features: np.ndarray, colours: np.ndarray, weight: np.ndarray, stiff: np.ndarray) -> np.ndarray:
    weighted = (features * weight[:, None]).swapaxes(-1, -2)
    return np.linalg.solve(weighted @ features + stiff, weighted @ colours)


def _robust(cells: Cells, centre: np.ndarray | None, rounds: int) -> tuple[Gradient, np.ndarray]:
    """A gradient by least squares, weighted anew (Cauchy's weights, Holland and Welsch 1977), and its weights."""
    features = _features(cells.places, centre)
    stiff = _STIFF if centre is not None else 1e-6 * np.eye(3, dtype=np.float32)
    weight = cells.weight
    for _ in range(rounds):
        factors = _fitted(features, cells.colours, weight, stiff)
        off = np.sqrt(((features @ factors - cells.colours) ** 2).mean(-1))
        weight = cells.weight / (1 + (off / max(_STILL, 1.5 * float(np.median(off)))) ** 2)
    return Gradient(centre, factors), weight


def _linear(cells: Cells) -> Gradient:
    return _robust(cells, None, 6)[0]


def _radial(cells: Cells) -> Gradient:
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


def _none(cells: Cells) -> None:
    """No gradient."""


WAYS = (_none, _linear, _radial)


def kriged(cells: Cells, to: np.ndarray, gradient: Gradient | None) -> np.ndarray:
    """Colours (m, 3) at places `to` (m, 2): a gradient, or the mean, and what the cells have left over."""
    near = cells.weight > _NEAR
    places, colours = cells.places[near], cells.colours[near]
    mean = colours.mean(0) if gradient is None else gradient.at(places)
    left = colours - mean
    noise = min(1.0, _STILL**2 / max(float((left**2).mean()), 1e-3)) + 1e-4
    own = _covariance(places, places, gradient) + noise * np.eye(len(left), dtype=np.float32)
    carried = _covariance(to, places, gradient) @ np.linalg.solve(own, left.astype(np.float32))
    return carried + (mean if gradient is None else gradient.at(to))


def _covariance(one: np.ndarray, two: np.ndarray, gradient: Gradient | None) -> np.ndarray:
    """What is left of a gradient soon changes, what is left of a mean goes far."""
    square = (one**2).sum(-1)[:, None] + (two**2).sum(-1) - 2 * one @ two.T
    far = np.sqrt(np.maximum(square, 0)).astype(np.float32)
    return np.exp(-far) if gradient is None else (1 + far * (3**0.5 / 0.15)) * np.exp(far * (-(3**0.5) / 0.15))


def painted(cells: Cells, gradient: Gradient | None, size: int) -> np.ndarray:
    """(S, S, 3) float32 of what is known of the cells alone; a gradient is drawn at full size."""
    coarse = kriged(cells, PLACES, gradient)
    if gradient is None:
        return _smoothed(coarse, size)
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    return gradient.at(places).reshape(size, size, 3) + _smoothed(coarse - gradient.at(PLACES), size)


def _smoothed(coarse: np.ndarray, size: int) -> np.ndarray:
    cells = coarse.reshape(CELLS, CELLS, -1).astype(np.float32)
    return cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC)
