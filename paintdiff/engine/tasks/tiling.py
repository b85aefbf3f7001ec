"""One network of a fixed size at work on a picture of any size: overlapping windows whose answers are blended."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Network

OVERLAP = 0.25  # of a window's side, at least, that it shares with the next when all are evenly spaced
LEAST_OVERLAP = 0.125  # the same once they are moved
BATCH = 8  # windows that go through the network at once


@dataclass(frozen=True, eq=False)
class Tiled:
    """A network for x_t of any size (at least `size` each way) from one for `size` × `size`.

    MultiDiffusion (Bar-Tal et al. 2023, eq. 5 and section 4.1): where windows overlap, the answer is their mean,
    weighted by how far inside each a pixel lies. Noise, steps and constraints belong to the whole picture. What
    networks predict and x0 differ by factors of x_t that the windows share, so that blending one blends the other. The
    windows lie elsewhere at each time, so that their edges do not add up to seams; where is a function of t alone.
    """

    network: Network
    size: int
    batch: int = BATCH

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        height, width = x_t.shape[-2:]
        if (height, width) == (self.size, self.size):
            return self.network(x_t, t, condition)
        corners = windows(height, width, self.size, t)
        weight = window_weight(self.size).to(x_t)
        total, weights = torch.zeros_like(x_t), x_t.new_zeros(1, 1, height, width)
        at_once = max(1, self.batch // len(x_t))
        for start in range(0, len(corners), at_once):
            some = corners[start : start + at_once]
            answer = self.network(self._cut(x_t, some), t, self._told(condition, some, x_t))
            for (top, left), part in zip(some, answer.split(len(x_t)), strict=True):
                place = (..., slice(top, top + self.size), slice(left, left + self.size))
                total[place] += part * weight
                weights[place] += weight
        return total / weights

    def _cut(self, pixels: Tensor, corners: list[tuple[int, int]], cell: int = 1) -> Tensor:
        """(N, C, h, w) -> (len(corners) N, C, size, size), window after window; `cell` pixels for each of x_t's."""
        side = self.size * cell
        return torch.cat([pixels[..., y * cell : y * cell + side, x * cell : x * cell + side] for y, x in corners])

    def _told(self, condition: Condition, corners: list[tuple[int, int]], x_t: Tensor) -> Condition:
        """The condition of each window: pictures are cut like x_t, what holds for the whole picture is repeated."""

        def told(name: str) -> Tensor | None:
            value = getattr(condition, name)
            if value is None:
                return None
            value = value.expand(len(x_t), *value.shape[1:]) if len(value) == 1 else value
            if name in ("mask", "known"):
                return self._cut(value, corners)
            if name == "control":
                return self._cut(value, corners, value.shape[-1] // x_t.shape[-1])
            return value.repeat(len(corners), *(1 for _ in value.shape[1:]))

        return replace(condition, **{item.name: told(item.name) for item in fields(condition)})


def windows(height: int, width: int, size: int, t: float) -> list[tuple[int, int]]:
    """Corners (top, left) of windows that cover everything, at places that depend on t."""
    shift = np.random.SeedSequence(round(t * 2**40)).generate_state(2) / 2**32
    rows, columns = _starts(height, size, shift[0]), _starts(width, size, shift[1])
    return [(top, left) for top in rows for left in columns]


def _starts(length: int, size: int, shift: float) -> list[int]:
    """Along one axis: from edge to edge, evenly spaced; those between the edges moved to and fro by `shift` (0..1)."""
    if length < size:
        raise ValueError(f"{length} cells are fewer than the {size} of a window")
    count = math.ceil((length - size) / (size * (1 - OVERLAP)))
    if count == 0:
        return [0]
    even = (length - size) / count
    moved = (2 * shift - 1) * min(even, size * (1 - LEAST_OVERLAP) - even)
    return sorted({0, *(round(i * even + moved) for i in range(1, count)), length - size})


@lru_cache(maxsize=8)
def window_weight(size: int) -> Tensor:
    """(size, size) float32: highest in the middle, falling to almost nothing at the edge, nowhere 0."""
    ramp = torch.sin(torch.pi * (torch.arange(size) + 0.5) / size).square()
    return (ramp[:, None] * ramp).clamp(min=1e-4)
