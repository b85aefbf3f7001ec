"""What a network says about a noisy picture, in one form whatever it was trained to predict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from paintdiff.engine.schedule import Schedule
from paintdiff.generation.errors import UserError

Predicts = Literal["eps", "v", "x0", "flow", "score"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """The expected picture `x0` and noise `eps` given x_t, both shaped like it; x_t = alpha x0 + sigma eps.

    Only x0 is stored, the rest follows from it: most samplers never ask. `variance_mix`, shaped like x0, comes from
    networks that have learned the variance of an ancestral step: v in Nichol and Dhariwal 2021, eq. 15, 0 for the
    posterior's and 1 for beta.
    """

    x0: Tensor
    x_t: Tensor
    alpha: float
    sigma: float
    variance_mix: Tensor | None = None

    @property
    def eps(self) -> Tensor:
        """The expected noise; 0 where x_t has none."""
        if self.sigma == 0:
            return torch.zeros_like(self.x_t)
        return torch.sub(self.x_t, self.x0, alpha=self.alpha) / self.sigma

    @property
    def score(self) -> Tensor:
        """Gradient of log p_t at x_t (Song et al. 2021, 2.1), for sigma above 0."""
        return self.eps / -self.sigma


@dataclass(frozen=True, eq=False)
class Condition:
    """What the network is told besides x_t and t; whatever a model does not use stays None.

    `text` (N, L, D) with `text_mask` (N, L) bool, True = a token; `mask` (N, 1, h, w), 1 = repaint, and `known`
    (N, C, h, w), zero where the mask is 1, for models with mask channels; `label` (N,) int64, a class,
    -1 for none; `reference` (N, 4, h, w), a picture of what is asked for, see `reference_channels`, and `no_reference`
    what is looked at where nothing is asked for.
    `pooled` (N, P) is the prompt in one vector, and `sizes` (N, 6) pixels, heights first, those of the picture before
    it was scaled, where it was cut, and those asked for (Podell et al. 2023, SDXL, 2.2). `guidance` (N,) is w for a
    network that was distilled to give the guided answer itself (Meng et al. 2023).
    `control` (N, 3 K, H, W) in pixels are the maps of K ControlNets, one after the other, and `control_weights` (N, K)
    how strongly each counts now. `image` is the embedding of an image prompt, and `no_image` that of none.
    """

    text: Tensor | None = None
    text_mask: Tensor | None = None
    mask: Tensor | None = None
    known: Tensor | None = None
    label: Tensor | None = None
    reference: Tensor | None = None
    no_reference: Tensor | None = None
    pooled: Tensor | None = None
    sizes: Tensor | None = None
    guidance: Tensor | None = None
    control: Tensor | None = None
    control_weights: Tensor | None = None
    image: Tensor | None = None
    no_image: Tensor | None = None

    @property
    def prompt(self) -> Condition:
        """What of it was said in words, alone."""
        return Condition(self.text, self.text_mask, pooled=self.pooled, sizes=self.sizes)

    def prompted(self, words: Condition) -> Condition:
        """This condition with the words of another."""
        return replace(self, text=words.text, text_mask=words.text_mask, pooled=words.pooled, sizes=words.sizes)

    def with_batch(self, other: Condition) -> Condition:
        """Both, one after the other along the batch; either has each field or both lack it."""

        def joined(name: str) -> Tensor | None:
            a, b = getattr(self, name), getattr(other, name)
            if a is b and a is not None and len(a) == 1:
                return a.expand(2, *a.shape[1:])  # no copy of what both share
            return None if a is None else torch.cat([a, b])

        return Condition(*(joined(item.name) for item in fields(Condition)))


class Denoiser(Protocol):
    """(x_t, t, condition) -> Prediction; x_t is (N, C, h, w) or any other shape that the network takes."""

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction: ...


Network = Callable[[Tensor, float, Condition], Tensor]


@dataclass(frozen=True, eq=False)
class NetworkDenoiser:
    """A denoiser from a network's raw output. Every conversion holds for any alpha and sigma, also where one is 0.

    `predicts`: "eps" the noise (Ho et al. 2020), "v" = alpha eps - sigma x0 (Salimans and Ho 2022, section 4), "x0"
    the picture, "flow" = eps - x0, the velocity of `Flow`, "score" = -eps / sigma (Song et al. 2021). Raises
    `UserError` for "eps" and "score" where alpha is 0, since pure noise tells such a network nothing about the picture
    (Lin et al. 2024, 3.2), and when the network's answer is not a number.

    A network that answers with twice the channels has learned its variance: the second half is 2 v - 1, v as in
    `Prediction` (Nichol and Dhariwal 2021, 3.1).
    """

    network: Network
    schedule: Schedule
    predicts: Predicts

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        if self.predicts in ("eps", "score") and alpha == 0:
            raise UserError(
                "This model predicts noise, and is to begin at pure noise, where that says nothing about the picture: "
                "set Prediction to v_prediction if that is what it predicts, or lower the strength."
            )
        out = self.network(x_t, t, condition)
        if not math.isfinite(float(out.detach().sum())):  # one number to wait for instead of a picture of them
            raise UserError("The model's answer is not a number; lower the guidance, or try another device or model.")
        variance_mix = None
        if out.shape[1] == 2 * x_t.shape[1]:
            out, spread = out.chunk(2, dim=1)
            variance_mix = (spread + 1) / 2
        if self.predicts == "x0":
            x0 = out
        elif self.predicts == "eps":
            x0 = (x_t - sigma * out) / alpha
        elif self.predicts == "score":
            x0 = (x_t + sigma * sigma * out) / alpha
        elif self.predicts == "v":
            x0 = (alpha * x_t - sigma * out) / (alpha * alpha + sigma * sigma)
        else:
            x0 = (x_t - sigma * out) / (alpha + sigma)
        return Prediction(x0, x_t, alpha, sigma, variance_mix)


@dataclass(frozen=True, eq=False)
class Clamped:
    """A denoiser whose x0 stays within [-1, 1]: static thresholding (Saharia et al. 2022, 2.3), for pixel models."""

    denoiser: Denoiser

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        prediction = self.denoiser(x_t, t, condition)
        return replace(prediction, x0=prediction.x0.clamp(-1, 1))
