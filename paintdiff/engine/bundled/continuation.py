"""A first guess of what a hole hides: the picture around it, moved to where it fits."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.bundled.ground import Ground, ground
from paintdiff.engine.bundled.spreading import grown, spread

_OFFSETS = 16
SURE = 0.5  # alpha at most: less than that of a picture from the library, which lies over it
_LEAST = 0.12
_TOLERANCE = 20.0  # levels of mismatch at which the guess counts for e times less
_LEVELS = 1.5  # of mismatch are a level of the ground's doubt: offsets are chosen for a small one
_DECIDED = 4  # the surer of two guesses counts for more by this power of how much surer
_PLAIN = 3.0  # levels of doubt at which the ground speaks a quarter as loud against what differs from it
_HOPELESS = 1000.0
_VOICES = 5  # offers that are asked whether they agree
_AGREED = 6.0  # levels between offers that do
_TONE = np.array([0.3, 0.55, 0.15], np.float32)  # of the colours
_FAR_OFF = 20.0  # levels: so far from the guess, a pixel at the edge counts half when the difference is spread
_THING = 12.0  # levels that a pixel of a thing before the ground costs
_ROUNDS = 3
_NEAR = 3  # pixels: offsets closer than this to none at all, or to each other, are the same


def continued(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """What the rest of `picture` (S, S, 3) uint8 offers for `hole` (S, S) bool: (S, S, 4) uint8 premultiplied.

    Alpha is at most a half: the more, the less the guess is in doubt. It reaches a little over the hole's edge, so that
    a network can compare. All zeros where everything is hole. Two guesses are made, and the surer counts for more,
    pixel by pixel. One is the `ground`. The other is the picture moved, after He and Sun 2012, "Statistics
    of Patch Offsets for Image Completion": the offsets at which the ring around the hole finds itself again, the best
    of them for each pixel; then the difference at the edge is spread over the hole as in Perez et al. 2003, "Poisson
    Image Editing", 3. What is too far inside for that is continued from the guess.
    """
    if hole.all():
        return np.zeros((*hole.shape, 4), np.uint8)
    reach = grown(hole, max(1, hole.shape[0] // 32)) > 0
    behind = ground(picture, hole)
    smooth, doubt = np.where(hole[..., None], behind.colours, picture), np.minimum(behind.doubt, _HOPELESS)
    moved, cost = _moved_in(picture, hole, reach, behind)
    cost = np.minimum(cost, _HOPELESS)
    surer = doubt**_DECIDED / (doubt**_DECIDED + cost**_DECIDED + 1e-6)
    shown = smooth + (moved - smooth) * surer[..., None]
    sure = np.exp(-((np.minimum(cost, _LEVELS * doubt) / _TOLERANCE) ** 2))
    alpha = np.where(reach, np.maximum(_LEAST, SURE * sure), 0)
    return np.round(np.dstack([shown * alpha[..., None], 255 * alpha])).astype(np.uint8)


def _moved_in(
    picture: np.ndarray, hole: np.ndarray, reach: np.ndarray, behind: Ground
) -> tuple[np.ndarray, np.ndarray]:
    """The picture moved to where it fits (S, S, 3), and its mismatch (S, S) in levels, infinite where there is none.

    To differ from what is `behind` counts as mismatch, by as much as that is sure: things that stand about on a plain
    ground fit anywhere on it.
    """
    plain = hole * (1 + behind.doubt / _PLAIN) ** -2.0
    known, left = np.where(hole[..., None], 0, picture).astype(np.float32), hole
    shown, doubt = known, np.full(hole.shape, np.inf, np.float32)
    for again in range(_ROUNDS):
        guess, cost = _guess(known, left, behind, plain)
        found = np.isfinite(cost) & (grown(left, max(1, hole.shape[0] // 32)) > 0)
        fresh = found & reach & (left | (again == 0))  # past the hole's edge the guess is shown, and not built upon
        known, shown = (np.where(w[..., None], guess, p) for w, p in ((found & left, known), (fresh, shown)))
        doubt = np.where(fresh, cost + again * _TOLERANCE / 2, doubt)
        left = left & ~found
        if not left.any() or not found.any():
            break
    return shown, doubt


def _guess(known: np.ndarray, hole: np.ndarray, behind: Ground, plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture continued (S, S, 3), and the mismatch of each pixel (S, S) in levels, infinite where there's none."""
    size = hole.shape[0]
    kept = (~hole).astype(np.float32)
    ring = grown(hole, max(3, size // 12)) * kept
    found = _best_offsets(known, kept, ring, hole)
    if not found:
        return known, np.full(hole.shape, np.inf, np.float32)
    every, costs = zip(*(_offer(known, kept, ring, *offset) for offset in found), strict=True)
    offers, costs = np.stack(every), np.stack(costs)
    costs = np.hypot(costs, (np.abs(offers - behind.colours) @ _TONE) * plain)
    costs = np.hypot(costs, _alone(offers, costs))
    costs = costs + _THING * np.stack([_moved(behind.things, *offset[:2]) for offset in found])
    best = np.argmin(costs, axis=0)[None]
    cost = np.take_along_axis(costs, best, 0)[0]
    guess = np.take_along_axis(offers, best[..., None], 0)[0]
    compared = ring * np.isfinite(cost) / (1 + (np.abs(known - guess) @ _TONE / _FAR_OFF) ** 2)
    return np.clip(guess + spread((known - guess) * compared[..., None], compared), 0, 255), cost


def _alone(offers: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """By how many levels each of the `offers` (n, S, S, 3) differs from what the cheapest agree upon: (n, S, S).

    Where a pattern repeats itself they do, and what one of them has alone is a thing that stands before it.
    """
    if len(offers) < _VOICES:
        return np.zeros_like(costs)
    tones = offers @ _TONE
    cheap = np.argpartition(costs, _VOICES - 1, axis=0)[:_VOICES]
    voices = np.sort(np.take_along_axis(tones, cheap, 0), axis=0)
    widths = voices[2:] - voices[:-2]  # of each three neighbours: the closest three are heard
    closest = widths.argmin(0)[None]
    middle = np.take_along_axis(voices, closest + 1, 0)
    apart = np.take_along_axis(widths, closest, 0) / 2
    off = np.abs(tones - middle)
    alone: np.ndarray = np.maximum(0, off - 2 * _AGREED) * np.exp(-((apart / _AGREED) ** 2))
    return alone


def _best_offsets(
    known: np.ndarray, kept: np.ndarray, ring: np.ndarray, hole: np.ndarray
) -> list[tuple[int, int, float]]:
    """(down, right, mismatch) of at most _OFFSETS offsets: kept pixels there look like the ring, and cover the hole."""
    size = hole.shape[0]
    room, edge = size + size // 2, size // 4  # offsets up to half a side do not wrap round
    middle = room // 2
    covered = np.dstack([ring, ring * (known**2).sum(-1), ring[..., None] * known, hole])
    here = _spectrum(covered, room).conj()
    there = _spectrum(np.dstack([kept, (known**2).sum(-1), known]), room)
    errors = here[1] * there[0] + here[0] * there[1] - 2 * (here[2:5] * there[2:5]).sum(0)
    sums = torch.fft.irfft2(torch.stack([errors, here[0] * there[0], here[5] * there[0]]), (room, room))
    error, pairs, cover = torch.fft.fftshift(sums, (1, 2)).numpy()
    mismatch = np.sqrt(np.maximum(error, 0) / np.maximum(pairs, 1) / 3)
    cover = cover / max(1, int(hole.sum()))
    usable = (pairs > 0.3 * ring.sum()) & (cover > 0.02)
    usable[:edge], usable[-edge:], usable[:, :edge], usable[:, -edge:] = False, False, False, False
    score = np.where(usable, mismatch + 25 * (1 - cover), np.inf)
    found: list[tuple[int, int, float]] = []
    y = x = middle
    while True:  # each offset found, and none at all, clears its surroundings
        score[max(0, y - _NEAR) : y + _NEAR + 1, max(0, x - _NEAR) : x + _NEAR + 1] = np.inf
        y, x = divmod(int(score.argmin()), room)
        if len(found) == _OFFSETS or not np.isfinite(score[y, x]):
            return found
        found.append((y - middle, x - middle, float(mismatch[y, x])))


def _spectrum(planes: np.ndarray, room: int) -> Tensor:
    return torch.fft.rfft2(torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1), np.float32)), (room, room))


def _offer(
    known: np.ndarray, kept: np.ndarray, ring: np.ndarray, down: int, right: int, mismatch: float
) -> tuple[np.ndarray, np.ndarray]:
    """The picture moved by an offset, and what taking each of its pixels costs: its mismatch near by and in all."""
    size = kept.shape[0]
    moved, there = _moved(known, down, right), _moved(kept, down, right)
    compared = ring * there
    error = ((moved - known) ** 2).mean(-1) * compared
    small = cv2.resize(np.dstack([error, compared]), (size // 4, size // 4), interpolation=cv2.INTER_AREA)
    near = cv2.resize(cv2.GaussianBlur(small, (0, 0), size / 40), (size, size), interpolation=cv2.INTER_LINEAR)
    local = np.sqrt((near[..., 0] + 1e-3 * mismatch**2) / (near[..., 1] + 1e-3))
    return moved, np.where(there > 0, local + 0.5 * mismatch, np.inf)


def _moved(values: np.ndarray, down: int, right: int) -> np.ndarray:
    """values[y + down, x + right], zeros where that lies outside."""
    size = values.shape[0]
    out = np.zeros_like(values)
    rows, columns = slice(max(0, -down), size - max(0, down)), slice(max(0, -right), size - max(0, right))
    out[rows, columns] = values[max(0, down) : size + min(0, down), max(0, right) : size + min(0, right)]
    return out
