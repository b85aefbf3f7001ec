"""Classifier-free guidance: a denoiser that leans towards the prompt and away from the negative one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction


class ClassifierFree:
    """negative + w (conditional - negative), on x0 and with it on eps (Ho and Salimans 2022, 3.2).

    One convention everywhere: w = 1 is the conditional prediction, w = 0 ignores the prompt, larger overshoots. (The
    paper's own w is ours less 1.) `text` and `text_mask` are the negative prompt's, an empty prompt being the
    unconditional one; everything else both sides share. At w = 1 and w = 0 only one side is evaluated.
    """

    def __init__(self, denoiser: Denoiser, w: float, text: Tensor | None, text_mask: Tensor | None) -> None:
        self._denoiser = denoiser
        self._w = w
        self._negative = Condition(text, text_mask)
        self._prompts: tuple[Condition, Condition] | None = None

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        if self._w == 1:
            return self._denoiser(x_t, t, condition)
        if self._w == 0:
            negative = replace(condition, text=self._negative.text, text_mask=self._negative.text_mask)
            return self._denoiser(x_t, t, negative)
        both = self._denoiser(torch.cat([x_t, x_t]), t, self._doubled(condition))
        x0, x0_negative = both.x0.chunk(2)
        mix = None if both.variance_mix is None else both.variance_mix.chunk(2)[0]  # the prompt's own
        return Prediction(torch.lerp(x0_negative, x0, self._w), x_t, both.alpha, both.sigma, mix)

    def _doubled(self, condition: Condition) -> Condition:
        """`condition` for a batch of two: the prompt and the negative one, over the same picture."""
        if self._prompts is None or self._prompts[0].text is not condition.text:  # a run keeps its prompt for long
            prompt = Condition(condition.text, condition.text_mask)
            self._prompts = prompt, prompt.with_batch(self._negative)
        shared = Condition(mask=condition.mask, known=condition.known)
        doubled = shared.with_batch(shared)
        return replace(doubled, text=self._prompts[1].text, text_mask=self._prompts[1].text_mask)
