"""Between a run's states and the moments that are kept of it, to look at and to go on from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.assembly import Scene, first_state
from paintdiff.engine.state import State
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.generation.trajectory import Branch, Moment, Trajectory

BUDGET = 64 * 2**20  # bytes of x_t and x0 that are kept of one run


class Recorder:
    """Keeps the moments of one run that begins with `state` and moves through `times`.

    All of them where they fit into `BUDGET`, else every n-th; the first and the last always. A state without an
    estimate of the picture, just sent back in time, is none to look at and is left out.
    """

    def __init__(self, state: State, times: Sequence[float], budget: int = BUDGET) -> None:
        self._times = tuple(times)
        self._first = state.step
        size = 2 * state.x_t.numel() * state.x_t.element_size()
        self._every = max(1, math.ceil(len(times) * size / budget))
        self._moments: list[Moment] = []
        self.add(state)

    def wants(self, state: State) -> bool:
        moves = state.step - self._first
        if moves in (0, len(self._times)):
            return True
        return state.x0 is not None and moves % self._every == 0

    def add(self, state: State, preview: np.ndarray | None = None) -> None:
        self._moments.append(
            Moment(
                state.step, state.t, self._times[state.step - self._first :], _array(state.x_t),
                None if state.x0 is None else _array(state.x0), state.x0_t, preview,
            )
        )  # fmt: skip

    def trajectory(self, request: Request, sampling: Sampling, start: float) -> Trajectory:
        """The run of `request` with the candidate's own `sampling`; `start` is the time at which it began."""
        return Trajectory(
            request.model, request.frame, sampling, start, tuple(self._moments), request.add_ons.recorded
        )


def with_previews(trajectory: Trajectory, picture: Callable[[Tensor], np.ndarray]) -> Trajectory:
    """`trajectory` with `picture`(x0) as the preview of each moment that has an estimate and none yet."""
    moments = (
        moment if moment.x0 is None or moment.preview is not None
        else replace(moment, preview=picture(torch.tensor(moment.x0)))
        for moment in trajectory.moments
    )  # fmt: skip
    return replace(trajectory, moments=tuple(moments))


def resumed(branch: Branch, request: Request, scene: Scene) -> tuple[State, tuple[float, ...]]:
    """The state that `scene`'s run goes on from, and the times still to come.

    With the seed of the earlier run that is its own state; with another one its estimate of the picture, noised anew to
    the same time. Raises `UserError` where the two runs do not fit together.
    """
    before, moment = branch.trajectory, branch.moment
    if len(request.windows) > 1:
        raise UserError("A picture that is painted window by window cannot go on from a step of an earlier run.")
    if (before.model, before.frame) != (request.model, request.frame) or moment.x_t.shape != scene.original.shape:
        frame = before.frame
        raise UserError(
            f"The run to go on from was made by the model {before.model} in the frame {frame.x},{frame.y},{frame.w},"
            f"{frame.h}; use the same two here."
        )
    x0 = None if moment.x0 is None else _tensor(moment.x0, scene.original)
    if _noise(before.sampling) == _noise(scene.sampling):
        x_t = _tensor(moment.x_t, scene.original)
        return State(x_t, moment.t, moment.step, x0, moment.x0_t), moment.times
    state = first_state(scene if x0 is None else replace(scene, original=x0), moment.t)
    return replace(state, step=moment.step), moment.times


def _noise(sampling: Sampling) -> tuple[int, float, int]:
    """What a run's noise is drawn from."""
    return sampling.seed, sampling.variation, sampling.variation_seed if sampling.variation else 0


def _array(x: Tensor) -> np.ndarray:
    array = x.to("cpu", torch.float32, copy=True).contiguous().numpy()
    array.flags.writeable = False
    return array


def _tensor(array: np.ndarray, like: Tensor) -> Tensor:
    return torch.tensor(array, dtype=like.dtype, device=like.device)
