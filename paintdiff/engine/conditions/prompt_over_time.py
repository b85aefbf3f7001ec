"""Prompt over time: one prompt for the large forms and another for what comes after, in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction

TOLERANCE = 1e-9  # a run's times are rounded


@dataclass(frozen=True)
class Switch:
    """When the second prompt takes over: its weight, 0..1, at time t of a run that started at `start`.

    `switch` and `blend` are shares of the way from `start` to 0. The weight rises in a straight line over `blend`,
    half of it before `switch` and half after; with blend 0 it jumps there.
    """

    start: float
    switch: float
    blend: float = 0.0

    def __call__(self, t: float) -> float:
        gone = 1 - t / self.start - self.switch
        if self.blend == 0:
            return 1.0 if gone >= -TOLERANCE else 0.0
        weight = min(max(0.5 + gone / self.blend, 0.0), 1.0)
        return round(weight, 9)  # what is 0 or 1 but for rounding costs no second evaluation


@dataclass(frozen=True, eq=False)
class PromptOverTime:
    """`second` with the weight that `weight` gives a time, `first` with the rest; what has no weight is not evaluated.

    x0 is mixed in a straight line, and eps and score with it: between two prompts the run follows the geometric mean of
    their densities, as classifier-free guidance does (Liu et al. 2022, *Compositional Visual Generation*).
    """

    first: Denoiser
    second: Denoiser
    weight: Callable[[float], float]

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        weight = self.weight(t)
        if weight == 0:
            return self.first(x_t, t, condition)
        second = self.second(x_t, t, condition)
        if weight == 1:
            return second
        return replace(second, x0=torch.lerp(self.first(x_t, t, condition).x0, second.x0, weight))


@dataclass(frozen=True, eq=False)
class Prompted:
    """A denoiser with a prompt of its own, and what is looked at for it, whatever the run's condition says."""

    denoiser: Denoiser
    words: Condition

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        words = self.words
        own = replace(condition.prompted(words), reference=words.reference, no_reference=words.no_reference)
        return self.denoiser(x_t, t, own)
