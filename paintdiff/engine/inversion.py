"""From a picture back to the noise that a deterministic sampler turns into it: its code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from paintdiff.engine.ode import EARLIEST, solve, velocity
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.state import Denoise
from paintdiff.generation.code import Code


def encode_ddim(
    x0: Tensor, times: Sequence[float], denoise: Denoise, schedule: Schedule, iterations: int = 20,
    tolerance: float = 1e-6,
) -> Tensor:  # fmt: skip
    """The x_t at the last of the ascending `times`, from 0, that DDIM (eta 0) with the same times leads to x0.

    Song et al. 2020, 4.3, turn DDIM around as if the prediction at x_s were that at x_t. Here each step is turned
    around exactly: x_t is the fixed point of x_t = (the inverse step with the prediction at x_t), as in Pan et al.
    2023, *Effective Real Image Editing with Accelerated Iterative Diffusion Inversion*, section 3. It is iterated until
    it moves by less than `tolerance`, root mean square, and `iterations` times at most.
    """
    x, guess = x0, x0  # guess: the latest estimate of x0
    for s, t in pairwise(times):
        alpha_s, sigma_s, alpha_t, sigma_t = schedule.alpha(s), schedule.sigma(s), schedule.alpha(t), schedule.sigma(t)
        # of the two ways to write the step, the one through the prediction that hardly moves with x_t
        noisy = alpha_s * alpha_t < sigma_s * sigma_t
        x_s, x = x, (x - alpha_s * guess) * (sigma_t / sigma_s) + alpha_t * guess if sigma_s > 0 else alpha_t * x
        share, latest = 1.0, math.inf
        for _ in range(iterations):
            prediction = denoise(x, t)
            guess = prediction.x0
            if noisy:
                there = (x_s - alpha_s * guess) * (sigma_t / sigma_s) + alpha_t * guess
            else:
                there = (x_s - sigma_s * prediction.eps) * (alpha_t / alpha_s) + sigma_t * prediction.eps
            change = float((there - x).square().mean().sqrt())
            if change > latest:
                share /= 2  # it overshoots: from here on go only part of the way
            x, latest = torch.lerp(x, there, share), change
            if change < tolerance:
                break
    return x


def encode_ode(x0: Tensor, end: float, denoise: Denoise, schedule: Schedule, tolerance: float) -> Tensor:
    """The x_t at `end` that the probability-flow ODE leads to x0, by the adaptive solver, rtol = atol = `tolerance`.

    Song et al. 2021, 4.3 and D.3: uniquely identifiable encoding. The first move, from 0 to where the ODE can begin, is
    one of `encode_ddim`, as the last move of `Adaptive` is one of DDIM.
    """
    begin = min(EARLIEST, end)
    x_t = encode_ddim(x0, (0.0, begin), denoise, schedule, tolerance=tolerance)

    def slope(t: float, x_t: Tensor) -> Tensor:
        return velocity(schedule, t, denoise(x_t, t))

    return solve(slope, x_t, begin, end, tolerance, tolerance).y


def mixed(a: Code, b: Code, mix: float) -> Code:
    """The code `mix` of the way from a to b, of the same shape."""
    noise = slerp(torch.from_numpy(a.noise), torch.from_numpy(b.noise), mix).numpy()
    return replace(a, noise=noise)


def slerp(a: Tensor, b: Tensor, mix: float) -> Tensor:
    """From code a (`mix` 0) to code b (1) along the great circle between them (Song et al. 2020, appendix D.5)."""
    angle = torch.acos(torch.dot(a.flatten(), b.flatten()).div(a.norm() * b.norm()).clamp(-1, 1))
    if float(angle.sin()) < 1e-6:
        return torch.lerp(a, b, mix)
    return (((1 - mix) * angle).sin() * a + (mix * angle).sin() * b) / angle.sin()
