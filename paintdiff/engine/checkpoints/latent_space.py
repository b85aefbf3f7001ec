"""The space of a latent model: pictures pass through an autoencoder, masks are pooled to its cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.checkpoints.autoencoder import Autoencoder
from paintdiff.engine.checkpoints.sketch import Sketch, sketch_of
from paintdiff.engine.hardware.caches import Encodings
from paintdiff.engine.space import PixelSpace
from paintdiff.image.smooth_fill import filled


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """The model works on latents (Rombach et al. 2022), (1, C, size / factor, size / factor) float32 on `device`.

    A cell is the square of factor x factor pixels that one latent stands for. `tiny` decodes quickly for previews.
    """

    autoencoder: Autoencoder
    size: int
    device: torch.device
    tiny: Callable[[Tensor], Tensor] | None = None
    encodings: Encodings = field(default_factory=Encodings)
    bounded: ClassVar[bool] = False

    @property
    def shape(self) -> tuple[int, int, int, int]:
        cells = self.size // self.autoencoder.factor
        return 1, self.autoencoder.channels, cells, cells

    @property
    def pixels(self) -> PixelSpace:
        """The pixels on the other side of the autoencoder."""
        return PixelSpace(self.size, self.device)

    def encode(self, rgb: np.ndarray, free: np.ndarray | None = None) -> Tensor:
        """(size, size, 3) uint8 -> a picture in the space.

        An encoder looks at what lies around a cell. So that nothing of the `free` pixels, (size, size) bool, shows in
        the latents that are kept beside them, they are first filled smoothly from the others.
        """
        if free is not None and free.any():
            rgb = filled(rgb, free)
        return self.encoded(self.pixels.encode(rgb))

    def encoded(self, pixels: Tensor) -> Tensor:
        """`from_pixels` of what is likely to be asked for again: remembered, and without gradients."""
        return self.encodings.of(pixels, self.from_pixels)

    def decode(self, x0: Tensor) -> np.ndarray:
        """A picture in the space -> (size, size, 3) float32 in 0..255."""
        return self.pixels.decode(self.to_pixels(x0[:1]))

    def look(self, x0: Tensor) -> np.ndarray:
        """`decode`, quickly and roughly: with the tiny autoencoder, or as a linear sketch where there is none."""
        return self._sketch(x0) if self.tiny is None else self.pixels.decode(self.tiny(x0[:1]))

    @cached_property
    def _sketch(self) -> Sketch:
        return sketch_of(self.from_pixels, self.autoencoder.factor, self.device)

    def strength(self, change_map: np.ndarray, strength: float) -> Tensor:
        """(size, size) uint8 map -> (1, 1, h, w) float32 in [0, 1]: the largest of a cell, so that any pixel counts."""
        return self.pooled(self.pixels.strength(change_map, strength))

    def to_pixels(self, x0: Tensor) -> Tensor:
        return self.autoencoder.decode(x0)

    def from_pixels(self, pixels: Tensor) -> Tensor:
        return self.autoencoder.encode(pixels)

    def pooled(self, mask: Tensor) -> Tensor:
        """(1, 1, size, size) -> (1, 1, h, w), the largest value of each cell."""
        return F.max_pool2d(mask, self.autoencoder.factor)
