"""What a job can be asked to do: plain data that runs on an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.engine import Engine
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress, Result

Report = Callable[[Progress], None]


class Work(Protocol):
    """`run` raises what the engine raises."""

    @property
    def request(self) -> Request: ...

    def run(self, engine: Engine, report: Report, cancel: CancelToken) -> object: ...


@dataclass(frozen=True, eq=False)
class Generation:
    """Make every candidate of `request`."""

    request: Request

    def run(self, engine: Engine, report: Report, cancel: CancelToken) -> Result:
        return engine.generate(self.request, report, cancel)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Say how likely each of `patches` is, (h, w, 4) uint8 over the frame of `request`."""

    request: Request
    patches: tuple[np.ndarray, ...]

    def run(self, engine: Engine, report: Report, cancel: CancelToken) -> tuple[Likelihood, ...]:
        return engine.likelihood(self.request, self.patches, report, cancel)
