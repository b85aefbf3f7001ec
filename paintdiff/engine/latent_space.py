"""The space of a latent model: pictures pass through an autoencoder, masks are pooled to its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.autoencoder import Autoencoder
from paintdiff.engine.space import PixelSpace


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """The model works on latents (Rombach et al. 2022), (1, C, size / factor, size / factor) float32 on `device`.

    A cell is the square of factor x factor pixels that one latent stands for.
    """

    autoencoder: Autoencoder
    size: int
    device: torch.device
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
        return self.from_pixels(self.pixels.encode(rgb))

    def decode(self, x0: Tensor) -> np.ndarray:
        """A picture in the space -> (size, size, 3) float32 in 0..255."""
        return self.pixels.decode(self.to_pixels(x0[:1]))

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


def filled(rgb: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 with the pixels of `free` (h, w) bool replaced by a smooth continuation of the others; grey if
    there are none.

    Pull-push (Gortler et al. 1996, The Lumigraph, 3.4): averages of the known pixels on coarser and coarser grids,
    down to one, fill what the finer ones leave open.
    """
    weight = (~free).astype(np.float32)
    smooth = _pull_push(rgb.astype(np.float32) * weight[..., None], weight)
    return np.where(free[..., None], np.rint(smooth).astype(np.uint8), rgb)


def _pull_push(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`colour` (h, w, 3), premultiplied by `weight` (h, w) in [0, 1], with the rest of the weight filled."""
    height, width = weight.shape
    if height == width == 1:
        return colour / weight[..., None] if weight[0, 0] > 0 else np.full_like(colour, 127.5)
    half = (width + 1) // 2, (height + 1) // 2
    coarse_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    coarse_colour = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
    known = np.minimum(1, coarse_weight * 4)  # one known pixel of four is enough to know the coarse one
    scale = known / np.maximum(coarse_weight, 1e-12)
    coarse = _pull_push(coarse_colour * scale[..., None], known)
    rest = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(colour.shape)
    return colour + (1 - weight[..., None]) * rest
