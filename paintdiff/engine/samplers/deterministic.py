"""Samplers that follow the probability-flow ODE in fixed steps: Euler, Heun and DPM++ 2M."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from paintdiff.engine.schedule import Schedule, log_snr
from paintdiff.engine.state import Denoise, State

LONGEST = 1 / 5  # evenly spaced steps on straight lines are shorter, however few


@dataclass(frozen=True, eq=False)
class Euler:
    """d(x / alpha) = eps d(sigma / alpha) in straight pieces: order 1 in the variable sigma / alpha.

    That is the ODE of Karras et al. 2022 (eq. 1 and 4 with their sigma for our sigma / alpha), whose steps are those of
    DDIM without noise; multiplied out, so that it holds at alpha 0 too.
    """

    schedule: Schedule

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        prediction = denoise(state.x_t, state.t)
        x_s = torch.add(self.schedule.alpha(s) * prediction.x0, prediction.eps, alpha=self.schedule.sigma(s))
        return State(x_s, s, state.step + 1, prediction.x0, state.t)


@dataclass(frozen=True, eq=False)
class Heun:
    """Euler's step, then again with the mean of the slopes at both ends: order 2 (Karras et al. 2022, algorithm 1).

    Asks the model twice a step, but once where sigma / alpha falls to less than `LONGEST` of itself: from near pure
    noise, where it has no bound, and to a clean picture. Over such a way the second slope says nothing of the first.
    """

    schedule: Schedule

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, schedule = state.t, self.schedule
        prediction = denoise(state.x_t, t)
        eps, sigma_s = prediction.eps, schedule.sigma(s)
        x_s = torch.add(schedule.alpha(s) * prediction.x0, eps, alpha=sigma_s)
        if sigma_s * schedule.alpha(t) > LONGEST * schedule.sigma(t) * schedule.alpha(s):
            way = sigma_s - schedule.alpha(s) / schedule.alpha(t) * schedule.sigma(t)  # alpha_s d(sigma / alpha)
            x_s = torch.add(x_s, denoise(x_s, s).eps - eps, alpha=way / 2)
        return State(x_s, s, state.step + 1, prediction.x0, t)


@dataclass(frozen=True, eq=False)
class DPMpp2M:
    """The second-order multistep solver on x0 (Lu et al. 2022b, algorithm 2); first and last step are first order."""

    schedule: Schedule

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        x0 = denoise(x_t, t).x0
        estimate = x0
        h = self._distance(t, s)
        if state.x0 is not None and state.x0_t is not None and math.isfinite(h):
            r = self._distance(state.x0_t, t) / h  # infinite after a start from pure noise: then first order
            change = x0 - state.x0 if state.fresh is None else (x0 - state.x0).masked_fill(state.fresh, 0)
            estimate = torch.add(x0, change, alpha=1 / (2 * r))
        carried = self.schedule.sigma(s) / self.schedule.sigma(t)
        # alpha_s (1 - exp(-h)), in a form that is exact where h is infinite
        weight = self.schedule.alpha(s) - self.schedule.alpha(t) * carried
        return State(torch.add(carried * x_t, estimate, alpha=weight), s, state.step + 1, x0, t)

    def _distance(self, t: float, s: float) -> float:
        """h: how far lambda = log(alpha / sigma) rises from t to s."""
        return (log_snr(self.schedule, s) - log_snr(self.schedule, t)) / 2
