"""Pictures with holes to continue: procedural grounds, scenes of held-out things, crops of photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paintdiff.training import masks
from paintdiff.training.backgrounds import background, background_of
from paintdiff.training.scenes import Placing, Scene, as_bytes, crop_of, placed
from paintdiff.training.sources import Sprite


def hole_in(kind: str, size: int, rng: np.random.Generator) -> Scene:
    """A background of one kind with a hole in it; the scene's picture is the whole one."""
    return Scene(as_bytes(background_of(kind, size, rng).pixels), hole(size, rng), "")


def hole_in_scene(sprites: Sequence[Sprite], size: int, rng: np.random.Generator) -> Scene:
    """A background with one or two things beside the hole, which hides next to nothing of them."""
    pixels, mask = background(size, rng).pixels, hole(size, rng)
    for _ in range(int(rng.integers(1, 3))):
        for _ in range(20):  # tries to find room
            side = round(rng.uniform(0.25, 0.5) * size)
            left, top = (int(v) for v in rng.integers(0, size - side + 1, 2))
            thing = sprites[int(rng.integers(len(sprites)))].pixels
            after, cover = placed(pixels, thing, Placing(left, top, side, mirrored=False))
            if (cover * mask).sum() < 0.05 * cover.sum():
                pixels = after
                break
    return Scene(as_bytes(pixels), mask, "")


def hole_in_photograph(photographs: Sequence[np.ndarray], size: int, rng: np.random.Generator) -> Scene:
    """A part of a photograph with a hole in it."""
    photograph = photographs[int(rng.integers(len(photographs)))]
    return Scene(crop_of(photograph, size, rng), hole(size, rng), "")


def hole(size: int, rng: np.random.Generator) -> np.ndarray:
    """(S, S) uint8, 1 = repaint: a box, an ellipse, strokes or side bands that cover 3 to 60 % of the picture."""
    while True:
        mask = masks.bands(size, rng) if rng.random() < 0.3 else masks.background_hole(size, rng)
        if 0.03 < mask.mean() < 0.6:
            return mask
