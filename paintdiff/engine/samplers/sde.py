"""Samplers that follow the reverse SDE of Song et al. 2021, and their corrector."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from paintdiff.engine.samplers.ancestral import posterior_mean, posterior_variance
from paintdiff.engine.schedule import Schedule, diffusion_squared, drift, transition
from paintdiff.engine.state import Denoise, Draw, Sampler, State


@dataclass(frozen=True, eq=False)
class EulerMaruyama:
    """dx = (f x - g² score) dt + g dw backwards in the schedule's own time (Song et al. 2021, eq. 6 and section 4).

    A move to a clean picture, and one so long that Euler's method is unstable there (the first ones from near pure
    noise, where f has no bound), is an ancestral one instead: the SDE's own answer for an x0 that stays.
    """

    schedule: Schedule
    draw: Draw

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        prediction, z = denoise(x_t, t), self.draw(state.step + 1)
        if self._too_long(t, s):
            x_s = _ancestral(self.schedule, t, s, x_t, prediction.x0, z)
        else:
            h, g_squared = t - s, diffusion_squared(self.schedule, t)
            x_s = torch.add((1 - h * drift(self.schedule, t)) * x_t, prediction.score, alpha=h * g_squared)
            x_s = torch.add(x_s, z, alpha=math.sqrt(h * g_squared))
        return State(x_s, s, state.step + 1, prediction.x0, t)

    def _too_long(self, t: float, s: float) -> bool:
        """Whether a step turns noise over and more: its factor there is 1 - h (g² / sigma² + f)."""
        if self.schedule.sigma(s) == 0 or self.schedule.alpha(t) == 0:
            return True
        pace = diffusion_squared(self.schedule, t) / self.schedule.sigma(t) ** 2 + drift(self.schedule, t)
        return (t - s) * pace > 2


@dataclass(frozen=True, eq=False)
class ReverseDiffusion:
    """The forward move x_t = alpha_ts x_s + G z run backwards by the score (Song et al. 2021, appendix E).

    From pure noise and to a clean picture, where it makes no sense, an ancestral move.
    """

    schedule: Schedule
    draw: Draw

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        t, x_t = state.t, state.x_t
        prediction, z = denoise(x_t, t), self.draw(state.step + 1)
        alpha_ts, variance = transition(self.schedule, s, t)
        if self.schedule.sigma(s) == 0 or alpha_ts == 0:
            x_s = _ancestral(self.schedule, t, s, x_t, prediction.x0, z)
        else:
            x_s = torch.add((2 - alpha_ts) * x_t, prediction.score, alpha=variance)
            x_s = torch.add(x_s, z, alpha=math.sqrt(variance))
        return State(x_s, s, state.step + 1, prediction.x0, t)


@dataclass(frozen=True, eq=False)
class PredictorCorrector:
    """`corrector` Langevin moves at each time, then a move of the `predictor` (Song et al. 2021, algorithms 1, 4, 5).

    A Langevin move is x + e score + sqrt(2 e) z with e = 2 alpha_ts² (r |z| / |score|)², alpha_ts² being 1 for VE and
    1 - beta for VP as in the paper, and the norms means over the batch. `snr` is r. As in the authors' experiments the
    times are t_N .. t_1, so that a predictor's move is the last. From pure noise there is nothing to correct.
    """

    schedule: Schedule
    draw: Draw
    predictor: Sampler
    corrector: int
    snr: float

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        x_t, alpha_ts = state.x_t, transition(self.schedule, s, state.t)[0]
        if alpha_ts > 0:
            for j in range(1, self.corrector + 1):
                score, z = denoise(x_t, state.t).score, self.draw(state.step + 1, part=j)
                step_size = 2 * alpha_ts * alpha_ts * (self.snr * _norm(z) / _norm(score)) ** 2
                x_t = x_t + step_size * score + (2 * step_size).sqrt() * z
        return self.predictor.step(replace(state, x_t=x_t), s, denoise)


def _ancestral(schedule: Schedule, t: float, s: float, x_t: Tensor, x0: Tensor, z: Tensor) -> Tensor:
    deviation = math.sqrt(posterior_variance(schedule, t, s))
    return torch.add(posterior_mean(schedule, t, s, x_t, x0), z, alpha=deviation)


def _norm(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).mean()
