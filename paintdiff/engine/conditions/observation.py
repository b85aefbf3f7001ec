"""What is known of a picture: linear observations y = A x, each with its pseudo-inverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.generation.errors import UserError

LUMA = (0.299, 0.587, 0.114)  # of red, green, blue (ITU-R BT.601)
Kernel = Literal["average", "bicubic"]


class Observation(Protocol):
    """A linear map A from pictures (N, C, h, w) to observations, with its Moore-Penrose pseudo-inverse A⁺.

    What `apply` returns is up to the observation; `pseudo_inverse` takes the same. `name` is a painter's word for it.
    """

    @property
    def name(self) -> str: ...

    def apply(self, x: Tensor) -> Any:
        """y = A x."""
        ...

    def pseudo_inverse(self, y: Any) -> Tensor:
        """A⁺ y: the smallest of all pictures that are observed as y."""
        ...


def projected(observation: Observation, x: Tensor, y: Any) -> Tensor:
    """The picture nearest to x that is observed as y: x - A⁺ A x + A⁺ y."""
    return x - in_range(observation, x) + observation.pseudo_inverse(y)


def in_range(observation: Observation, x: Tensor) -> Tensor:
    """A⁺ A x: the part of x that the observation sees."""
    return observation.pseudo_inverse(observation.apply(x))


@dataclass(frozen=True, eq=False)
class Mask:
    """The pixels where `kept` is 1, (1 or N, 1 or C, h, w) of 0 and 1; y is a picture that is 0 elsewhere."""

    kept: Tensor
    name: str = "the kept pixels"

    def apply(self, x: Tensor) -> Tensor:
        return x * self.kept.to(x)

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        return y * self.kept.to(y)


@dataclass(frozen=True)
class Luma:
    """The brightness of each pixel: (N, 3, h, w) -> (N, 1, h, w), the sum of channels weighted by `LUMA`."""

    name: str = "the brightness"

    def apply(self, x: Tensor) -> Tensor:
        return (x * self._weights(x)).sum(dim=1, keepdim=True)

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        weights = self._weights(y)
        return y * (weights / (weights * weights).sum())

    @staticmethod
    def _weights(like: Tensor) -> Tensor:
        return like.new_tensor(LUMA).view(1, 3, 1, 1)


@dataclass(frozen=True)
class Downsample:
    """The picture shrunk `factor` times: (N, C, h, w) -> (N, C, ceil(h / factor), ceil(w / factor)).

    "average": the mean of each block of factor x factor pixels; blocks at the right and lower edge may be smaller.
    "bicubic": Keys' cubic (a = -0.5), widened by the factor against aliasing, as Pillow and torch shrink pictures. Both
    are separable, A = rows ⊗ columns, and so is the pseudo-inverse, which is exact (from an SVD in float64).
    """

    factor: int
    height: int
    width: int
    kernel: Kernel = "average"
    name: str = "the small picture"

    def apply(self, x: Tensor) -> Tensor:
        (rows, _), (columns, _) = self._axes(x)
        return rows @ x @ columns.T

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        (_, rows), (_, columns) = self._axes(y)
        return rows @ y @ columns.T

    def _axes(self, like: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        rows, columns = (shrinking(length, self.factor, self.kernel) for length in (self.height, self.width))
        return (rows[0].to(like), rows[1].to(like)), (columns[0].to(like), columns[1].to(like))


@dataclass(frozen=True, eq=False)
class LowPass:
    """The coarse shapes alone: each pixel becomes the mean of its block of `factor` x `factor` pixels.

    A true projection, A = A⁺ = A A: y is a picture, (N, C, h, w). With `within`, (1, 1, h, w) of 0 and 1, only those
    pixels are averaged and observed, so that it goes together with a `Mask` of the others.
    """

    factor: int
    within: Tensor | None = None
    name: str = "the coarse shapes"

    def apply(self, x: Tensor) -> Tensor:
        blocks = Downsample(self.factor, *x.shape[-2:])
        if self.within is None:
            return blocks.pseudo_inverse(blocks.apply(x))
        within = self.within.to(x)
        share = blocks.apply(within)  # of each block that counts
        means = blocks.apply(x * within) / torch.where(share > 0, share, 1)
        return blocks.pseudo_inverse(means) * within

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        return self.apply(y)


@dataclass(frozen=True, eq=False)
class Both:
    """Two observations at once; y is the pair of theirs. Their projections A⁺ A must commute.

    Then projecting onto one after the other holds both exactly, and for observations that some picture has,
    A⁺ (y, z) = A1⁺ y + (1 - A1⁺ A1) A2⁺ z is the smallest such picture.
    """

    first: Observation
    second: Observation

    @property
    def name(self) -> str:
        return f"{self.first.name} and {self.second.name}"

    def apply(self, x: Tensor) -> tuple[Any, Any]:
        return self.first.apply(x), self.second.apply(x)

    def pseudo_inverse(self, y: tuple[Any, Any]) -> Tensor:
        return projected(self.first, self.second.pseudo_inverse(y[1]), y[0])


def refuse_contradiction(both: Both, y: tuple[Any, Any], tolerance: float = 1e-3) -> None:
    """Raise `UserError` unless some picture is observed as y, to within `tolerance` (of the range -1..1).

    Raises ValueError for observations whose projections do not commute: `Both` cannot hold two such.
    """
    x = both.pseudo_inverse(y)
    probe = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(x)
    one = in_range(both.first, in_range(both.second, probe))
    other = in_range(both.second, in_range(both.first, probe))
    if float((one - other).abs().max()) > tolerance:
        raise ValueError(f"the projections of {both.name} do not commute")
    for part, wanted in ((both.first, y[0]), (both.second, y[1])):
        if float((in_range(part, x) - part.pseudo_inverse(wanted)).abs().max()) > tolerance:
            raise UserError(
                f"What is to be kept contradicts itself: no picture can have both {both.name} that were given."
            )


@lru_cache(maxsize=32)
def shrinking(length: int, factor: int, kernel: Kernel) -> tuple[Tensor, Tensor]:
    """Along one axis: the matrix (ceil(length / factor), length) that shrinks, and its pseudo-inverse; float64."""
    cells = -(-length // factor)
    if kernel == "bicubic":
        pulses = torch.eye(length, dtype=torch.float64)[None, None]
        matrix = F.interpolate(pulses, (cells, length), mode="bicubic", antialias=True, align_corners=False)[0, 0]
    else:
        matrix = (torch.arange(length) // factor == torch.arange(cells)[:, None]).to(torch.float64)
        matrix /= matrix.sum(dim=1, keepdim=True)
    return matrix, torch.linalg.pinv(matrix)
