"""The engine: requests in, proven patches out; it keeps the loaded model and the prompts it has read."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from paintdiff.engine.add_ons.controlnet import ControlNets
from paintdiff.engine.add_ons.fittings import Fittings, identified
from paintdiff.engine.add_ons.ip_adapter import ImagePrompts
from paintdiff.engine.add_ons.lora import UNETS
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.hardware.device import free_memory
from paintdiff.engine.hardware.sturdy import ran_out
from paintdiff.engine.job import Job
from paintdiff.engine.likelihoods.measure import measure
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.plan import LEAST
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.code import Code
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.model_card import Family
from paintdiff.generation.placing import AUTOMATIC, RUNGS, Placing, rung_below
from paintdiff.generation.prompt_schedule import over_steps
from paintdiff.generation.prompt_tags import unheard
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Report, Result
from paintdiff.models.catalogue import bundled_names
from paintdiff.models.prompt_names import TEXTS, PromptNames
from paintdiff.models.usual import asked_by_loras, described, too_much

PROMPTS_KEPT = 64
Outcome = TypeVar("Outcome")


class DiffusionEngine:
    """Loads one model at a time and runs requests on it; lives on one thread."""

    def __init__(self) -> None:
        self._loaded: tuple[str, str, Placing] | None = None
        self._model: Model | None = None
        self._warm = False  # it has been asked before, and so it is compiled where it is to be
        self._prompts: dict[str, Condition] = {}
        self._fittings: Fittings | None = None
        self._fitted: Model | None = None  # with the add-ons of the latest request
        self._read_with: object = None  # the add-ons that `_prompts` were read with
        self._names = PromptNames()
        self._controlnets, self._image_prompts = ControlNets(), ImagePrompts()

    def load(self, model: str, device: str, placing: Placing = AUTOMATIC) -> ModelInfo:
        """Load `model` onto `device` unless it is loaded already. Raises `UserError`."""
        return self._load(model, device, placing).info

    def generate(self, request: Request, report: Callable[[Progress], None], cancel: CancelToken) -> Result:
        """Make every candidate of `request`; the same request gives the same bytes on the same machine.

        A request that changes nothing (strength near 0, or a map of zeros) gives empty patches without a network call.
        Raises `UserError`, `Cancelled`, or RuntimeError when a patch would change a kept pixel.
        """
        cancel.check()
        if request.sampling.strength * int(request.change_map.max()) / 255 < LEAST:
            return _unchanged(request)
        request, notices = self._settled(request)
        report(Progress("loading"))
        start = time.perf_counter()
        self._load(request.model, request.device, request.placing)
        loading = time.perf_counter() - start
        done: list[Candidate | None] = []  # stay, where the memory runs out in the middle of another

        def work(model: Model) -> Result:
            with self._led(model, request) as led:
                cold = request.placing.compile and model.placement is not None and not self._warm
                job = Job(request, led, self._encode_text, report, cancel, done, notices, cold)
                job.seconds["load"] = loading
                cancel.check()
                result = job.run()
                self._warm = True
                return result

        return self._on_some_rung(request, work, notices)

    def encode(self, request: Request, report: Callable[[Progress], None], cancel: CancelToken) -> Code:
        """The noise that the model turns into the picture of `request`, by what its `sampling.source` says of it.

        Raises `UserError` and `Cancelled`.
        """
        cancel.check()
        request, notices = self._settled(request)
        report(Progress("loading"))

        def work(model: Model) -> Code:
            with self._led(model, request) as led:
                return Job(request, led, self._encode_text, report, cancel).encode()

        return self._on_some_rung(request, work, notices)

    def likelihood(
        self, request: Request, patches: tuple[np.ndarray, ...], report: Callable[[Progress], None], cancel: CancelToken
    ) -> tuple[Likelihood, ...]:
        """See `Engine.likelihood`; the same picture gets the same number, whatever the seed."""
        cancel.check()
        request, notices = self._settled(request)
        report(Progress("loading"))

        def work(model: Model) -> tuple[Likelihood, ...]:
            return measure(request, patches, model, self._encode_text, report, cancel)

        return self._on_some_rung(request, work, notices)

    def _on_some_rung(self, asked: Request, work: Callable[[Model], Outcome], notices: list[str]) -> Outcome:
        """What `work` comes to with the model: begun again one rung lower on the memory ladder each time that the
        memory runs out, which `notices` then say. Raises `UserError` below the last rung.
        """
        while True:
            try:
                with torch.no_grad():  # and not inference_mode: some guidance asks for gradients
                    return work(self._with_add_ons(asked, notices))
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
            # outside the handler, which would hold on to what the failed work had allocated
            notices.append(self._step_down(asked))

    def _step_down(self, asked: Request) -> str:
        """Place the model on the next rung, loaded anew; the sentence that says so."""
        assert self._model is not None
        placement, device = self._model.placement, self._model.info.device
        below = None if placement is None else rung_below(placement.rung)
        if below is None:
            if placement is not None:
                self._drop()  # the next job begins on the rung that fits by then
            free_memory()
            raise UserError(f"The device {device} ran out of memory; close what else uses it, or choose the CPU.")
        self._drop()
        lower = replace(asked.placing, memory=below)
        self._model = load_model(asked.model, asked.device, placing=lower)
        self._loaded = asked.model, asked.device, asked.placing
        return f"Memory ran out, so the picture was begun again with less of it ({RUNGS[below]}); that is slower."

    def _load(self, model: str, device: str, placing: Placing) -> Model:
        if self._model is None or self._loaded != (model, device, placing):
            # The old one goes first, since two may not fit; but it stays where the new one cannot be opened.
            self._model = load_model(model, device, placing=placing, make_room=self._drop)
            self._loaded = model, device, placing
        return self._model

    def _settled(self, request: Request) -> tuple[Request, list[str]]:
        """The request with the files of its add-ons in place of their names, and what there is to say of them."""
        request = self._names.settled(request, words=request.model not in bundled_names())
        add_ons, notices = identified(request.add_ons)
        name, asked = asked_by_loras(add_ons.loras)
        if asked and too_much(request.sampling, asked):
            notices.append(
                f"{name} makes a model paint in few steps and asks for {described(asked)}; with more of them pictures "
                "come out burnt, or late."
            )
        if request.branch is not None:
            without = add_ons.missing(request.branch.trajectory.add_ons)
            if without:
                notices.append(f"The run that this goes on from was made with {', '.join(without)}; this is not.")
        return replace(request, add_ons=add_ons), notices

    def _with_add_ons(self, asked: Request, notices: list[str]) -> Model:
        """The model that `asked` is for, with its add-ons and no others; `notices` say what there is to say of them."""
        model = self._load(asked.model, asked.device, asked.placing)
        if self._fittings is None:
            self._fittings = Fittings(model)
        reads_with = asked.add_ons.loras, asked.add_ons.words
        if reads_with != self._read_with:
            self._prompts.clear()
            self._read_with = None
        self._fitted = self._fittings.fit(asked.add_ons)
        self._read_with = reads_with
        notices += self._fittings.notices
        family = None if model.parts is None else model.parts.family
        if model.info.text and asked.sampling.label < 0:
            said = {text for name in TEXTS for text in over_steps(getattr(asked.sampling, name), asked.sampling.steps)}
            notices += unheard(said, weights=family not in (None, Family.FLUX), breaks=family in UNETS)
        return self._fitted

    @contextmanager
    def _led(self, model: Model, request: Request) -> Iterator[Model]:
        """`model` with what the request leads it by: its ControlNets, and a picture to look at."""
        controlled = self._controlnets.on(model, request.add_ons.controls)
        with self._image_prompts.on(controlled, request.add_ons.image_prompt) as led:
            yield led

    def _drop(self) -> None:
        """Forget the model and give back what it took."""
        self._model, self._loaded, self._warm = None, None, False
        self._fittings, self._fitted, self._read_with = None, None, None
        self._prompts.clear()
        self._controlnets.clear()
        self._image_prompts.clear()
        gc.collect()  # modules with hooks on them lie in circles of references
        free_memory()

    def _encode_text(self, prompt: str) -> Condition:
        assert self._fitted is not None
        if prompt not in self._prompts:
            if len(self._prompts) >= PROMPTS_KEPT:
                del self._prompts[next(iter(self._prompts))]  # the one that came first
            self._prompts[prompt] = self._fitted.encode_text(prompt)
        return self._prompts[prompt]


def _unchanged(request: Request) -> Result:
    empty = np.zeros((*request.frame.shape, 4), np.uint8)
    candidates = tuple(Candidate(empty, request.frame, request.recipe(k)) for k in range(request.sampling.candidates))
    return Result(candidates, Report(kept_pixels=int(np.count_nonzero(request.change_map == 0)), device=request.device))
