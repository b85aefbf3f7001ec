"""Linear observations held during a run: in x_t by replacement, or in x0 by range and null space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from paintdiff.engine.conditions.observation import Both, Observation, in_range, projected, refuse_contradiction
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.samplers.sampler import Denoise, State
from paintdiff.engine.schedule import Schedule

Known = Callable[[float], tuple[Observation, Any]]  # time -> what is observed of the picture then, and as which y


def always(observation: Observation, y: Any) -> Known:
    """The same at every time. Raises `UserError` for observations that no picture can have together."""
    if isinstance(observation, Both):
        refuse_contradiction(observation, y)
    return lambda t: (observation, y)


@dataclass(frozen=True, eq=False)
class RangeNull:
    """DDNM (Wang et al. 2023, section 3.1): x0 <- x0 - A⁺ (A x0 - y) after every network call.

    What the observation sees is y's, what it does not see, the null space of A, the model's. x_t itself is left to the
    sampler, whose noise then follows from the corrected x0. Alone it lets the unknown adapt to the known only on the
    way down; time travel (section 3.3, and RePaint) lets it do so again and again.
    """

    known: Known

    def on_state(self, state: State, denoise: Denoise) -> State:
        return state

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        observation, y = self.known(t)
        return projected(observation, x0, y)


@dataclass(frozen=True, eq=False)
class RangeReplacement:
    """The observed part of x_t replaced by y, noised with the run's own `noise`, down to time `until`.

    For a mask this is `Replacement`; for a low-pass it is ILVR (Choi et al. 2021, algorithm 1), whose x_t gets the low
    frequencies of the noised reference. x0 is projected too, so that what holds to the end holds exactly there.
    """

    known: Known
    noise: Tensor
    schedule: Schedule
    until: float = 0.0

    def on_state(self, state: State, denoise: Denoise) -> State:
        if state.t < self.until:
            return state
        observation, y = self.known(state.t)
        alpha, sigma = self.schedule.alpha(state.t), self.schedule.sigma(state.t)
        rest = torch.add(state.x_t, self.noise, alpha=-sigma)  # what of x_t is not the run's own noise
        rest = rest - in_range(observation, rest) + alpha * observation.pseudo_inverse(y)
        return replace(state, x_t=torch.add(rest, self.noise, alpha=sigma))

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        if t < self.until:
            return x0
        observation, y = self.known(t)
        return projected(observation, x0, y)
