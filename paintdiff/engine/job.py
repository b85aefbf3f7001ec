"""One request on its way: the pieces of the engine put together, timed and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from paintdiff.engine.constraint import Replacement
from paintdiff.engine.denoiser import Clamped, Condition, Denoiser, NetworkDenoiser
from paintdiff.engine.finish import Preview, kept_pixels, make_patch
from paintdiff.engine.guidance import ClassifierFree
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.sampler import State, make_sampler
from paintdiff.engine.view import View
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Recipe, Request
from paintdiff.generation.result import Candidate, Progress, Report, Result
from paintdiff.image.blending import over_matte

PREVIEW_SHARE = 0.003  # of a run's time may go into its previews

EncodeText = Callable[[str], tuple[Tensor, Tensor]]


class Job:
    """Makes every candidate of a request with a loaded model.

    `seconds` is wall time per stage; "network" is the part of "sampling" that passed inside the network.
    `evaluations` counts pictures through the network: with guidance other than 0 and 1 a step takes two.
    """

    def __init__(
        self, request: Request, model: Model, encode_text: EncodeText, report: Callable[[Progress], None],
        cancel: CancelToken,
    ) -> None:
        self._request = request
        self._model = model
        self._encode_text = encode_text
        self._report = report
        self._cancel = cancel
        self.seconds: dict[str, float] = {}
        self.evaluations = 0

    def run(self) -> Result:
        """Raises `UserError`, `Cancelled`, or RuntimeError when a patch would change a kept pixel."""
        request, model, sampling = self._request, self._model, self._request.sampling
        with self._timed("encode"):
            view = View(request.frame.h, request.frame.w, model.space.size)
            original = model.space.encode(view.picture(over_matte(request.picture, request.matte)))
            strength = model.space.strength(view.map(request.change_map), sampling.strength)
            beyond = model.space.strength(view.map(request.beyond_canvas), 1.0)  # nothing is there to be kept a little
            strength = torch.maximum(strength, beyond)
            condition = Condition(*self._encode_text(sampling.prompt))
            denoiser = self._denoiser(sampling.guidance, *self._encode_text(sampling.negative))
            preview = Preview(view, request)
        candidates: list[Candidate] = []
        kept = 0
        for k in range(sampling.candidates):
            recipe = request.recipe(k)
            with self._timed("sampling"):
                x0 = self._sample(recipe, k, original, strength, condition, denoiser, preview)
            with self._timed("finish"):
                self._progress("finishing", k, sampling.steps)
                patch = make_patch(model.space.decode(x0), view, request)
                kept, changed = kept_pixels(request, patch)
            if changed:
                raise RuntimeError(f"{changed} of {kept} kept pixels would change; the result was thrown away")
            candidates.append(Candidate(patch, request.frame, recipe))
        return Result(tuple(candidates), Report(dict(self.seconds), self.evaluations, kept, 0, model.info.device))

    def _sample(
        self, recipe: Recipe, k: int, original: Tensor, strength: Tensor, condition: Condition, denoiser: Denoiser,
        preview: Preview,
    ) -> Tensor:
        sampling, schedule, space = recipe.sampling, self._model.schedule, self._model.space
        draw = Noise(sampling.seed, space.shape, space.device)
        noise = draw(0)
        constraint = Replacement(original, strength, noise, schedule, self._model.mask_channels)
        start, *times = descending(float(strength.max()), sampling.steps)
        first = State(schedule.alpha(start) * original + schedule.sigma(start) * noise, start)
        sampler = make_sampler(sampling.sampler, schedule, draw, sampling.eta)
        throttle = _Throttle(PREVIEW_SHARE)
        self._progress("sampling", k, 0)
        x_t = first.x_t
        for state in run(first, times, sampler, denoiser, condition, constraint, self._cancel):
            x_t, picture = state.x_t, None
            if state.x0 is not None and throttle.open:
                with throttle.spending():
                    picture = preview.picture(space.decode(state.x0))
            self._report(Progress("sampling", k * sampling.steps + state.step, self._total, k, picture))
        return x_t

    def _denoiser(self, w: float, text: Tensor, text_mask: Tensor) -> Denoiser:
        """Network, then guidance, then the clamp: guidance overshoots, and the clamp is what holds it."""
        model = self._model
        guided = ClassifierFree(NetworkDenoiser(self._network, model.schedule, model.predicts), w, text, text_mask)
        return Clamped(guided)

    def _network(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        with self._timed("network"):
            out = self._model.network(x_t, t, condition)
            if x_t.device.type != "cpu":
                torch.accelerator.synchronize(x_t.device)
        self.evaluations += len(x_t)
        return out

    def _progress(self, stage: str, k: int, step: int) -> None:
        self._report(Progress(stage, k * self._request.sampling.steps + step, self._total, k))

    @property
    def _total(self) -> int:
        return self._request.sampling.candidates * self._request.sampling.steps

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


class _Throttle:
    """Open as long as what is done under it stays below a share of the time that passes."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._next = 0.0

    @property
    def open(self) -> bool:
        return time.perf_counter() >= self._next

    @contextmanager
    def spending(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        end = time.perf_counter()
        self._next = end + (end - start) / self._share
