"""Pictures that no training step has seen: held-out things on backgrounds of unseen seeds, larger than the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paintdiff.engine.bundled.picture_library import laid
from paintdiff.training.backgrounds import background_of
from paintdiff.training.scenes import as_bytes
from paintdiff.training.sources import Sprite

_SEED = 40_000  # far from every training step's seed


@dataclass(frozen=True)
class HeldOut:
    """Makes the same pictures for the same numbers; `sprites` are the held-out ones."""

    sprites: Sequence[Sprite]

    def ground(self, kind: str, number: int, height: int, width: int) -> np.ndarray:
        """(height, width, 3) float32 0..255: a background of `kind`, a key of `KINDS`; cut from a square."""
        size = max(height, width)
        pixels = background_of(kind, size, np.random.default_rng((_SEED, number))).pixels
        top, left = (size - height) // 2, (size - width) // 2
        return pixels[top : top + height, left : left + width]

    def placed(
        self, pixels: np.ndarray, name: str, left: int, top: int, side: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The thing called `name`, `side` pixels large, on a float picture: (new picture, cover (h, w) float 0..1)."""
        sprite = next(sprite for sprite in self.sprites if sprite.name == name)
        height, width = pixels.shape[:2]
        layer = laid(sprite.pixels, max(height, width), left, top, side)[:height, :width].astype(np.float32)
        cover = layer[..., 3] / 255
        return layer[..., :3] + pixels * (1 - cover[..., None]), cover


def rgba(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) float 0..255 -> (h, w, 4) uint8, opaque."""
    colours = as_bytes(pixels)
    return np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])
