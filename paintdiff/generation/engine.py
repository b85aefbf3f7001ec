"""What the window and the jobs know of an engine: this protocol, and nothing of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.model_card import Family
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress, Result


@dataclass(frozen=True)
class ModelInfo:
    """What the window may know of a loaded model; `size` is the side in pixels that it works at.

    `mask_channels`: it was trained to fill masks. `text`: prompts have a say. `labels`: how many classes its prompts
    choose from, 0 where they are free text. `defaults` are the values of `Sampling`, by name, that suit the model where
    the user has set no others. `memory` is the rung of the memory ladder that it stands on, "" for a model that needs
    none, and `precision` what its network computes in. `safety`: it brings a safety checker.
    `family` is whose architecture it has. `names` are the things that it can draw by name, where it knows only some.
    """

    name: str
    device: str
    size: int
    mask_channels: bool = False
    text: bool = True
    labels: int = 0
    defaults: Mapping[str, Any] = field(default_factory=dict)
    memory: str = ""
    precision: str = ""
    safety: bool = False
    family: Family = Family.UNKNOWN
    names: tuple[str, ...] = ()


class Engine(Protocol):
    """Loads models and runs requests; lives on one thread."""

    def load(self, model: str, device: str, placing: Placing = AUTOMATIC) -> ModelInfo:
        """Load `model` unless it is loaded already. Raises `UserError`."""
        ...

    def generate(self, request: Request, report: Callable[[Progress], None], cancel: CancelToken) -> Result:
        """Run `request` to its end. Raises `UserError`, `Cancelled`, or anything else for a fault of ours."""
        ...

    def likelihood(
        self, request: Request, patches: tuple[np.ndarray, ...], report: Callable[[Progress], None], cancel: CancelToken
    ) -> tuple[Likelihood, ...]:
        """How likely each patch is, pasted into the request's picture; without patches, the picture itself.

        A patch is (h, w, 4) uint8 over the frame, like `Candidate.patch`. A model with mask channels gives the
        likelihood of what the change map covers given the rest, another that of the whole frame. The prompt of the
        request holds; guidance does not (it is 1). Stage "measuring". Raises `UserError`, `Cancelled`.
        """
        ...
