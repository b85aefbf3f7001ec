"""Where arrays become tensors and back: the space that the model's diffusion lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor


class Space(Protocol):
    """Between pictures of `size` x `size` pixels and the tensors, shaped `shape`, that a model's diffusion moves."""

    @property
    def size(self) -> int: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def shape(self) -> tuple[int, int, int, int]: ...

    @property
    def bounded(self) -> bool:
        """Whether every picture in the space lies in [-1, 1]."""
        ...

    def encode(self, rgb: np.ndarray, free: np.ndarray | None = None) -> Tensor:
        """(size, size, 3) uint8 -> a picture in the space.

        What lies at the `free` pixels, (size, size) bool, has no say in cells that hold none of them.
        """
        ...

    def decode(self, x0: Tensor) -> np.ndarray:
        """A picture in the space -> (size, size, 3) float32 in 0..255."""
        ...

    def look(self, x0: Tensor) -> np.ndarray:
        """`decode` for a glance at a run: quick, and rough where it must be."""
        ...

    def strength(self, change_map: np.ndarray, strength: float) -> Tensor:
        """(size, size) uint8 map -> (1, 1, h, w) float32 in [0, 1]: map x strength, the time each cell joins."""
        ...

    def pooled(self, mask: Tensor) -> Tensor:
        """(1, 1, size, size) -> (1, 1, h, w): the largest value among the pixels of each cell."""
        ...

    def to_pixels(self, x0: Tensor) -> Tensor:
        """A picture in the space -> (N, 3, size, size) in [-1, 1], differentiable."""
        ...

    def from_pixels(self, pixels: Tensor) -> Tensor:
        """(N, 3, size, size) in [-1, 1] -> a picture in the space, differentiable."""
        ...

    def encoded(self, pixels: Tensor) -> Tensor:
        """`from_pixels` of what is likely to be asked for again: remembered, and without gradients."""
        ...


@dataclass(frozen=True)
class PixelSpace:
    """The model works on the pixels themselves, (1, 3, size, size) float32 in [-1, 1] on `device`."""

    size: int
    device: torch.device
    bounded: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return 1, 3, self.size, self.size

    def encode(self, rgb: np.ndarray, free: np.ndarray | None = None) -> Tensor:
        """(size, size, 3) uint8 -> a picture in the space; a pixel has a say in itself alone."""
        pixels = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device, torch.float32)
        return (pixels / 127.5 - 1).permute(2, 0, 1)[None].contiguous()

    def decode(self, x0: Tensor) -> np.ndarray:
        """A picture in the space -> (size, size, 3) float32 in 0..255."""
        pixels = (x0[0].permute(1, 2, 0).float().clamp(-1, 1) + 1) * 127.5
        return pixels.cpu().numpy()

    def look(self, x0: Tensor) -> np.ndarray:
        return self.decode(x0)

    def strength(self, change_map: np.ndarray, strength: float) -> Tensor:
        """(size, size) uint8 map -> (1, 1, size, size) float32 in [0, 1]: map x strength, the time each pixel joins."""
        values = np.float32(strength) * (change_map.astype(np.float32) / np.float32(255))
        return torch.from_numpy(values)[None, None].to(self.device)

    def pooled(self, mask: Tensor) -> Tensor:
        return mask

    def to_pixels(self, x0: Tensor) -> Tensor:
        return x0

    def from_pixels(self, pixels: Tensor) -> Tensor:
        return pixels

    def encoded(self, pixels: Tensor) -> Tensor:
        return pixels
