"""A guess of a ground of a few layers with sharp edges between them: a sky, hills, a floor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from paintdiff.engine.bundled.spreading import grown, spread

_STEP = 7.0  # levels between neighbours: more is an edge
_LEAST = 0.012  # of the picture's pixels: less is a thing, not a layer
_MOST = 7  # layers
_SIDE = 0.05  # of a side of the picture: a layer reaches along one so far
_SPLIT = 2  # parts a layer: of more it is a pattern
# So many times what a gradient of its own is off, and levels more, may one for two parts of a layer be off.
_ALIKE = (1.25, 1.0)
_FLAT = 0.0005  # sides squared: parts of so small a variance are taken to be half as steep
_STRANGE = 14.0  # levels: a pixel so far from every layer beside it stands before them
_BESIDE = 0.17  # of the side: so near the hole are the layers that meet it
_NEAR = 0.4  # of the side: layers and edges are looked for so far from the hole
_KNOTS = 320  # places at which the edges' course is known
_BENDING = 0.35  # of the side: so soon does an edge's course change
_GRID = 4  # pixels between the places at which that is computed


@dataclass(frozen=True, eq=False)
class Layers:
    """`colours` (S, S, 3) float32, carried on everywhere, and the known `things` (S, S) bool that stand before them."""

    colours: np.ndarray
    things: np.ndarray


def layered_ground(picture: np.ndarray, hole: np.ndarray) -> Layers | None:
    """`picture` (S, S, 3) uint8 carried on into `hole` (S, S) bool as flat or shaded layers.

    Layers are what holds together without an edge. The signed distance to each one's edge, which is known outside, is
    carried on by Gaussian process regression (Rasmussen and Williams 2006, 2.2 and 2.7, with a linear mean), so that
    edges go on straight or bend gently, as implicit surfaces do (Turk and O'Brien 1999, "Shape Transformation Using
    Variational Implicit Functions"). Each layer has its own linear gradient. None where fewer than two layers meet the
    hole.
    """
    every = _layers(picture.astype(np.float32), hole)
    near = (grown(hole, round(_BESIDE * len(hole))) > 0) & ~hole
    layers = every[(every & near).sum((1, 2)) > len(hole) // 8]
    if not 2 <= len(layers) <= _MOST:
        return None
    layers = _in_order(layers, near)
    above = [_carried(np.any(layers[:k], 0), np.any(layers[k:], 0), hole) for k in range(1, len(layers))]
    reached = np.maximum.accumulate(np.clip(np.stack([*above, np.full(hole.shape, 1, np.float32)]) + 0.5, 0, 1), axis=0)
    shares = np.diff(reached, axis=0, prepend=0)
    paints = np.stack([_painted(picture, layer, hole) for layer in layers])
    guess = np.clip((paints * shares[..., None]).sum(0), 0, 255).astype(np.float32)
    return Layers(guess, ~(every.any(0) | hole))


def _layers(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """(layers, S, S) bool, disjoint."""
    size = hole.shape[0]
    across = np.abs(np.diff(picture, axis=1)).max(-1) > _STEP
    down = np.abs(np.diff(picture, axis=0)).max(-1) > _STEP
    across &= ~(hole[:, 1:] | hole[:, :-1])
    down &= ~(hole[1:] | hole[:-1])
    edge = hole.copy()
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~edge).astype(np.uint8), connectivity=4)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    large = [k + 1 for k in np.argsort(-sizes)[: 3 * _MOST] if sizes[k] > _LEAST * size * size]
    parts = [part for part in _joined(picture, [labels == k for k in large]) if _goes_on(part, hole)]
    parts += _rough(np.any(parts, 0), hole) if parts else []
    return _with_borders(picture, parts, edge & ~hole) if parts else np.zeros((0, size, size), bool)


def _rough(smooth: np.ndarray, hole: np.ndarray) -> list[np.ndarray]:
    """Layers that are full of edges, water or a wood, say: what is left and reaches along the border."""
    rest = cv2.erode((~smooth & ~hole).astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=4)
    large = [k for k in range(1, len(stats)) if stats[k, cv2.CC_STAT_AREA] > _LEAST * rest.size]
    return [part for part in (labels == k for k in large) if _along_border(part)]


def _along_border(part: np.ndarray) -> bool:
    """Whether it reaches along the picture's border, as a ground does."""
    return max(*part[[0, -1]].sum(1), *part[:, [0, -1]].sum(0)) > _SIDE * len(part)


def _goes_on(part: np.ndarray, hole: np.ndarray) -> bool:
    """Whether it reaches along the picture's border, or along a hole that does."""
    if _along_border(part):
        return True
    open_side = hole[[0, -1]].all(1).any() or hole[:, [0, -1]].all(0).any()
    return bool(open_side and (part & (grown(hole, 3) > 0)).sum() > 2 * _SIDE * len(part))


def _in_order(layers: np.ndarray, near: np.ndarray) -> np.ndarray:
    """As they follow each other, say from the sky down to the floor: along the line on which their middles lie."""
    size = near.shape[0]
    beside = cv2.GaussianBlur(near.astype(np.float32), (0, 0), size / 8)
    y, x = np.mgrid[:size, :size]
    weights = layers * beside
    middles = np.stack([(weights * y).sum((1, 2)), (weights * x).sum((1, 2))], -1) / weights.sum((1, 2))[:, None]
    along = np.linalg.svd(middles - middles.mean(0))[2][0]
    ordered: np.ndarray = layers[np.argsort(middles @ along)]
    return ordered


def _some_of(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (down, right) of 600 to 1200 of its pixels, or of all."""
    y, x = np.nonzero(part)
    some = slice(None, None, max(1, len(y) // 600))
    return y[some], x[some]


def _gradient(picture: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(3, 3): what a linear gradient's colours in `part` are made of; of a narrow part it is nearly flat."""
    y, x = _some_of(part)
    places, colours = _features(y, x, part.shape[0])[:, 1:], picture[y, x]
    middle, mean = places.mean(0), colours.mean(0)
    spread_out = (places - middle).T @ (places - middle) + _FLAT * len(places) * np.eye(2, dtype=np.float32)
    slopes = np.linalg.solve(spread_out, (places - middle).T @ (colours - mean))
    return np.concatenate([(mean - middle @ slopes)[None], slopes]).astype(np.float32)


def _features(y: np.ndarray, x: np.ndarray, size: int) -> np.ndarray:
    return np.stack([np.ones(len(y)), y / size - 0.5, x / size - 0.5], -1).astype(np.float32)


def _off(picture: np.ndarray, part: np.ndarray, factors: np.ndarray) -> float:
    y, x = _some_of(part)
    return float(np.abs(_features(y, x, part.shape[0]) @ factors - picture[y, x]).mean())


def _joined(picture: np.ndarray, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Parts that one gradient explains about as well as two are one layer; none, if there are too many of them."""
    joined: list[np.ndarray] = []
    most: list[float] = []  # levels that a gradient for each and another part may be off
    for part in parts:
        own = _allowed(picture, part)
        for k, other in enumerate(joined):
            both = part | other
            factors = _gradient(picture, both)
            if _off(picture, part, factors) < own and _off(picture, other, factors) < most[k]:
                joined[k], most[k] = both, _allowed(picture, both)
                break
        else:
            joined.append(part)
            most.append(own)
    return joined if len(parts) <= _SPLIT * len(joined) else []


def _allowed(picture: np.ndarray, part: np.ndarray) -> float:
    return _ALIKE[0] * _off(picture, part, _gradient(picture, part)) + _ALIKE[1]


def _with_borders(picture: np.ndarray, parts: list[np.ndarray], edge: np.ndarray) -> np.ndarray:
    """The parts, and those pixels at their edges that are nearly of their colour."""
    size = edge.shape[0]
    y, x = np.nonzero(edge)
    features = _features(y, x, size)
    off = np.stack([np.abs(features @ _gradient(picture, part) - picture[y, x]).mean(-1) for part in parts])
    away = np.stack([cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 3)[y, x] for part in parts])
    off += np.where(away < 4, 0, np.inf)
    best = off.argmin(0)
    layers = np.stack(parts)
    sure = off.min(0) < _STRANGE
    layers[best[sure], y[sure], x[sure]] = True
    return layers


def _carried(layer: np.ndarray, others: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Signed distance to the layer's edge (S, S) float32 in pixels, positive within, as it may go on in the hole."""
    size = hole.shape[0]
    inside = cv2.distanceTransform((~others).astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~layer).astype(np.uint8), cv2.DIST_L2, 5)
    signed = np.where(layer, inside - 0.5, 0.5 - outside)
    far = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    usable = (layer | others) & (far < _NEAR * size)
    y, x = np.nonzero(usable)
    value, away = signed[y, x], far[y, x]
    order = np.argsort(np.abs(value) + 0.5 * away + 0.37 * ((y * 7 + x * 13) % 17), kind="stable")  # not all in a clump
    nearest, rest = np.split(order, [_KNOTS // 2])
    chosen = np.concatenate([nearest, rest[:: max(1, len(rest) // (_KNOTS // 2))]])
    y, x, value, away = y[chosen], x[chosen], value[chosen], away[chosen]
    places = np.stack([y, x], -1).astype(np.float32) / size
    noise = (0.4 + 0.4 * np.abs(value) + 0.03 * away) ** 2
    own = _covariance(places, places, size) + np.diag(noise).astype(np.float32)
    steps = (np.arange(0, size, _GRID, dtype=np.float32) + (_GRID - 1) / 2) / size
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    coarse = _covariance(grid, places, size) @ np.linalg.solve(own, value.astype(np.float32))
    smooth = cv2.resize(coarse.reshape(len(steps), -1), (size, size), interpolation=cv2.INTER_CUBIC)
    return smooth.astype(np.float32)


def _covariance(one: np.ndarray, two: np.ndarray, size: int) -> np.ndarray:
    """Pixels squared: a linear course, and what bends it."""
    far = np.sqrt(np.maximum((one**2).sum(-1)[:, None] + (two**2).sum(-1) - 2 * one @ two.T, 0))
    scaled = far * (5**0.5 / _BENDING)
    bent = (0.08 * size) ** 2 * (1 + scaled + scaled**2 / 3) * np.exp(-scaled)
    linear = size**2 * (1 + (one - 0.5) @ (two - 0.5).T)
    return (bent + linear).astype(np.float32)


def _painted(picture: np.ndarray, layer: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The layer's own gradient everywhere (S, S, 3) float32, through its pixels beside the hole."""
    size = hole.shape[0]
    near = layer & (grown(hole, round(_NEAR * size)) > 0)
    factors = _gradient(picture, near if near.sum() > size else layer)
    axis = np.arange(size, dtype=np.float32) / size - 0.5
    plane = factors[0] + axis[:, None, None] * factors[1] + axis[None, :, None] * factors[2]
    ring = (layer & (grown(hole, max(3, size // 16)) > 0)).astype(np.float32)
    if not ring.any():
        return plane
    return plane + spread((picture - plane) * ring[..., None], ring)
