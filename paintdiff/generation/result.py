"""Progress, candidates and the result, as the engine hands them over."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from paintdiff.generation.request import Recipe
from paintdiff.generation.trajectory import Trajectory
from paintdiff.image.geometry import Rect


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a job stands. `stage` is "loading", "compiling", "encoding", "sampling", "measuring" or "finishing".

    `preview` is the current x0 estimate of candidate `candidate`, already pasted into the frame's picture:
    (h, w, 4) uint8 straight alpha at the frame's canvas size or smaller (same aspect), or None.
    `step` of `steps` counts over all candidates together.
    """

    stage: str
    step: int = 0
    steps: int = 0
    candidate: int = 0
    preview: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """One generated patch: (h, w, 4) uint8 straight alpha covering `frame`; alpha 0 wherever the change map was 0.

    `trajectory` is the run that made it, to look through and to branch from; None where it took several.
    """

    patch: np.ndarray
    frame: Rect
    recipe: Recipe
    trajectory: Trajectory | None = None


@dataclass(frozen=True)
class Report:
    """What a job cost and proved. Seconds per stage, network evaluations, and the kept-pixels check.

    `memory` is the rung of the memory ladder that the model stood on at the end, "" for a model that needs none.
    `notices` are sentences about what had to be done otherwise than asked, such as a higher precision.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    network_evaluations: int = 0
    kept_pixels: int = 0
    kept_pixels_changed: int = 0
    device: str = ""
    notices: tuple[str, ...] = ()
    memory: str = ""


@dataclass(frozen=True, eq=False)
class Result:
    """All candidates of a job and its report."""

    candidates: tuple[Candidate, ...]
    report: Report
