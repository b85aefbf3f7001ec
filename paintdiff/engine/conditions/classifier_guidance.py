"""Classifier guidance: a denoiser that climbs towards what a classifier of noisy pictures takes for the class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.generation.errors import UserError


class Classifier(Protocol):
    """log p(c | x_t) of one class c, (N,) for x_t of (N, ...) at time t, differentiable in x_t."""

    def __call__(self, x_t: Tensor, t: float) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class ClassifierGuidance:
    """eps - s sigma grad log p(c | x_t) (Dhariwal and Nichol 2021, 4.2, algorithm 2), for any sampler and schedule.

    On x0 that is + s sigma² / alpha grad. In an ancestral step it is algorithm 1: the mean moves by s grad times the
    forward step's variance sigma_t² - (alpha_t / alpha_s)² sigma_s², over alpha_t / alpha_s. With s = 1 and the exact
    classifier it turns the denoiser of everything into that of class c: Bayes' rule for scores. Pure noise (alpha 0)
    says nothing of the class, so there the gradient is 0 and the classifier is not asked.
    """

    denoiser: Denoiser
    classifier: Classifier
    scale: float

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        prediction = self.denoiser(x_t, t, condition)
        if prediction.alpha == 0 or prediction.sigma == 0 or self.scale == 0:
            return prediction
        climb = gradient(lambda x: self.classifier(x, t), x_t)
        shift = self.scale * prediction.sigma**2 / prediction.alpha
        return replace(prediction, x0=torch.add(prediction.x0, climb, alpha=shift))


def gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Of a differentiable (N, ...) -> (N,), row by row, shaped like `at`; it may be called under `torch.no_grad`.

    Raises `UserError` where it is not a number.
    """
    with torch.enable_grad():
        place = at.detach().requires_grad_()
        (slope,) = torch.autograd.grad(function(place).sum(), place)
    if not torch.isfinite(slope.sum()):
        raise UserError("The guidance pulls towards no number; lower its scale, or leave it out.")
    return slope
