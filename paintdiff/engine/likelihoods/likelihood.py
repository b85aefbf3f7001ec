"""How likely a picture is: its density, carried along the probability-flow ODE to where it is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.ode import EARLIEST, solve, velocity
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.state import Denoise, Draw

LEVEL = 1 / 127.5  # the width of one of the 256 levels of a channel, in pictures of [-1, 1]
Prior = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Density:
    """`log_p` (N,) float64, nats, of each row; `standard_error` (N,), 0 with the exact divergence.

    `code` is x at t = 1, shaped like x: the one noise that the ODE turns into it. `evaluations` counts network calls.
    """

    log_p: Tensor
    standard_error: Tensor
    code: Tensor
    evaluations: int


def log_likelihood(
    x: Tensor,
    denoise: Denoise,
    schedule: Schedule,
    tolerance: float,
    probes: Tensor | None = None,
    prior: Prior | None = None,
    earliest: float = EARLIEST,
) -> Density:
    """log p of the rows of x (N, ...) by the instantaneous change of variables (Song et al. 2021, 4.3 and D.2, eq. 39).

    log p(x) = log prior(x_1) + integral over t of div v(x_t, t), where v is the ODE's velocity and x its picture at
    time `earliest`. The divergence is exact without `probes`, at one pass backwards for each dimension; with probes
    (M, N, ...) of +1 and -1 it is Hutchinson's estimate, unbiased, at a pass a probe, and the standard error is that
    of their mean. `prior` maps x_1 to (N,) nats; by default it is normal with the deviation sigma(1). rtol = atol =
    `tolerance`, on x and log p together. `denoise` must be differentiable in x_t and without a clamp, which would be
    another density's. Raises what the denoiser raises.
    """
    estimates = 1 if probes is None else len(probes)

    def slope(t: float, y: Tensor) -> Tensor:
        x_t = y[: x.numel()].view(x.shape)
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            prediction = denoise(x_t, t)
            traces = _traces(prediction.x0, x_t, probes)
        v = velocity(schedule, t, Prediction(prediction.x0.detach(), x_t.detach(), prediction.alpha, prediction.sigma))
        # div v from that of x0, since eps = (x_t - alpha x0) / sigma
        growth = schedule.sigma_rate(t) / schedule.sigma(t)
        divergence = growth * x[0].numel() + (schedule.alpha_rate(t) - growth * schedule.alpha(t)) * traces
        return torch.cat([v.flatten(), divergence.flatten().to(v.dtype)])

    begin = torch.cat([x.flatten(), x.new_zeros(estimates * len(x))])
    solution = solve(slope, begin, earliest, 1.0, tolerance, tolerance)
    code = solution.y[: x.numel()].view(x.shape)
    gained = solution.y[x.numel() :].view(estimates, len(x)).cpu().double()
    error = gained.std(dim=0) / math.sqrt(estimates) if estimates > 1 else torch.full_like(gained[0], math.nan)
    at_end = normal(code, schedule.sigma(1.0)) if prior is None else prior(code)
    return Density(
        at_end.cpu().double() + gained.mean(dim=0), torch.zeros_like(error) if probes is None else error, code,
        solution.evaluations,
    )  # fmt: skip


def _traces(x0: Tensor, x_t: Tensor, probes: Tensor | None) -> Tensor:
    """(M, N): the trace of dx0/dx_t of each row, exact (M = 1) or as each probe sees it."""
    if probes is None:
        flat, total = x0.flatten(1), x0.new_zeros(len(x0))
        for i in range(flat.shape[1]):
            (gradient,) = torch.autograd.grad(flat[:, i].sum(), x_t, retain_graph=True)
            total = total + gradient.flatten(1)[:, i]
        return total[None]
    rows = []
    for probe in probes:
        (gradient,) = torch.autograd.grad(x0, x_t, probe.to(x0.dtype), retain_graph=probe is not probes[-1])
        rows.append((gradient * probe).flatten(1).sum(dim=1))
    return torch.stack(rows)


def normal(x: Tensor, deviation: float) -> Tensor:
    """(N,) float64 on the CPU, since not every device has it: log density of each row under N(0, deviation²), nats."""
    d = x[0].numel()
    return -0.5 * (x.cpu().double().flatten(1) / deviation).square().sum(dim=1) - d * math.log(
        deviation * math.sqrt(2 * math.pi)
    )


def rademacher(draw: Draw, count: int) -> Tensor:
    """(count, ...): probes of +1 and -1, shaped like the draw's noise."""
    return torch.stack([torch.where(draw(0, part + 1) < 0, -1.0, 1.0) for part in range(count)])


def dequantized(x: Tensor, draw: Draw) -> Tensor:
    """8-bit pictures in [-1, 1], spread evenly over the width of their levels (Theis et al. 2016, 3.1).

    The continuous density at x is then, on average over the noise, at most the probability of the 8-bit picture, in
    units of `LEVEL` a dimension: log P >= E log p(dequantized x) + D log LEVEL.
    """
    uniform = torch.special.ndtr(draw(0).cpu().to(x.dtype)) - 0.5  # which Apple's devices cannot
    return x + LEVEL * uniform.to(x.device)


def bits_per_dim(log_p: float, dimensions: int, level: float = LEVEL) -> float:
    """-log2 of the probability of 8-bit data from the log density (nats) of the dequantized picture, per dimension.

    `level` is a level's width; 1 for data that have none.
    """
    return -(log_p / dimensions + math.log(level)) / math.log(2)


def given_rest(denoise: Denoise, schedule: Schedule, picture: Tensor, noise: Tensor, free: Tensor) -> Denoise:
    """A denoiser of the free part of `picture` (1, C, h, w) alone, as rows of y (N, D), given the rest of it.

    `free` is bool, like `picture`; D numbers are. What is not free goes the way of the run: the picture with `noise`.
    For a model that is told the rest without noise this has no say, so that p(y) is that of y given the rest.
    """

    def part(y: Tensor, t: float) -> Prediction:
        alpha, sigma = schedule.alpha(t), schedule.sigma(t)
        rest = torch.add(alpha * picture, noise, alpha=sigma).expand(len(y), *picture.shape[1:])
        x_t = rest.masked_scatter(free.expand_as(rest), y)
        return Prediction(denoise(x_t, t).x0[free.expand_as(rest)].view(y.shape), y, alpha, sigma)

    return part
