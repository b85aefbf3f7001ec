"""How far guesses are to be trusted, fitted by itself: a few numbers that a whole training step hardly moves."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paintdiff.engine.bundled.fill_network import FillNetwork, agreement, guess_of, is_of_ground, surety_logit
from paintdiff.engine.bundled.text import PAD
from paintdiff.training.diffusion import Batch

STEPS, RATE = 400, 0.1
_POWER = 0.25  # of an error: a guess is nearly right or quite wrong, and one of the two is wanted, not their mean
_EVERY = 11  # pixels


def fit_trust(network: FillNetwork, batches: Iterator[Batch], count: int) -> tuple[float, float]:
    """Fit `surety` to what the network answers for `count` batches, all else held.

    Returns the loss under the masks where there is a guess, before and after.
    """
    seen = [_answered(network, next(batches), number) for number in range(count)]
    own, guess, true, logit, alpha, apart, t = (torch.cat(parts) for parts in zip(*seen, strict=True))
    surety = network.surety.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([surety], RATE)
    errors = []
    for _ in range(STEPS):
        trust = torch.sigmoid(logit + surety_logit(surety, alpha, apart, t))
        loss = ((torch.lerp(own, guess, trust) - true).abs() + 1e-3).pow(_POWER).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    with torch.no_grad():
        network.surety.copy_(surety)
    return errors[0], errors[-1]


@torch.no_grad()
def _answered(network: FillNetwork, batch: Batch, seed: int) -> tuple[Tensor, ...]:
    """Of some pixels with a guess: the network's x0, the guess, the truth, the logit, alpha, agreement and t."""
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(len(batch.x0), generator=generator).clamp(min=0.02).view(-1, 1, 1, 1)
    noise = torch.randn(batch.x0.shape, generator=generator)
    x_t, text = torch.lerp(batch.x0, noise, t), network.encode_text(batch.tokens)
    told = (batch.mask, batch.known, text, batch.tokens != PAD, batch.reference)
    own, logit = network.answer(x_t, t.flatten(), *told)
    guess, alpha, guessed = guess_of(batch.reference)
    there = (guessed & (batch.mask > 0) & is_of_ground(alpha, batch.tokens != PAD))[:, 0]
    planes = (own, guess, batch.x0, logit, alpha, agreement(own, guess, guessed), t.expand_as(alpha))
    return tuple(plane.float().permute(0, 2, 3, 1)[there][::_EVERY] for plane in planes)
