"""What a run must keep: the picture outside the mask, and inside it until a pixel's own time has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from paintdiff.engine.conditions.soft_mask import SoftMask
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.samplers.sampler import Denoise, Draw, State
from paintdiff.engine.schedule import Schedule

KNOWN_PART = 1000  # of a step's noise: the known picture's; samplers take the parts below, LanPaint those above


class Constraint(Protocol):
    """Hooks of a run: on the state before each step, on the condition before and on x0 after a network call.

    `denoise` is the model as it is told of the condition, before `on_x0`: some methods walk on their own first.
    """

    def on_state(self, state: State, denoise: Denoise) -> State: ...

    def on_condition(self, condition: Condition, t: float) -> Condition: ...

    def on_x0(self, x0: Tensor, t: float) -> Tensor: ...


class Free:
    """No constraint: a run that makes a whole picture."""

    def on_state(self, state: State, denoise: Denoise) -> State:
        return state

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        return x0


class All:
    """Several constraints, applied in their order; what must hold exactly comes last."""

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self._constraints = constraints

    def on_state(self, state: State, denoise: Denoise) -> State:
        for constraint in self._constraints:
            state = constraint.on_state(state, denoise)
        return state

    def on_condition(self, condition: Condition, t: float) -> Condition:
        for constraint in self._constraints:
            condition = constraint.on_condition(condition, t)
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        for constraint in self._constraints:
            x0 = constraint.on_x0(x0, t)
        return x0


class Told:
    """Tells a model with mask channels what to think is known: mask = what is repainted, known = the rest, else 0.

    `known` is a time's mask (1, 1, h, w) and picture (1, C, h, w).
    """

    def __init__(self, known: Callable[[float], tuple[Tensor, Tensor]]) -> None:
        self._known = known

    def on_state(self, state: State, denoise: Denoise) -> State:
        return state

    def on_condition(self, condition: Condition, t: float) -> Condition:
        mask, known = self._known(t)
        return replace(condition, mask=mask, known=known)

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        return x0


class Replacement:
    """Keeps `original` wherever a pixel is not active yet: replacement with a soft mask as time.

    A pixel of strength m is active from time t = m on; until then its x_t is the original, noised with the run's own
    `noise`, and its x0 the clean original. A map of 0 and 1 is inpainting by replacement (Song et al. 2021, appendix
    I.2), a constant map m is SDEdit from t0 = m (Meng et al. 2022), anything between is Differential Diffusion (Levin
    and Fried 2023, section 3). `original` and `noise` are (1, C, h, w), `strength` (1, 1, h, w) in [0, 1].
    With `draw`, the original is noised anew in each step, as RePaint does (Lugmayr et al. 2022, algorithm 1, line 5;
    its factors are misprinted there: they are alpha and sigma of the time that is replaced).
    """

    def __init__(
        self, original: Tensor, strength: Tensor, noise: Tensor, schedule: Schedule, draw: Draw | None = None
    ) -> None:
        self._mask = SoftMask(original, strength)
        self._noise = noise
        self._schedule = schedule
        self._draw = draw

    def active(self, t: float) -> Tensor:
        """(1, 1, h, w), 1 where pixels are repainted at time t and 0 elsewhere."""
        return self._mask.active(t)

    def on_state(self, state: State, denoise: Denoise) -> State:
        alpha, sigma = self._schedule.alpha(state.t), self._schedule.sigma(state.t)
        noise = self._noise if self._draw is None else self._draw(state.step + 1, KNOWN_PART)
        noised = torch.add(alpha * self._mask.original, noise, alpha=sigma)
        under_way = self.active(state.t if state.x0_t is None else state.x0_t)
        fresh = under_way == 0 if self._mask.soft else None
        return replace(state, x_t=torch.lerp(noised, state.x_t, under_way), fresh=fresh)

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        return torch.lerp(self._mask.original, x0, self.active(t))
