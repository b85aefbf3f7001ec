"""Luma and chroma as orthonormal coordinates of a colour, so that one can be held while the other is free."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from paintdiff.image.gamut import LUMA


def to_basis(x: Tensor) -> Tensor:
    """(N, 3, h, w) RGB -> (N, 3, h, w): luma / |weights|, then two coordinates of chroma. Lengths and angles stay.

    Song et al. 2021, appendix I.3, decouple the grey picture in this way; their first axis is the mean of R, G and B,
    ours the luma that a greyscale picture really holds.
    """
    return torch.einsum("nchw,cd->ndhw", x, colour_basis().to(x))


def from_basis(coordinates: Tensor) -> Tensor:
    """The inverse of `to_basis`."""
    return torch.einsum("ndhw,cd->nchw", coordinates, colour_basis().to(coordinates))


@lru_cache(maxsize=1)
def colour_basis() -> Tensor:
    """(3, 3) float64, orthonormal columns: the QR basis whose first column is the luma weights, normalized."""
    start = torch.eye(3, dtype=torch.float64)
    start[:, 0] = torch.tensor(LUMA, dtype=torch.float64)
    basis, triangle = torch.linalg.qr(start)
    return basis * torch.sign(torch.diagonal(triangle))


@dataclass(frozen=True, eq=False)
class Chroma:
    """The colour, whatever its luma, of the pixels where `given` is 1: an observation of two coordinates a pixel.

    `given` (1 or N, 1, h, w) of 0 and 1; y is (N, 2, h, w) and 0 elsewhere. Goes together with `Luma`.
    """

    given: Tensor
    name: str = "the colours that are given"

    def apply(self, x: Tensor) -> Tensor:
        return to_basis(x)[:, 1:] * self.given.to(x)

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        return from_basis(torch.cat([torch.zeros_like(y[:, :1]), y * self.given.to(y)], dim=1))
