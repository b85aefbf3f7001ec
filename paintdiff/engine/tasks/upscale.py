"""Super-resolution: detail for an enlarged picture that, shrunk again, is the small one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.conditions.observation import Downsample, Kernel, projected
from paintdiff.engine.denoiser import Network
from paintdiff.engine.tasks.finish import patch_alpha
from paintdiff.engine.tasks.tiling import Tiled
from paintdiff.engine.tasks.view import resampled
from paintdiff.generation.request import Request
from paintdiff.image.blending import over_matte
from paintdiff.image.enlarge import block_sums, repeated, with_block_sums

STEP = 8  # the model's picture is padded to multiples of this: blocks of every scale, and a latent model's cells
CLIPPINGS = 20  # of what leaves 0..255 once it is projected

# (square (h, w, 3) float32 in 0..255, picture (2h, 2w, 3) uint8, mask (2h, 2w) bool) -> (2h, 2w, 3) float32 in 0..255
Enlarge = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Whole:
    """A frame shown pixel for pixel at the top left of a picture that is no smaller than the model's square."""

    def __init__(self, height: int, width: int, size: int) -> None:
        self.height, self.width = height, width
        self.size = max(height, width)
        self.full_height, self.full_width = (max(size, -(-side // STEP) * STEP) for side in (height, width))

    def picture(self, rgb: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 -> (full_height, full_width, 3): the rest repeats the frame's edge."""
        below, right = self.full_height - self.height, self.full_width - self.width
        return cv2.copyMakeBorder(rgb, 0, below, 0, right, cv2.BORDER_REPLICATE)

    def inner(self, square: np.ndarray) -> np.ndarray:
        return square[: self.height, : self.width]


class Upscale:
    """One part of a request to add detail, whose picture was enlarged `request.scale` times before.

    The small picture is the mean of each block. A block that is not masked whole is kept: it could not change and still
    have its mean. The frame's sides are multiples of the scale. A model that can `enlarge` draws what is masked anew
    from the small picture, and the run starts from that.
    """

    place = hole = grey = None  # what is there is enlarged, and nothing new is named
    rounds = 0  # the enlarged picture, from which the run starts, says it all; and fitting takes a large memory

    def __init__(self, part: Request, size: int, enlarge: Enlarge | None = None) -> None:
        self._part = part
        self._scale = part.scale
        self._enlarge = enlarge
        self.shown = Whole(part.frame.h, part.frame.w, size)

    @cached_property
    def picture(self) -> np.ndarray:
        picture = over_matte(self._part.picture, self._part.matte)
        return self.shown.picture(picture if self._enlarge is None else self._drawn(picture, self._enlarge))

    def map(self, change_map: np.ndarray) -> np.ndarray:
        square = self.shown.picture(_least(change_map, self._scale))
        square[self.shown.height :] = square[:, self.shown.width :] = change_map.max()
        return square

    def known(self, pixels: Tensor) -> tuple[Downsample, Tensor]:
        mean = Downsample(self._scale, *pixels.shape[-2:])
        return self._observation(pixels), mean.apply(pixels)

    def network(self, network: Network, cells: int) -> Network:
        return Tiled(network, cells)

    def patch(self, square: np.ndarray) -> np.ndarray:
        part = self._part
        values = self.shown.inner(square)
        sums = block_sums(part.picture[..., :3], self._scale)
        patch = np.empty((*part.frame.shape, 4), np.uint8)
        if part.sampling.shrink == "average":
            patch[..., :3] = with_block_sums(values, sums)
        else:
            patch[..., :3] = self._clipped(values, sums / self._scale**2)
        patch[..., 3] = _least(np.minimum(patch_alpha(part), part.picture[..., 3]), self._scale)
        patch[patch[..., 3] == 0] = 0
        return patch

    def _drawn(self, picture: np.ndarray, enlarge: Enlarge) -> np.ndarray:
        """`picture`, (h, w, 3) uint8, with what is masked drawn anew from the small picture, and each block's mean."""
        changed = _least(self._part.change_map, self._scale) > 0
        sums = block_sums(picture, self._scale)
        square = (sums / self._scale**2).astype(np.float32)
        while len(square) < len(picture):
            height, width = 2 * square.shape[0], 2 * square.shape[1]
            mask = cv2.resize(changed.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
            square = enlarge(square, resampled(picture, height, width), mask)
        drawn = with_block_sums(resampled(square, *picture.shape[:2]), sums)
        return np.where(changed[..., None], drawn, picture)

    def _observation(self, pixels: Tensor) -> Downsample:
        height, width = pixels.shape[-2:]
        return Downsample(self._scale, height, width, cast(Kernel, self._part.sampling.shrink))

    def _clipped(self, values: np.ndarray, small: np.ndarray) -> np.ndarray:
        """(h, w, 3) in levels -> uint8 that shrinks to `small`: projected and clipped by turns, and rounded at last."""
        x = torch.from_numpy(np.ascontiguousarray(values)).permute(2, 0, 1)[None].double()
        y = torch.from_numpy(small).permute(2, 0, 1)[None]
        observation = self._observation(x)
        for _ in range(CLIPPINGS):
            x = projected(observation, x, y).clamp(0, 255)
        return x[0].permute(1, 2, 0).round().to(torch.uint8).numpy()


def _least(values: np.ndarray, scale: int) -> np.ndarray:
    """(h, w) uint8 with each block's smallest value all over it."""
    height, width = values.shape[0] // scale, values.shape[1] // scale
    return repeated(values.reshape(height, scale, width, scale).min(axis=(1, 3)), scale)
