"""How much picture and how much noise there is at each time: alpha, sigma and the SDE behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Schedule(Protocol):
    """x_t = alpha(t) x0 + sigma(t) eps, for t from 0 (picture: alpha 1, sigma 0) to 1 (noise).

    Times and coefficients are Python floats, that is float64. alpha may reach 0 at t = 1. The rates are derivatives by
    t; that of sigma is infinite at t = 0 where sigma starts as a square root.
    """

    def alpha(self, t: float) -> float: ...

    def sigma(self, t: float) -> float: ...

    def alpha_rate(self, t: float) -> float: ...

    def sigma_rate(self, t: float) -> float: ...


def log_snr(schedule: Schedule, t: float) -> float:
    """log(alpha² / sigma²): +inf where there is no noise, -inf where there is no picture (Kingma et al. 2021, 3.1)."""
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    if sigma == 0:
        return math.inf
    return 2 * math.log(alpha / sigma) if alpha > 0 else -math.inf


def transition(schedule: Schedule, s: float, t: float) -> tuple[float, float]:
    """(alpha_ts, variance) of the forward move, x_t = alpha_ts x_s + noise, for s < t (Kingma et al. 2021, A.1)."""
    alpha_ts = schedule.alpha(t) / schedule.alpha(s)
    return alpha_ts, max(0.0, schedule.sigma(t) ** 2 - (alpha_ts * schedule.sigma(s)) ** 2)


def drift(schedule: Schedule, t: float) -> float:
    """f = alpha' / alpha of the forward SDE dx = f x dt + g dw (Kingma et al. 2021); -inf where alpha is 0."""
    alpha = schedule.alpha(t)
    return schedule.alpha_rate(t) / alpha if alpha > 0 else -math.inf


def diffusion_squared(schedule: Schedule, t: float) -> float:
    """g² = (sigma²)' - 2 f sigma² of the forward SDE, for t above 0; infinite where alpha is 0."""
    sigma = schedule.sigma(t)
    return 2 * sigma * schedule.sigma_rate(t) - 2 * drift(schedule, t) * sigma * sigma


def _preserving_sigma(alpha: float) -> float:
    """sigma = sqrt(1 - alpha²), without the loss of digits near alpha = 1."""
    return math.sqrt((1 - alpha) * (1 + alpha))


def _preserving_rate(alpha: float, alpha_rate: float) -> float:
    """The rate of sqrt(1 - alpha²); infinite at alpha = 1."""
    return -alpha * alpha_rate / _preserving_sigma(alpha) if alpha < 1 else math.inf


@dataclass(frozen=True)
class Flow:
    """Straight lines from picture to noise: alpha = 1 - t, sigma = t (Liu et al. 2022; Lipman et al. 2022).

    A `shift` above 1 walks the same lines with more time near the noise, as large pictures want (Esser et al. 2024,
    eq. 23): sigma = shift t / (1 + (shift - 1) t).
    """

    shift: float = 1.0

    def alpha(self, t: float) -> float:
        return 1.0 - self.sigma(t)

    def sigma(self, t: float) -> float:
        return self.shift * t / (1.0 + (self.shift - 1.0) * t)

    def alpha_rate(self, t: float) -> float:
        return -self.sigma_rate(t)

    def sigma_rate(self, t: float) -> float:
        return self.shift / (1.0 + (self.shift - 1.0) * t) ** 2


@dataclass(frozen=True)
class VPLinear:
    """Variance preserving with beta(t) growing linearly (Song et al. 2021, appendix B and C)."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def beta(self, t: float) -> float:
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def _log_alpha(self, t: float) -> float:
        return -0.25 * t * t * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min

    def alpha(self, t: float) -> float:
        return math.exp(self._log_alpha(t))

    def sigma(self, t: float) -> float:
        return math.sqrt(-math.expm1(2 * self._log_alpha(t)))

    def alpha_rate(self, t: float) -> float:
        return -0.5 * self.beta(t) * self.alpha(t)

    def sigma_rate(self, t: float) -> float:
        return 0.5 * self.beta(t) * self.alpha(t) ** 2 / self.sigma(t) if t > 0 else math.inf


@dataclass(frozen=True)
class SubVP(VPLinear):
    """`VPLinear` with less noise, sigma = 1 - alpha² (Song et al. 2021, eq. 29): sigma² there is the variance here."""

    def sigma(self, t: float) -> float:
        return -math.expm1(2 * self._log_alpha(t))

    def sigma_rate(self, t: float) -> float:
        return self.beta(t) * self.alpha(t) ** 2


@dataclass(frozen=True)
class VE:
    """Variance exploding: alpha stays 1, sigma grows geometrically (Song et al. 2021, appendix C).

    As there sigma(0) is 0 by convention, though sigma tends to sigma_min: the last step of a run ends on a clean
    picture. The paper's range, .01 to 50, is for pictures in [0, 1]; these are twice as wide.
    """

    sigma_min: float = 0.02
    sigma_max: float = 100.0

    def alpha(self, t: float) -> float:
        return 1.0

    def sigma(self, t: float) -> float:
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t if t > 0 else 0.0

    def alpha_rate(self, t: float) -> float:
        return 0.0

    def sigma_rate(self, t: float) -> float:
        """At t = 0 the limit from above."""
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t * math.log(self.sigma_max / self.sigma_min)


@dataclass(frozen=True)
class VPCosine:
    """Variance preserving with a cosine for alpha (Nichol and Dhariwal 2021, 3.2); no picture is left at t = 1."""

    offset: float = 0.008

    @property
    def _start(self) -> float:
        return math.cos(math.pi / 2 * self.offset / (1 + self.offset))

    def _angle(self, t: float) -> float:
        return math.pi / 2 * (1 - t) / (1 + self.offset)

    def alpha(self, t: float) -> float:
        # sin of the complement, so that alpha(1) is 0 and not a rounding error
        return math.sin(self._angle(t)) / self._start if t > 0 else 1.0

    def sigma(self, t: float) -> float:
        return _preserving_sigma(self.alpha(t))

    def alpha_rate(self, t: float) -> float:
        return -math.pi / 2 / (1 + self.offset) * math.cos(self._angle(t)) / self._start

    def sigma_rate(self, t: float) -> float:
        return _preserving_rate(self.alpha(t), self.alpha_rate(t))


@dataclass(frozen=True, eq=False)
class Discrete:
    """A checkpoint's T noise levels, `alphas` (T,) float64 with alphas[i] = sqrt(cumulative product of 1 - beta).

    Level i stands at t = (i + 1) / T and the clean picture at t = 0, so that the last move of a run ends on it;
    between levels alpha is linear.
    """

    alphas: np.ndarray

    def _interpolated(self, t: float) -> float:
        place = t * len(self.alphas)
        below = min(int(place), len(self.alphas) - 1)
        low = 1.0 if below == 0 else float(self.alphas[below - 1])
        high = float(self.alphas[below])
        part = place - below
        # whole levels exactly: interpolating would round
        return low if part == 0 else high if part == 1 else low + part * (high - low)

    def alpha(self, t: float) -> float:
        return self._interpolated(t)

    def sigma(self, t: float) -> float:
        return _preserving_sigma(self._interpolated(t))

    def alpha_rate(self, t: float) -> float:
        """At a level, the rate just below it: that of the way that a step down goes."""
        count = len(self.alphas)
        above = min(max(0, math.ceil(t * count - 1e-9) - 1), count - 1)  # a level's own time may round up
        low = 1.0 if above == 0 else float(self.alphas[above - 1])
        return (float(self.alphas[above]) - low) * count

    def sigma_rate(self, t: float) -> float:
        return _preserving_rate(self.alpha(t), self.alpha_rate(t))

    def level(self, t: float) -> float:
        """The (fractional) index that a network trained on these levels expects for time t."""
        return max(0.0, t * len(self.alphas) - 1)

    def time(self, level: int) -> float:
        """The time of level i; `level` turns it back."""
        return (level + 1) / len(self.alphas)


def discrete(config: Mapping[str, Any]) -> Discrete:
    """The noise levels that a diffusers scheduler_config.json describes. Raises ValueError for one we do not know.

    Reads num_train_timesteps, beta_start, beta_end, beta_schedule, trained_betas and rescale_betas_zero_snr.
    """
    count = int(config.get("num_train_timesteps", 1000))
    first, last = float(config.get("beta_start", 1e-4)), float(config.get("beta_end", 0.02))
    kind = config.get("beta_schedule", "linear")
    if config.get("trained_betas") is not None:
        betas = np.asarray(config["trained_betas"], np.float64)
    elif kind == "linear":
        betas = np.linspace(first, last, count)
    elif kind == "scaled_linear":
        betas = np.linspace(first**0.5, last**0.5, count) ** 2
    elif kind == "squaredcos_cap_v2":
        bar = np.cos((np.arange(count + 1) / count + 0.008) / 1.008 * np.pi / 2) ** 2
        betas = np.minimum(1 - bar[1:] / bar[:-1], 0.999)
    else:
        raise ValueError(f"beta schedule {kind!r} is not known")
    alphas = np.sqrt(np.cumprod(1 - betas))
    if config.get("rescale_betas_zero_snr", False):
        # Lin et al. 2024, algorithm 1: shift so that the last level is pure noise, scale so that the first stays
        alphas = (alphas - alphas[-1]) * alphas[0] / (alphas[0] - alphas[-1])
    return Discrete(alphas)


def from_config(config: Mapping[str, Any]) -> Schedule:
    """The schedule that a model's config.json names under "schedule". Raises ValueError for one we do not know."""
    kind = config.get("kind")
    if kind == "flow":
        return Flow()
    if kind in ("vp_linear", "sub_vp"):
        family = VPLinear if kind == "vp_linear" else SubVP
        return family(float(config.get("beta_min", 0.1)), float(config.get("beta_max", 20.0)))
    if kind == "vp_cosine":
        return VPCosine(float(config.get("offset", 0.008)))
    if kind == "ve":
        return _exploding(float(config.get("sigma_min", 0.02)), float(config.get("sigma_max", 100.0)))
    if kind == "discrete":
        return discrete(config)
    raise ValueError(f"schedule {kind!r} is not known")


def _exploding(sigma_min: float, sigma_max: float) -> VE:
    if not 0 < sigma_min < sigma_max:
        raise ValueError(f"sigma_min {sigma_min:g} and sigma_max {sigma_max:g} must grow from above 0")
    return VE(sigma_min, sigma_max)
