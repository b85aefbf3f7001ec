"""The engine: requests in, proven patches out; it keeps the loaded model and the prompts it has read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.job import Job
from paintdiff.engine.measure import measure
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.plan import LEAST
from paintdiff.engine.sturdy import free_memory, ran_out
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.code import Code
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Report, Result

PROMPTS_KEPT = 64


class DiffusionEngine:
    """Loads one model at a time and runs requests on it; lives on one thread."""

    def __init__(self) -> None:
        self._loaded: tuple[str, str] | None = None
        self._model: Model | None = None
        self._prompts: dict[str, Condition] = {}

    def load(self, model: str, device: str) -> ModelInfo:
        """Load `model` onto `device` unless it is loaded already. Raises `UserError`."""
        return self._load(model, device).info

    def generate(self, request: Request, report: Callable[[Progress], None], cancel: CancelToken) -> Result:
        """Make every candidate of `request`; the same request gives the same bytes on the same machine.

        A request that changes nothing (strength near 0, or a map of zeros) gives empty patches without a network call.
        Raises `UserError`, `Cancelled`, or RuntimeError when a patch would change a kept pixel.
        """
        cancel.check()
        if request.sampling.strength * int(request.change_map.max()) / 255 < LEAST:
            return _unchanged(request)
        report(Progress("loading"))
        start = time.perf_counter()
        model = self._load(request.model, request.device)
        job = Job(request, model, self._encode_text, report, cancel)
        job.seconds["load"] = time.perf_counter() - start
        cancel.check()
        with torch.no_grad(), _out_of_memory_said(model):  # and not inference_mode: some guidance asks for gradients
            return job.run()

    def encode(self, request: Request, report: Callable[[Progress], None], cancel: CancelToken) -> Code:
        """The noise that the model turns into the picture of `request`, by what its `sampling.source` says of it.

        Raises `UserError` and `Cancelled`.
        """
        cancel.check()
        report(Progress("loading"))
        model = self._load(request.model, request.device)
        with torch.no_grad(), _out_of_memory_said(model):
            return Job(request, model, self._encode_text, report, cancel).encode()

    def likelihood(
        self, request: Request, patches: tuple[np.ndarray, ...], report: Callable[[Progress], None], cancel: CancelToken
    ) -> tuple[Likelihood, ...]:
        """See `Engine.likelihood`; the same picture gets the same number, whatever the seed."""
        cancel.check()
        report(Progress("loading"))
        model = self._load(request.model, request.device)
        with torch.no_grad(), _out_of_memory_said(model):
            return measure(request, patches, model, self._encode_text, report, cancel)

    def _load(self, model: str, device: str) -> Model:
        if self._model is None or self._loaded != (model, device):
            self._model, self._loaded = None, None  # drop the old one first: two may not fit
            self._prompts.clear()
            self._model = load_model(model, device)
            self._loaded = model, device
        return self._model

    def _encode_text(self, prompt: str) -> Condition:
        assert self._model is not None
        if prompt not in self._prompts:
            if len(self._prompts) >= PROMPTS_KEPT:
                del self._prompts[next(iter(self._prompts))]  # the one that came first
            self._prompts[prompt] = self._model.encode_text(prompt)
        return self._prompts[prompt]


@contextmanager
def _out_of_memory_said(model: Model) -> Iterator[None]:
    """Say in a sentence that the memory ran out."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        free_memory()
        raise UserError(
            f"The device {model.info.device} ran out of memory; close what else uses it, or choose the CPU."
        ) from error


def _unchanged(request: Request) -> Result:
    empty = np.zeros((*request.frame.shape, 4), np.uint8)
    candidates = tuple(Candidate(empty, request.frame, request.recipe(k)) for k in range(request.sampling.candidates))
    return Result(candidates, Report(kept_pixels=int(np.count_nonzero(request.change_map == 0)), device=request.device))
