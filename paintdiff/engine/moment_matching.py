"""The expected picture given what is observed of it, by the network's own gradient: the rest follows what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.engine.observation import Observation, in_range

_LEAST = 1e-12  # of the first residual, squared: nothing is left to explain


@dataclass(frozen=True, eq=False)
class MomentMatching:
    """x0 moved from E[x0 | x_t] towards E[x0 | x_t, y], for a noiseless observation y = A x0.

    Rozet et al. 2024, *Learning Diffusion Priors from Observations by Expectation Maximization*, section 4: if x0 given
    x_t is a Gaussian of covariance C, which by Tweedie's formula is sigma²/alpha times the denoiser's Jacobian, then
    x0 + C Aᵀ (A C Aᵀ)⁻¹ (y - A x0) is expected. The inverse is taken by `rounds` of conjugate gradients, each a pass
    backwards through the network; few suffice, since the first already has the right length. Replacing what is observed
    (`projected`) changes nothing else; this lets the grey picture say which colours it may have. Exact for Gaussians.
    We put A⁺ A for A, which sees the same, so that every `Observation` fits, and leave out the factor, which cancels.
    """

    denoiser: Denoiser
    observation: Observation
    y: Any
    rounds: int

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            prediction = self.denoiser(x, t, condition)
            x0 = prediction.x0.detach()
            if prediction.x0.requires_grad:  # some guidance hides its gradient
                x0 = x0 + self._shift(prediction.x0, x)
        return replace(prediction, x0=x0, x_t=x_t)

    def _shift(self, x0: Tensor, x: Tensor) -> Tensor:
        residual = self.observation.pseudo_inverse(self.y) - in_range(self.observation, x0.detach())
        direction, size = residual, residual.square().sum()
        shift, first = torch.zeros_like(residual), size
        for _ in range(self.rounds):
            (moved,) = torch.autograd.grad(x0, x, direction, retain_graph=True)  # C times the direction
            seen = in_range(self.observation, moved)
            curvature = (direction * seen).sum()
            if size <= _LEAST * first or curvature <= 0:  # a network's Jacobian is not exactly a covariance
                break
            step = size / curvature
            shift = shift + step * moved
            residual = residual - step * seen
            size, before = residual.square().sum(), size
            direction = residual + size / before * direction
        return shift
