"""One prompt after another, step by step, and several prompts that rule together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction

TOLERANCE = 1e-9  # a run's times are rounded


@dataclass(frozen=True, eq=False)
class InTurn:
    """The denoiser of the step that a time lies in: the k-th from `times[k]` down to `times[k + 1]`."""

    denoisers: Sequence[Denoiser]
    times: Sequence[float]

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        begun = sum(1 for each in self.times if each >= t - TOLERANCE)
        return self.denoisers[min(max(begun, 1), len(self.denoisers)) - 1](x_t, t, condition)


@dataclass(frozen=True, eq=False)
class Together:
    """Several denoisers, each with its share of x0; the shares add up to 1.

    With guidance that is a product of densities (Liu et al. 2022, *Compositional Visual Generation*): where n is the
    negative prompt's x0 and each is n + w W (x_i - n), their mean by shares w_i / W is n + w sum w_i (x_i - n).
    """

    parts: tuple[tuple[Denoiser, float], ...]

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        (first, share), *others = self.parts
        answer = first(x_t, t, condition)
        x0 = share * answer.x0
        for denoiser, share in others:
            x0 = x0 + share * denoiser(x_t, t, condition).x0
        return replace(answer, x0=x0)
