"""A run that can be looked through and branched: its stored steps, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect


@dataclass(frozen=True, eq=False)
class Moment:
    """Where a run stood after `step` moves, at time `t` from 1 (noise) to 0 (picture); `times` are those still to come.

    `x_t` and the estimate `x0` of the picture are (1, C, h, w) float32 in the model's space; `x0_t` is the time at
    which the estimate was made. Before the first move there is none. `preview` is the estimate pasted into the frame's
    picture, (h, w, 4) uint8 straight alpha at the frame's size or smaller, as in `Progress`; of latents it is mostly a
    rough sketch.
    """

    step: int
    t: float
    times: tuple[float, ...]
    x_t: np.ndarray
    x0: np.ndarray | None = None
    x0_t: float | None = None
    preview: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The run of one candidate, from its first moment to the end: `moments` in the order of their steps, at least one.

    `sampling` has the candidate's own seed; `start` is the time at which the run began, its strength, be it before the
    first moment that is here: a branch keeps the moments from its own first on. Long runs of large pictures keep only
    some of their steps. `add_ons` are those that it was made with, as a recipe has them.
    """

    model: str
    frame: Rect
    sampling: Sampling
    start: float
    moments: tuple[Moment, ...]
    add_ons: AddOns = field(default_factory=AddOns)

    def moment(self, step: int) -> Moment:
        """The moment after `step` moves. Raises `UserError` for one that was not kept."""
        for moment in self.moments:
            if moment.step == step:
                return moment
        kept = ", ".join(str(moment.step) for moment in self.moments)
        raise UserError(f"Step {step} of that run was not kept; choose one of {kept}.")

    @property
    def digest(self) -> str:
        """SHA-256 of every moment's step, time, x_t and x0, in hex."""
        import hashlib  # OpenSSL is slow to load, and not needed to open the window

        found = hashlib.sha256(self.model.encode())
        for moment in self.moments:
            found.update(repr((moment.step, moment.t, moment.times, moment.x0_t, moment.x_t.shape)).encode())
            for array in (moment.x_t, moment.x0):
                found.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


@dataclass(frozen=True, eq=False)
class Branch:
    """Where another run begins: at a kept step of `trajectory`.

    With the same settings, seed and picture it goes on as the run did, to the same bytes. Another prompt, map, strength
    or sampler takes effect from there. With another seed the estimate of that step gets fresh noise of its time.
    """

    trajectory: Trajectory
    step: int

    @property
    def moment(self) -> Moment:
        """Raises `UserError` for a step that was not kept."""
        return self.trajectory.moment(self.step)

    @property
    def record(self) -> Branched:
        return Branched(self.step, self.trajectory.digest)


@dataclass(frozen=True)
class Branched:
    """What a recipe says of a branch: from which step of which trajectory, named by its digest."""

    step: int
    trajectory_sha256: str
