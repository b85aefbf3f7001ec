"""Data whose every answer is known: independent Gaussians, with the exact denoiser and the exact end of the PF-ODE."""

from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.schedule import Schedule


@dataclass(frozen=True, eq=False)
class Gaussian:
    """x0 ~ N(mean, variance) in each of D coordinates, float64; as a denoiser it ignores the condition."""

    mean: Tensor
    variance: Tensor
    schedule: Schedule

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        gain = alpha * self.variance / (alpha * alpha * self.variance + sigma * sigma)
        return Prediction(self.mean + gain * (x_t - alpha * self.mean), x_t, alpha, sigma)

    def deviation(self, t: float) -> Tensor:
        """Standard deviation of x_t."""
        return (self.schedule.alpha(t) ** 2 * self.variance + self.schedule.sigma(t) ** 2).sqrt()

    def flowed(self, x_t: Tensor, t: float) -> Tensor:
        """Where the probability-flow ODE takes x_t by time 0: quantiles are kept."""
        standard = (x_t - self.schedule.alpha(t) * self.mean) / self.deviation(t)
        return self.mean + self.variance.sqrt() * standard


def gaussian_8d(schedule: Schedule) -> Gaussian:
    generator = torch.Generator().manual_seed(8)
    mean = torch.randn(8, generator=generator, dtype=torch.float64)
    variance = torch.rand(8, generator=generator, dtype=torch.float64) * 2 + 0.05
    return Gaussian(mean, variance, schedule)
