"""One adaptive solver for the probability-flow ODE, shared by sampling, encoding and likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.samplers.sampler import Denoise, State
from paintdiff.engine.schedule import Schedule
from paintdiff.generation.errors import UserError

Slope = Callable[[float, Tensor], Tensor]

EARLIEST = 1e-3  # where the ODE ends: at 0 the rate of sigma may be infinite, and eps is 0 / 0

# Dormand and Prince 1980: the nodes, the stages' weights (the last are those of order 5), and order 5 less order 4
_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_WEIGHTS: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


@dataclass(frozen=True, eq=False)
class Solution:
    """`y` at the end, and what it cost: evaluations of the slope."""

    y: Tensor
    evaluations: int


def solve(slope: Slope, y: Tensor, start: float, end: float, rtol: float, atol: float) -> Solution:
    """dy/dt = slope(t, y) from `start` to `end`, in either direction, by Dormand and Prince's pair of orders 5 and 4.

    y is of any shape. A step is accepted when the root mean square of error / (atol + rtol max(|y|, |y_new|)) over all
    of y is below 1; step control and first step after Hairer, Nørsett and Wanner, *Solving Ordinary Differential
    Equations I*, II.4 (4.11 to 4.14). The last stage of a step is the first of the next. Raises `UserError` where the
    steps would get too small to go on.
    """
    if start == end:
        return Solution(y, 0)
    direction = math.copysign(1.0, end - start)
    t, k = start, slope(start, y)
    h, evaluations = _first_step(slope, y, k, start, end, rtol, atol), 2
    rejected = False
    while t != end:
        if h < 10 * math.ulp(t):
            raise UserError("The adaptive solver cannot reach its tolerance on this model; choose a larger one.")
        s = end if h >= abs(end - t) else t + direction * h
        y_s, stages = _stages(slope, t, s, y, k)
        evaluations += 6
        scale = atol + rtol * torch.maximum(y.abs(), y_s.abs())
        error = _rms((s - t) * _weighted(_ERROR, stages) / scale)
        factor = 0.9 * error**-0.2 if error > 0 else 10.0
        h = abs(s - t)
        if error < 1:
            t, y, k = s, y_s, stages[-1]
            h *= min(factor, 1.0 if rejected else 10.0)
        else:
            h *= max(factor, 0.2)
        rejected = error >= 1
    return Solution(y, evaluations)


def _stages(slope: Slope, t: float, s: float, y: Tensor, k: Tensor) -> tuple[Tensor, list[Tensor]]:
    """One step from t to s: y of order 5 at s, and the slopes at the seven nodes; `k` is the first."""
    h, stages, inner = s - t, [k], y
    for node, weights in zip(_NODES[1:], _WEIGHTS[1:], strict=True):
        inner = y + h * _weighted(weights, stages)
        stages.append(slope(s if node == 1 else t + node * h, inner))
    return inner, stages


def _first_step(slope: Slope, y: Tensor, k: Tensor, start: float, end: float, rtol: float, atol: float) -> float:
    """A length that keeps the first error near the tolerance, from the sizes of y, its slope and the slope's change."""
    scale = atol + rtol * y.abs()
    size, speed, whole = _rms(y / scale), _rms(k / scale), abs(end - start)
    trial = min(whole, 0.01 * size / speed if size >= 1e-5 and speed >= 1e-5 else 1e-6)
    h = math.copysign(trial, end - start)
    bend = _rms((slope(start + h, y + h * k) - k) / scale) / trial
    largest = max(speed, bend)
    h = (0.01 / largest) ** 0.2 if largest > 1e-15 else max(1e-6, trial * 1e-3)
    return min(100 * trial, h, whole)


def _weighted(weights: Sequence[float], stages: Sequence[Tensor]) -> Tensor:
    total = weights[0] * stages[0]
    for weight, stage in zip(weights[1:], stages[1:], strict=True):
        if weight:
            total = torch.add(total, stage, alpha=weight)
    return total


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def velocity(schedule: Schedule, t: float, prediction: Prediction) -> Tensor:
    """dx_t/dt of the probability-flow ODE, alpha' x0 + sigma' eps: what Song et al. 2021, eq. 13 is in these terms.

    Holds also where alpha is 0; not where sigma is.
    """
    return torch.add(schedule.alpha_rate(t) * prediction.x0, prediction.eps, alpha=schedule.sigma_rate(t))


@dataclass(frozen=True, eq=False)
class Adaptive:
    """The probability-flow ODE by the adaptive solver, with rtol = atol = `tolerance`.

    A step goes to its end by as many evaluations as that takes; a plan's times are only stops to look at the picture.
    The last goes to `EARLIEST`, from where the picture is what the model says it is.
    """

    schedule: Schedule
    tolerance: float

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        latest: list[Prediction] = []

        def slope(t: float, x_t: Tensor) -> Tensor:
            latest[:] = [denoise(x_t, t)]
            return velocity(self.schedule, t, latest[0])

        end = min(state.t, max(s, EARLIEST))
        x_t = solve(slope, state.x_t, state.t, end, self.tolerance, self.tolerance).y
        # the last stage of the last step was taken at its end
        prediction = latest[0] if latest else denoise(x_t, end)
        if s < end:
            x_t = torch.add(self.schedule.alpha(s) * prediction.x0, prediction.eps, alpha=self.schedule.sigma(s))
        return State(x_t, s, state.step + 1, prediction.x0, end)
