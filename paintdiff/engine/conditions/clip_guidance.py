"""CLIP guidance: a denoiser whose picture is drawn towards a text by anything that embeds pictures and texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from paintdiff.engine.conditions.classifier_guidance import gradient
from paintdiff.engine.denoiser import Condition, Denoiser, Prediction


class Embedder(Protocol):
    """Two maps into one space of E dimensions, in which the dot product says how well picture and text agree.

    The dot product is read as a log-likelihood: a CLIP that was trained with unit vectors returns the picture's times
    its own logit scale (100 for most).
    """

    def embed_picture(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) in [-1, 1] -> (N, E), differentiable."""
        ...

    def embed_text(self, prompt: str) -> Tensor:
        """(1, E)."""
        ...


@dataclass(frozen=True, eq=False)
class ClipGuidance:
    """x0 + s r² grad (picture(x0) · text), with r² = sigma² / (alpha² + sigma²) (Nichol et al. 2021, GLIDE, 2.4 and 4).

    The picture that is looked at is the x0 estimate, so that an embedder that never saw noise can be used; the gradient
    is taken straight at x0 and not through the denoiser. The denoiser's own Jacobian would be Cov(x0 | x_t) alpha /
    sigma² and needs a second pass through the network; r² is that covariance for data of variance 1 in every direction
    (Song et al. 2023, *Pseudoinverse-Guided Diffusion Models*). It is exact for such data and a linear embedder,
    and then samples from p(x0) exp(s picture(x0) · text). `text` is (1, E); `to_pixels` takes the space's x0 to
    (N, 3, S, S) in [-1, 1] and is differentiable.
    """

    denoiser: Denoiser
    embed_picture: Callable[[Tensor], Tensor]
    text: Tensor
    scale: float
    to_pixels: Callable[[Tensor], Tensor]

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        prediction = self.denoiser(x_t, t, condition)
        alpha, sigma = prediction.alpha, prediction.sigma
        if sigma == 0 or self.scale == 0:
            return prediction
        climb = gradient(lambda x0: (self.embed_picture(self.to_pixels(x0)) * self.text).sum(1), prediction.x0)
        shift = self.scale * sigma**2 / (alpha**2 + sigma**2)
        return replace(prediction, x0=torch.add(prediction.x0, climb, alpha=shift))
