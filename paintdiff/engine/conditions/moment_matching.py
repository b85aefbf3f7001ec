"""The expected picture given what is observed of it, by the network's own gradient: the rest follows what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from paintdiff.engine.conditions.observation import Observation, in_range
from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.engine.space import Space

HALVINGS = 4
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

    With a `space` the observation is of its pixels: y = A D(x0) with the decoder D, linear to first order around x0, so
    that A is A times the decoder's Jacobian. This is decoder guidance, the gradient of |y - A D(x0)|² through the
    decoder (Rout et al. 2023, *Solving Linear Inverse Problems Provably via Posterior Sampling with Latent Diffusion
    Models*, section 3), with the step that the covariance gives it in place of one to be tuned.
    """

    denoiser: Denoiser
    observation: Observation
    y: Any
    rounds: int
    space: Space | None = None

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            prediction = self.denoiser(x, t, condition)
            x0 = prediction.x0.detach()
            if prediction.x0.requires_grad:  # some guidance hides its gradient
                shown = prediction.x0 if self.space is None else self.space.to_pixels(prediction.x0)
                x0 = x0 + self._helping(x0, self._shift(x0, shown, x))
        return replace(prediction, x0=x0, x_t=x_t)

    def _shift(self, x0: Tensor, shown: Tensor, x: Tensor) -> Tensor:
        """`shown` is what is observed, made from x0, made from x with gradients."""
        residual = self._residual(shown.detach())
        direction, size = residual, _product(residual, residual)
        shift, first = torch.zeros_like(x0), size
        for _ in range(self.rounds):
            (moved,) = torch.autograd.grad(shown, x, direction, retain_graph=True)  # C times the direction
            seen = in_range(self.observation, self._shown(x0, moved))
            curvature = _product(direction, seen)
            going = (size > _LEAST * first) & (curvature > 0)  # a network's Jacobian is not exactly a covariance
            if not going.any():
                break
            step = torch.where(going, size / curvature, 0)
            shift = shift + step * moved
            residual = residual - step * seen
            size, before = _product(residual, residual), size
            direction = residual + torch.where(going, size / before, 0) * direction
        return shift

    def _residual(self, shown: Tensor) -> Tensor:
        return self.observation.pseudo_inverse(self.y) - in_range(self.observation, shown)

    @torch.no_grad()
    def _helping(self, x0: Tensor, shift: Tensor) -> Tensor:
        """`shift`, halved as long as it makes a picture that fits worse: a decoder is linear only nearby."""
        if self.space is None:
            return shift
        first = self._residual(self.space.to_pixels(x0)).norm()
        for _ in range(HALVINGS):
            if self._residual(self.space.to_pixels(x0 + shift)).norm() <= first:
                return shift
            shift = shift / 2
        return torch.zeros_like(shift)

    def _shown(self, x0: Tensor, moved: Tensor) -> Tensor:
        """How what is shown of x0 changes as x0 moves."""
        if self.space is None:
            return moved
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # the fused attention cannot differentiate forwards
            return torch.func.jvp(self.space.to_pixels, (x0,), (moved,))[1]


def _product(a: Tensor, b: Tensor) -> Tensor:
    """(N, 1, 1, 1): the inner product of each picture of one batch with its fellow in the other."""
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)
