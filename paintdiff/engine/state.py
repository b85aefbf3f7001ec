"""Where a run stands between two moves, and what a move is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from paintdiff.engine.denoiser import Prediction

Denoise = Callable[[Tensor, float], Prediction]


class Draw(Protocol):
    """Standard normal noise shaped like x_t; see `Noise`."""

    def __call__(self, step: int, part: int = 0) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands: `x_t` at time `t` after `step` steps, and what multistep methods remember.

    `x0` is the latest estimate of the picture and `x0_t` the time at which it was made; before the first step neither
    exists. A method that asks several times within a step names the step's own time, by which it is known what was
    under way. `fresh`, bool and broadcastable to x_t, marks pixels that were not repainted until now, whose x0 is
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
