"""The loop: every picture that PaintDiff makes comes out of these lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from paintdiff.engine.conditions.constraint import Constraint
from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.engine.plan import Renoise
from paintdiff.engine.samplers.sampler import Sampler, State
from paintdiff.generation.cancel import CancelToken


def run(
    state: State,
    times: Sequence[float],
    sampler: Sampler,
    denoiser: Denoiser,
    condition: Condition,
    constraint: Constraint,
    cancel: CancelToken,
    renoise: Renoise | None = None,
) -> Iterator[State]:
    """Move `state` through `times`, its own time excluded, and yield the state after each move.

    A time above the one before it needs `renoise`. `cancel` is looked at before every network call. Raises
    `Cancelled`, and whatever the denoiser raises.
    """

    def predict(x_t: Tensor, t: float) -> Prediction:
        cancel.check()
        return denoiser(x_t, t, constraint.on_condition(condition, t))

    def denoise(x_t: Tensor, t: float) -> Prediction:
        prediction = predict(x_t, t)
        return replace(prediction, x0=constraint.on_x0(prediction.x0, t))

    for s in times:
        if s > state.t:
            assert renoise is not None, "a plan that goes back in time needs noise"
            state = renoise(state, s)
        else:
            state = sampler.step(constraint.on_state(state, predict), s, denoise)
        yield state
