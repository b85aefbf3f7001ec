"""How much picture and how much noise there is at each time: alpha, sigma and their log-SNR."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Schedule(Protocol):
    """x_t = alpha(t) x0 + sigma(t) eps, for t from 0 (picture: alpha 1, sigma 0) to 1 (noise).

    Times and coefficients are Python floats, that is float64. alpha may reach 0 at t = 1.
    """

    def alpha(self, t: float) -> float: ...

    def sigma(self, t: float) -> float: ...


def log_snr(schedule: Schedule, t: float) -> float:
    """log(alpha² / sigma²): +inf where there is no noise, -inf where there is no picture (Kingma et al. 2021, 3.1)."""
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    if sigma == 0:
        return math.inf
    return 2 * math.log(alpha / sigma) if alpha > 0 else -math.inf


@dataclass(frozen=True)
class Flow:
    """Straight lines from picture to noise: alpha = 1 - t, sigma = t (Liu et al. 2022; Lipman et al. 2022)."""

    def alpha(self, t: float) -> float:
        return 1.0 - t

    def sigma(self, t: float) -> float:
        return t


@dataclass(frozen=True)
class VPLinear:
    """Variance preserving with beta(t) growing linearly (Song et al. 2021, appendix B and C)."""

    beta_min: float = 0.1
    beta_max: float = 20.0

    def _log_alpha(self, t: float) -> float:
        return -0.25 * t * t * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min

    def alpha(self, t: float) -> float:
        return math.exp(self._log_alpha(t))

    def sigma(self, t: float) -> float:
        return math.sqrt(-math.expm1(2 * self._log_alpha(t)))


@dataclass(frozen=True)
class VPCosine:
    """Variance preserving with a cosine for alpha (Nichol and Dhariwal 2021, 3.2); no picture is left at t = 1."""

    offset: float = 0.008

    def alpha(self, t: float) -> float:
        # sin of the complement, so that alpha(1) is 0 and not a rounding error
        start = math.cos(math.pi / 2 * self.offset / (1 + self.offset))
        return math.sin(math.pi / 2 * (1 - t) / (1 + self.offset)) / start if t > 0 else 1.0

    def sigma(self, t: float) -> float:
        alpha = self.alpha(t)
        return math.sqrt((1 - alpha) * (1 + alpha))


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
        alpha = self._interpolated(t)
        return math.sqrt((1 - alpha) * (1 + alpha))

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
    if kind == "vp_linear":
        return VPLinear(float(config.get("beta_min", 0.1)), float(config.get("beta_max", 20.0)))
    if kind == "vp_cosine":
        return VPCosine(float(config.get("offset", 0.008)))
    if kind == "discrete":
        return discrete(config)
    raise ValueError(f"schedule {kind!r} is not known")
