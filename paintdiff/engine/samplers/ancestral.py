"""Samplers that draw x_s from the posterior given x_t and the estimate of x0: DDPM, and DDIM as its quieter kin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.schedule import Schedule, transition
from paintdiff.engine.state import Denoise, Draw, State
from paintdiff.generation.errors import UserError


def posterior_mean(schedule: Schedule, t: float, s: float, x_t: Tensor, x0: Tensor) -> Tensor:
    """Mean of x_s given x_t and x0, for s < t (Ho et al. 2020, eq. 7; Kingma et al. 2021, appendix A.2)."""
    alpha_s, (alpha_ts, _) = schedule.alpha(s), transition(schedule, s, t)
    ratio = (schedule.sigma(s) / schedule.sigma(t)) ** 2
    return torch.add(alpha_ts * ratio * x_t, x0, alpha=alpha_s * (1 - alpha_ts * alpha_ts * ratio))


def posterior_variance(schedule: Schedule, t: float, s: float) -> float:
    """Variance of x_s given x_t and x0, for s < t (Kingma et al. 2021, appendix A.2); 0 at a clean s."""
    return transition(schedule, s, t)[1] * (schedule.sigma(s) / schedule.sigma(t)) ** 2


@dataclass(frozen=True, eq=False)
class DDPM:
    """Ancestral sampling (Ho et al. 2020, algorithm 2; for any alpha and sigma Kingma et al. 2021, appendix A.2).

    `variance` of a step: "small" the posterior's, right for data that are one point; "large" that of the forward move,
    beta, right for data that are white noise (Ho et al. 2020, 3.2); "learned" between the two as the network says
    (Nichol and Dhariwal 2021, eq. 15). Raises `UserError` for "learned" where the network says nothing about it.
    """

    schedule: Schedule
    draw: Draw
    variance: str = "small"

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        prediction = denoise(x_t, t)
        x_s = posterior_mean(self.schedule, t, s, x_t, prediction.x0)
        if self.schedule.sigma(s) > 0:
            x_s = torch.addcmul(x_s, self._deviation(t, s, prediction), self.draw(state.step + 1))
        return State(x_s, s, state.step + 1, prediction.x0, t)

    def _deviation(self, t: float, s: float, prediction: Prediction) -> Tensor:
        small, large = posterior_variance(self.schedule, t, s), transition(self.schedule, s, t)[1]
        if self.variance == "learned":
            mix = prediction.variance_mix
            if mix is None:
                raise UserError("This model has not learned its variance; choose the small or the large one.")
            return (mix * math.log(large) + (1 - mix) * math.log(small)).mul(0.5).exp()
        return prediction.x_t.new_tensor(math.sqrt(large if self.variance == "large" else small))


@dataclass(frozen=True, eq=False)
class DDIM:
    """Song et al. 2020, eq. 12, for any alpha and sigma: eta 0 is deterministic, eta 1 is DDPM.

    `draw` gives the noise of a step, shaped like x_t.
    """

    schedule: Schedule
    draw: Draw
    eta: float = 0.0

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        prediction = denoise(x_t, t)
        alpha_s, sigma_s = self.schedule.alpha(s), self.schedule.sigma(s)
        deviation = self.eta * math.sqrt(posterior_variance(self.schedule, t, s))
        rest = math.sqrt(max(0.0, sigma_s * sigma_s - deviation * deviation))
        x_s = torch.add(alpha_s * prediction.x0, prediction.eps, alpha=rest)
        if deviation > 0:
            x_s = torch.add(x_s, self.draw(state.step + 1), alpha=deviation)
        return State(x_s, s, state.step + 1, prediction.x0, t)
