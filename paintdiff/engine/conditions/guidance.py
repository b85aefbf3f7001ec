"""Classifier-free guidance: a denoiser that leans towards the prompt and away from the negative one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction


class ClassifierFree:
    """negative + w (conditional - negative), on x0 and with it on eps and the score (Ho and Salimans 2022, 3.2).

    One convention everywhere: w = 1 is the conditional prediction, w = 0 ignores the prompt, larger overshoots. (The
    paper's own w is ours less 1.) `negative` is what the negative prompt says, an empty prompt being the
    unconditional one; a class label becomes -1, none, on that side, and there is no picture to look at; everything
    else both sides share. At w = 1 and w = 0 only one side is evaluated.

    `interval` (lowest, highest) is where on the time axis w counts, both ends included; outside of it w is 1 and one
    side is evaluated (Kynkäänniemi et al. 2024, section 3). `rescale` (0..1, phi) draws the spread of the
    guided x0 back to that of the conditional one; see `rescaled`.
    """

    def __init__(
        self, denoiser: Denoiser, w: float, negative: Condition, *,
        rescale: float = 0.0, interval: tuple[float, float] = (0.0, 1.0),
    ) -> None:  # fmt: skip
        self._denoiser = denoiser
        self._w = w
        self._negative = negative.prompt
        self._rescale = rescale
        self._interval = interval
        self._prompts: tuple[Condition, Condition] | None = None

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        lowest, highest = self._interval
        if self._w == 1 or not lowest <= t <= highest:
            return self._denoiser(x_t, t, condition)
        if self._w == 0 and self._rescale == 0:
            return self._denoiser(x_t, t, _unprompted(condition).prompted(self._negative))
        one, x0_negative = self._both(x_t, t, condition)
        guided = torch.lerp(x0_negative, one.x0, self._w)
        if self._rescale > 0:
            guided = rescaled(guided, one.x0, self._rescale, condition.mask)
        return replace(one, x0=guided)

    def _both(self, x_t: Tensor, t: float, condition: Condition) -> tuple[Prediction, Tensor]:
        """The conditional prediction, and x0 of the other side; one batch unless the prompts differ in length."""
        if _length(condition) != _length(self._negative):
            other = self._denoiser(x_t, t, _unprompted(condition).prompted(self._negative))
            return self._denoiser(x_t, t, condition), other.x0
        both = self._denoiser(torch.cat([x_t, x_t]), t, self._doubled(condition))
        x0, x0_negative = both.x0.chunk(2)
        mix = None if both.variance_mix is None else both.variance_mix[: len(x_t)]
        return Prediction(x0, x_t, both.alpha, both.sigma, mix), x0_negative

    def _doubled(self, condition: Condition) -> Condition:
        """`condition` for a batch of two: the prompt and the negative one, over the same picture."""
        if self._prompts is None or self._prompts[0].text is not condition.text:  # a run keeps its prompt for long
            prompt = condition.prompt
            self._prompts = prompt, prompt.with_batch(self._negative)
        picture = condition.prompted(Condition())
        return picture.with_batch(_unprompted(picture)).prompted(self._prompts[1])


def _length(condition: Condition) -> int:
    """How many vectors the prompt is; a long one is more than a short one."""
    return 0 if condition.text is None else condition.text.shape[1]


def _unprompted(condition: Condition) -> Condition:
    """Without what the prompt brought along: no class, and nothing to look at but what is there without."""
    label = condition.label
    if condition.image is not None:
        condition = replace(condition, image=condition.no_image)
    if label is not None:
        condition = replace(condition, label=torch.full_like(label, -1))
    return replace(condition, reference=condition.no_reference)


def rescaled(guided: Tensor, conditional: Tensor, phi: float, mask: Tensor | None) -> Tensor:
    """`guided` with phi of the way back to the standard deviation of `conditional` (Lin et al. 2024, 3.4, eq. 15, 16).

    Strong guidance overexposes, and this is what undoes it. The deviation is each picture's, over all its pixels and
    channels; where the model is told a `mask` (N, 1, h, w), over the repainted pixels alone: the kept ones are the
    same on both sides, and the more there are of them, the less would be undone. Without a mask it is over the whole
    picture, as in the paper.
    """
    wanted, has = spread(conditional, mask), spread(guided, mask)
    factor = torch.where(has > 0, wanted / has, 1)
    return torch.lerp(guided, guided * factor, phi)


def spread(x0: Tensor, mask: Tensor | None) -> Tensor:
    """Standard deviation of each picture over where `mask` (0 or 1) is 1, shaped (N, 1, 1, 1) to multiply x0 with."""
    where = torch.ones_like(x0) if mask is None else mask.expand_as(x0)
    every = tuple(range(1, x0.ndim))
    count = where.sum(every, keepdim=True).clamp(min=1)
    mean = (x0 * where).sum(every, keepdim=True) / count
    return (((x0 - mean).square() * where).sum(every, keepdim=True) / count).sqrt()
