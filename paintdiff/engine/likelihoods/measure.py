"""How likely a model finds a request's picture, or each of several patches in it, and what in it surprises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from paintdiff.engine.assembly import EncodeText, make_condition, predicted
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.denoiser import NetworkDenoiser, Prediction
from paintdiff.engine.likelihoods.likelihood import (
    LEVEL,
    bits_per_dim,
    dequantized,
    given_rest,
    log_likelihood,
    rademacher,
)
from paintdiff.engine.likelihoods.surprise import surprise
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.space import PixelSpace
from paintdiff.engine.tasks.view import View
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress
from paintdiff.image.blending import over, over_matte

SEED = 40_487  # of probes and noise: always the same, so that the numbers of two pictures can be compared
TOLERANCE = 1e-2
PROBES = 4
LEVELS = 32
# The map counts what shows. Finer noise than this few networks remove: it would add the same to every pixel.
VISIBLE = 3 * LEVEL
_ODE_SHARE, _MAP_SHARE = 85, 15  # percent of a picture's progress


def measure(
    request: Request, patches: tuple[np.ndarray, ...], model: Model, encode_text: EncodeText,
    report: Callable[[Progress], None], cancel: CancelToken,
) -> tuple[Likelihood, ...]:
    """One likelihood for each of `patches` (h, w, 4) uint8 laid over the request's picture, or for the picture alone.

    With mask channels: of what the change map covers, given the rest (a map of zeros covers all); otherwise of the
    whole frame as the model's square shows it. Everything is computed in float32, at guidance 1, with the request's
    prompt. Raises `UserError` and `Cancelled`.
    """
    pictures = [over(request.picture, patch) for patch in patches] or [request.picture]
    with in_float32(model.castable):
        found = []
        for i, picture in enumerate(pictures):
            scale = _Scale(report, i, len(pictures))
            found.append(_Measurement(request, picture, model, encode_text, scale, cancel).run())
    return tuple(found)


@contextmanager
def in_float32(weights: nn.Module | None) -> Iterator[None]:
    """Half precision is exact enough to sample, but not to differentiate."""
    own = None if weights is None else next((p.dtype for p in weights.parameters()), None)
    if weights is None or own is None or own in (torch.float32, torch.float64):
        yield
        return
    weights.to(torch.float32)
    try:
        yield
    finally:
        weights.to(own)  # what was cast up comes back as it was


class _Scale:
    """Progress in percent of each of several pictures."""

    def __init__(self, report: Callable[[Progress], None], index: int, count: int) -> None:
        self._report, self._index, self._count = report, index, count
        self._latest = -1

    def show(self, percent: float) -> None:
        if int(percent) > self._latest:
            self._latest = int(percent)
            step = 100 * self._index + self._latest
            self._report(Progress("measuring", step, 100 * self._count, self._index))


class _Measurement:
    """The numbers of one picture."""

    def __init__(
        self, request: Request, picture: np.ndarray, model: Model, encode_text: EncodeText, scale: _Scale,
        cancel: CancelToken,
    ) -> None:
        self._model, self._scale, self._cancel = model, scale, cancel
        self._view = View(request.frame.h, request.frame.w, model.space.size)
        rgb = self._view.picture(over_matte(picture, request.matte))
        self._picture = model.space.encode(rgb).float()
        counts = self._counting(request)
        self._free = (model.space.pooled(counts) > 0).expand_as(self._picture)
        self._condition = make_condition(model, replace(request.sampling, guidance=1.0), encode_text)
        if model.mask_channels:
            pixels = PixelSpace(model.space.size, model.space.device).encode(rgb)
            mask, known = MaskedPicture(model.space, pixels, counts)(0.0)
            self._condition = replace(self._condition, mask=mask, known=known)
        self._denoiser = NetworkDenoiser(model.network, model.schedule, predicted(model, request.sampling))
        self._evaluations = 0

    def run(self) -> Likelihood:
        model, space = self._model, self._model.space
        y = self._picture[self._free][None]
        draw = Noise(SEED, tuple(y.shape), y.device)
        kept = Noise(SEED + 1, tuple(self._picture.shape), y.device)(0)
        denoise = given_rest(self._denoise, model.schedule, self._picture, kept, self._free)
        spread = dequantized(y, draw) if space.bounded else y  # a latent picture has no levels

        def watched(y: Tensor, t: float) -> Prediction:
            self._scale.show(_ODE_SHARE * t)
            return denoise(y, t)

        density = log_likelihood(spread, watched, model.schedule, TOLERANCE, rademacher(draw, PROBES))
        surprises = surprise(y, denoise, model.schedule, draw, LEVELS, VISIBLE)
        self._scale.show(_ODE_SHARE + _MAP_SHARE)
        d = y.numel()
        bits = bits_per_dim(float(density.log_p), d, LEVEL if space.bounded else 1.0)
        error = float(density.standard_error) / d / math.log(2)
        return Likelihood(-bits * d * math.log(2), bits, error, d, self._evaluations, self._map(surprises))

    def _denoise(self, x_t: Tensor, t: float) -> Prediction:
        self._cancel.check()
        self._evaluations += len(x_t)
        return self._denoiser(x_t, t, self._condition)

    def _counting(self, request: Request) -> Tensor:
        """(1, 1, size, size), 1 at the pixels that count and else 0."""
        plane = PixelSpace(self._model.space.size, self._model.space.device)
        if not self._model.mask_channels:
            return torch.ones((1, 1, plane.size, plane.size), device=plane.device)
        change_map = self._view.map(request.change_map if request.change_map.any() else request.change_map + 255)
        shown = np.zeros_like(change_map)
        self._view.inner(shown)[...] = self._view.inner(change_map)  # beyond the frame all is known
        return (plane.strength(shown, 1.0) > 0).float()

    def _map(self, surprises: Tensor) -> np.ndarray:
        """(h, w) float32 over the frame: the channels of a place added up."""
        places = torch.zeros_like(self._picture).masked_scatter(self._free, surprises[0]).sum(dim=1)[0].cpu().numpy()
        size = self._model.space.size
        square = cv2.resize(places, (size, size), interpolation=cv2.INTER_LINEAR)
        inner = np.ascontiguousarray(self._view.inner(square))
        return cv2.resize(inner, (self._view.width, self._view.height), interpolation=cv2.INTER_LINEAR)
