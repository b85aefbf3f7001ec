"""The methods that walk from noise to picture, written in alpha and sigma alone so that they serve every schedule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.schedule import Schedule, log_snr

Denoise = Callable[[Tensor, float], Prediction]


class Draw(Protocol):
    """Standard normal noise shaped like x_t; see `Noise`."""

    def __call__(self, step: int, part: int = 0) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands: `x_t` at time `t` after `step` steps, and what multistep methods remember.

    `x0` is the latest estimate of the picture and `x0_t` the time at which it was made; before the first step neither
    exists. `fresh`, bool and broadcastable to x_t, marks pixels that were not repainted until now, whose x0 is
    therefore no estimate. A run can be taken up again from any of its states.
    """

    x_t: Tensor
    t: float
    step: int = 0
    x0: Tensor | None = None
    x0_t: float | None = None
    fresh: Tensor | None = None


class Sampler(Protocol):
    """One move from state.t down to s, calling `denoise` as often as the method needs.

    Correct at t with alpha 0 (pure noise) and at s with sigma 0 (a clean picture).
    """

    def step(self, state: State, s: float, denoise: Denoise) -> State: ...


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


@dataclass(frozen=True, eq=False)
class DDPM:
    """Ancestral sampling with the posterior's variance (Ho et al. 2020, eq. 6, 7; Kingma et al. 2021, appendix A.2)."""

    schedule: Schedule
    draw: Draw

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        x0 = denoise(x_t, t).x0
        alpha_s = self.schedule.alpha(s)
        alpha_ts = self.schedule.alpha(t) / alpha_s
        ratio = (self.schedule.sigma(s) / self.schedule.sigma(t)) ** 2
        x_s = torch.add(alpha_ts * ratio * x_t, x0, alpha=alpha_s * (1 - alpha_ts * alpha_ts * ratio))
        variance = posterior_variance(self.schedule, t, s)
        if variance > 0:
            x_s = torch.add(x_s, self.draw(state.step + 1), alpha=math.sqrt(variance))
        return State(x_s, s, state.step + 1, x0, t)


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


def posterior_variance(schedule: Schedule, t: float, s: float) -> float:
    """Variance of x_s given x_t and x0, for s < t (Kingma et al. 2021, appendix A.2); 0 at a clean s."""
    alpha_ts = schedule.alpha(t) / schedule.alpha(s)
    ratio = (schedule.sigma(s) / schedule.sigma(t)) ** 2
    return max(0.0, schedule.sigma(s) ** 2 * (1 - alpha_ts * alpha_ts * ratio))


def make_sampler(name: str, schedule: Schedule, draw: Draw, eta: float) -> Sampler:
    """The sampler that `Sampling.sampler` names. Raises ValueError for one we do not know."""
    if name == "dpmpp_2m":
        return DPMpp2M(schedule)
    if name == "ddim":
        return DDIM(schedule, draw, eta)
    if name == "ddpm":
        return DDPM(schedule, draw)
    raise ValueError(f"sampler {name!r} is not known")
