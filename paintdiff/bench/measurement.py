"""One measured figure, its target and the sentence that says how it was taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Measurement:
    """`value` in `unit`, to be at most `target`; `detail` names what it was compared with, in the same run."""

    what: str
    value: float
    unit: str
    target: float
    detail: str

    @property
    def met(self) -> bool:
        return self.value <= self.target


def percentile(values: list[float], q: float) -> float:
    return float(np.percentile(values, q))


def milliseconds(seconds: list[float], q: float) -> float:
    """The q-th percentile of `seconds`, in ms."""
    return percentile(seconds, q) * 1000


Benchmark = Callable[[], list[Measurement]]
