"""Classifier-free guidance: a denoiser that leans towards the prompt and away from the negative one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Denoiser, Prediction


@dataclass(frozen=True, eq=False)
class ClassifierFree:
    """negative + w (conditional - negative), on x0 and with it on eps (Ho and Salimans 2022, 3.2).

    One convention everywhere: w = 1 is the conditional prediction, w = 0 ignores the prompt, larger overshoots. (The
    paper's own w is ours less 1.) `text` and `text_mask` are the negative prompt's, an empty prompt being the
    unconditional one; everything else both sides share. At w = 1 and w = 0 only one side is evaluated.
    """

    denoiser: Denoiser
    w: float
    text: Tensor | None
    text_mask: Tensor | None

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        if self.w == 1:
            return self.denoiser(x_t, t, condition)
        negative = Condition(self.text, self.text_mask, condition.mask, condition.known)
        if self.w == 0:
            return self.denoiser(x_t, t, negative)
        both = self.denoiser(torch.cat([x_t, x_t]), t, condition.with_batch(negative))
        x0, x0_negative = both.x0.chunk(2)
        return Prediction(torch.lerp(x0_negative, x0, self.w), x_t, both.alpha, both.sigma)
