"""What the trainer and its sheets need of flow diffusion: noising, the loss and a small DDIM sampler."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from paintdiff.engine.bundled.fill_network import MOST_OF_A_GUESS, FillNetwork
from paintdiff.engine.bundled.text import PAD

# x0 is known almost exactly near t = 0: without a floor the last percent of time would rule the loss.
SMALLEST_T = 0.05
OUTSIDE_WEIGHT = 0.1
CONTINUATION_WEIGHT = 5.0


@dataclass(frozen=True)
class Batch:
    """x0 (N, 3, S, S) float32 in -1..1; mask (N, 1, S, S) float32, 1 = repaint; tokens (N, L) int64.

    `reference` (N, 4, S, S) float32: RGB in -1..1 times alpha, and alpha; zeros where there is none.
    """

    x0: Tensor
    mask: Tensor
    tokens: Tensor
    reference: Tensor

    @property
    def known(self) -> Tensor:
        return self.x0 * (1 - self.mask)

    def to(self, device: torch.device) -> Batch:
        return Batch(*(tensor.to(device) for tensor in (self.x0, self.mask, self.tokens, self.reference)))


def draw_times(count: int, generator: torch.Generator, side: int = 64, spread: float = 1.1) -> Tensor:
    """(count,) logit-normal times in (0, 1), more of them noisy ("Scaling Rectified Flow Transformers", 3.1).

    Pictures of a larger side are noisier, as much as hides the same things in them (there, 5.3.2).
    """
    return torch.sigmoid(0.5 + math.log(side / 64) + spread * torch.randn(count, generator=generator))


def noised(x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """x_t = (1 - t) x0 + t eps."""
    t = t.view(-1, 1, 1, 1)
    return (1 - t) * x0 + t * eps


def velocity_loss(x0_hat: Tensor, batch: Batch, t: Tensor) -> Tensor:
    """(N,) the error of the velocity v = (x_t - x0) / t that an x0 prediction implies, |x0 - x0_hat|^2 / t^2.

    "Back to Basics: Let Denoising Generative Models Denoise", section 3: predict x0, measure v. Mean over the masked
    pixels and, with a small weight, over the kept ones.
    """
    weight = batch.mask + OUTSIDE_WEIGHT * (1 - batch.mask)
    error = (x0_hat - batch.x0).square().mean(1, keepdim=True)
    per_picture = (error * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))
    return per_picture / t.clamp(min=SMALLEST_T).square()


def task_weight(batch: Batch) -> Tensor:
    """(N,) what each picture's loss counts: more for continuation, without a prompt and beside kept pixels.

    There the answer is nearly certain and the errors small, but a box one shade off is what a painter sees first. The
    weight depends on the condition alone, so the best prediction stays the conditional mean.
    """
    continuation = (batch.tokens[:, 1:] == PAD).all(1) & (batch.mask.mean((1, 2, 3)) < 1)
    return 1 + (CONTINUATION_WEIGHT - 1) * continuation.to(batch.x0.dtype)


@torch.no_grad()
def fill(network: FillNetwork, batch: Batch, steps: int, guidance: float, seed: int) -> Tensor:
    """Repaint the masked part of batch.x0 by DDIM with replacement; (N, 3, S, S) float32 in -1..1.

    Starts from pure noise; nothing of x0 under the mask is read. "Denoising Diffusion Implicit Models", eta = 0.
    """
    tokens = torch.cat([batch.tokens, torch.where(_first(batch.tokens), batch.tokens, PAD)])
    text, text_mask = network.encode_text(tokens), tokens != PAD
    mask, known = torch.cat([batch.mask] * 2), torch.cat([batch.known] * 2)
    behind = batch.reference * (batch.reference[:, 3:] <= MOST_OF_A_GUESS)  # what lies behind the thing
    reference = torch.cat([batch.reference, behind])
    noise = torch.randn(batch.x0.shape, generator=torch.Generator().manual_seed(seed)).to(batch.x0.device)
    x_t, times = noise, torch.linspace(1, 0, steps + 1).tolist()
    for t, s in pairwise(times):
        both = torch.full((len(tokens),), t, device=x_t.device)
        with_prompt, without = network(torch.cat([x_t] * 2), both, mask, known, text, text_mask, reference).chunk(2)
        x0 = (without + guidance * (with_prompt - without)).clamp(-1, 1)
        x0 = batch.known + batch.mask * x0
        eps = (x_t - (1 - t) * x0) / t
        x_t = (1 - s) * x0 + s * (batch.mask * eps + (1 - batch.mask) * noise)
    return x_t


def _first(tokens: Tensor) -> Tensor:
    """True at the start token alone: what is left of a prompt when it is taken away."""
    return torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens) == 0
