"""Common things, asked for by their names, as the painter gets them: the same pictures serve several figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paintdiff.generation.sampling import Sampling
from paintdiff.training import masks
from paintdiff.training.backgrounds import background_of
from paintdiff.training.nouns import COMMON
from paintdiff.training.painter import Painter
from paintdiff.training.scenes import as_bytes
from paintdiff.training.sources import Sprite

SEEDS = 4
_KINDS = ("plain", "linear", "sky")  # of ground, in turn
_SEED = 60_000  # far from every training step's seed
_FEATHER = 8  # as the window's own


@dataclass(frozen=True, eq=False)
class Prompted:
    """For each noun its ground (S, S, 3) uint8 and the fills of `mask` (S, S) uint8 on it, (4, S, S, 3) uint8.

    `seeds` are those of each noun's first fill; the others follow.
    """

    nouns: tuple[str, ...]
    seeds: tuple[int, ...]
    grounds: tuple[np.ndarray, ...]
    mask: np.ndarray
    fills: tuple[np.ndarray, ...]


def commonest(judging: Sequence[Sprite], seen: Sequence[Sprite], count: int) -> tuple[str, ...]:
    """Of the names that painters type first, the `count` that the judging sets have most pictures of.

    Only those that the model has learnt to draw from sprites.
    """
    pictures = Counter(sprite.name for sprite in judging)
    known = {sprite.name for sprite in seen} & COMMON & set(pictures)
    return tuple(sorted(sorted(known, key=lambda name: (-pictures[name], name))[:count]))


def room(size: int) -> np.ndarray:
    """(S, S) uint8, 1 = repaint: the box in the middle that a thing is asked for in."""
    return masks.box(size, 0.12 * size, 0.12 * size, 0.88 * size, 0.88 * size)


def ground_of(number: int, size: int) -> np.ndarray:
    """(S, S, 3) uint8: a calm ground, the same for the same number."""
    rng = np.random.default_rng((_SEED, number))
    return as_bytes(background_of(_KINDS[number % len(_KINDS)], size, rng).pixels)


def paint_prompts(painter: Painter, nouns: Sequence[str]) -> Prompted:
    """Four fills of each noun, with the settings that a painter starts with."""
    mask, grounds = room(painter.size), [ground_of(number, painter.size) for number in range(len(nouns))]
    seeds = [SEEDS * number for number in range(len(nouns))]
    fills = painter.paint([
        painter.request(ground, mask, Sampling(prompt=noun, seed=seed, candidates=SEEDS), _FEATHER)
        for noun, seed, ground in zip(nouns, seeds, grounds, strict=True)
    ])  # fmt: skip
    return Prompted(tuple(nouns), tuple(seeds), tuple(grounds), mask, tuple(fills))
