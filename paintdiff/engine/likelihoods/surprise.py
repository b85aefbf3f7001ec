"""Where a picture surprises a model: its information, number by number, from denoising errors at every noise level."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from paintdiff.engine.likelihoods.likelihood import LEVEL
from paintdiff.engine.schedule import Schedule, log_snr
from paintdiff.engine.state import Denoise, Draw

# Noise of this deviation has the entropy of a level's width: up to here the errors tell as much as 8-bit data do.
FINEST = LEVEL / math.sqrt(2 * math.pi * math.e)
ROUGHEST_LOG_SNR = -12.0  # below, what is left of the picture is 6e-6 of the noise's power


def surprise(
    x: Tensor, denoise: Denoise, schedule: Schedule, draw: Draw, levels: int, finest: float = FINEST
) -> Tensor:
    """Nats of each number of x (N, ...), shaped like it, never negative: half the integral of its denoising error.

    The pointwise I-MMSE relation (Kong, Brekelmans and Ver Steeg 2023, *Information-Theoretic Diffusion*, section 2),
    number by number as in Kong et al. 2024, *Interpretable Diffusion via Information Decomposition*:

        1/2 integral over snr from 0 to 1 / finest² of E |x - x0(x_t)|²

    summed over a row, that is -log of the density of x with noise of deviation `finest`, less that noise's entropy;
    with the default, -log of the probability of 8-bit data. For independent numbers each has its own; otherwise what
    numbers share is divided among them. The integral is taken over log snr at `levels` evenly spread levels, one draw
    of noise each. x0 must be that of guidance 1, without a clamp.
    """
    lowest = max(ROUGHEST_LOG_SNR, log_snr(schedule, 1.0))
    highest = min(-2 * math.log(finest), log_snr(schedule, 1e-5))
    width = (highest - lowest) / levels
    total = torch.zeros_like(x)
    for level in range(levels):
        value = lowest + (level + 0.5) * width
        t = time_of(schedule, value)
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        x0 = denoise(torch.add(alpha * x, draw(level), alpha=sigma), t).x0
        # dsnr = snr dlog snr
        total = torch.add(total, (x - x0).square(), alpha=0.5 * width * math.exp(value))
        if level == 0:  # from no picture at all to the lowest level the error stays as it is
            total = torch.add(total, (x - x0).square(), alpha=0.5 * math.exp(lowest))
    return total


def time_of(schedule: Schedule, value: float) -> float:
    """The time at which log(alpha² / sigma²), which falls with time, is `value`; by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if log_snr(schedule, middle) > value else (low, middle)
    return high
