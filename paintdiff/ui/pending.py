"""A candidate that waits to be accepted, and what can be said of a row of them: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paintdiff.document.document import Document
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate
from paintdiff.generation.trajectory import Branch, Moment, Trajectory
from paintdiff.image.tiles import tile_rect
from paintdiff.ui.canvas.changes import changed_tiles

TRAJECTORIES = 512 * 2**20  # bytes of runs that are kept to look through; the oldest go first


@dataclass(frozen=True, eq=False)
class Pending:
    """A candidate, the request that it answers, and `document` as it was then. `origin` says where a branch began."""

    request: Request
    candidate: Candidate
    document: Document
    origin: str = ""
    likelihood: Likelihood | None = None


def all_pending(request: Request, candidates: Sequence[Candidate], document: Document) -> list[Pending]:
    """What came of `request`. Of the run that a branch began in words alone are kept: it may be large."""
    origin = "" if request.branch is None else origin_of(request.branch)
    kept = replace(request, branch=None)
    return [Pending(kept, candidate, document, origin) for candidate in candidates]


def origin_of(branch: Branch) -> str:
    sampling = branch.trajectory.sampling
    last = branch.trajectory.moments[-1].step
    return f"From step {branch.step} of {last} of {prompt_of(sampling.prompt)}, seed {sampling.seed}"


def prompt_of(prompt: str) -> str:
    words = " ".join(prompt.split())
    return f"“{words[:80]}”" if words else "no prompt"


def described(pending: Pending, stale: bool) -> str:
    """All there is to say of a candidate, a line each."""
    sampling = pending.candidate.recipe.sampling
    lines = [
        prompt_of(sampling.prompt),
        f"Seed {sampling.seed}, {sampling.steps} steps, guidance {sampling.guidance:g}",
        pending.origin,
    ]
    if pending.likelihood is not None:
        found = pending.likelihood
        lines.append(f"{found.bits_per_dim:.3f} ± {found.standard_error:.3f} bits per dimension; fewer is likelier")
    if stale:
        lines.append("Made for an older picture: what lies beneath has changed since")
    return "\n".join(line for line in lines if line)


def is_stale(pending: Pending, document: Document) -> bool:
    """Whether the picture inside the candidate's frame has changed since it was made."""
    if pending.document is document:
        return False
    frame = pending.candidate.frame
    return any(not tile_rect(key).intersected(frame).empty for key in changed_tiles(pending.document, document))


def by_likelihood(pending: Sequence[Pending]) -> list[Pending]:
    """The likeliest first, those that were not measured last, otherwise as they were."""
    return sorted(pending, key=lambda each: each.likelihood.bits_per_dim if each.likelihood else np.inf)


def to_look_through(pending: Pending) -> tuple[tuple[Moment, np.ndarray], ...]:
    """The moments of its run that have something to show, each with a picture: its own or else that before."""
    shown: list[tuple[Moment, np.ndarray]] = []
    latest: np.ndarray | None = None
    for moment in pending.candidate.trajectory.moments if pending.candidate.trajectory else ():
        latest = moment.preview if moment.preview is not None else latest
        if latest is not None:
            shown.append((moment, latest))
    return tuple(shown)


def within_budget(pending: Sequence[Pending], budget: int = TRAJECTORIES) -> list[Pending]:
    """The same candidates, but the oldest without their runs where all runs together would take more bytes."""
    kept: list[Pending] = []
    for each in reversed(pending):
        trajectory = each.candidate.trajectory
        if trajectory is not None:
            budget -= size_of(trajectory)
            if budget < 0:
                each = replace(each, candidate=replace(each.candidate, trajectory=None))
        kept.append(each)
    return kept[::-1]


def size_of(trajectory: Trajectory) -> int:
    """Bytes of everything that was kept of a run."""
    arrays = (array for moment in trajectory.moments for array in (moment.x_t, moment.x0, moment.preview))
    return sum(array.nbytes for array in arrays if array is not None)
