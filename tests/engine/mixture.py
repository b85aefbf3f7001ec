"""A Gaussian mixture, whose every answer is known: denoiser, density, samples, posteriors, classes; all float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.schedule import Schedule, VPLinear


@dataclass(frozen=True, eq=False)
class Mixture:
    """sum_k weights[k] N(means[k], covariances[k]): (K,), (K, D), (K, D, D) float64.

    As a denoiser it takes x_t of (N, D) or of any (N, ...) with D numbers each, and answers in the same shape; it is
    differentiable and exact for every alpha and sigma. Component k is of class `labels[k]`, or of class k. A
    `Condition` with a `label` (N,) int64 restricts each row to its class, label -1 to none.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    schedule: Schedule
    labels: tuple[int, ...] = ()

    @cached_property
    def classes(self) -> Tensor:
        return torch.tensor(self.labels or range(len(self.weights)))

    @cached_property
    def _axes(self) -> tuple[Tensor, Tensor]:
        """Variances (K, D) along the columns of rotations (K, D, D)."""
        variances, rotations = torch.linalg.eigh(self.covariances)
        return variances.clamp(min=0), rotations

    def __call__(self, x_t: Tensor, t: float, condition: Condition | None = None) -> Prediction:
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        log_weights = self._log_joint(x_t, t)
        label = None if condition is None else condition.label
        if label is not None:
            other = (label[:, None] != self.classes) & (label[:, None] >= 0)
            log_weights = log_weights.masked_fill(other, -math.inf)
        variances, rotations = self._axes
        gain = alpha * variances / (alpha * alpha * variances + sigma * sigma)
        turned = self._turned(x_t, alpha)
        x0 = self.means + torch.einsum("kde,nke->nkd", rotations, gain * turned)
        mixed = torch.einsum("nk,nkd->nd", log_weights.softmax(dim=1), x0)
        return Prediction(mixed.reshape(x_t.shape), x_t, alpha, sigma)

    def log_p(self, x_t: Tensor, t: float) -> Tensor:
        """(N,): log density of x_t at time t, nats."""
        return self._log_joint(x_t, t).logsumexp(dim=1)

    def score(self, x_t: Tensor, t: float) -> Tensor:
        """Gradient of `log_p` in x_t, shaped like it."""
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            return torch.autograd.grad(self.log_p(x_t, t).sum(), x_t)[0]

    def class_log_p(self, x_t: Tensor, t: float) -> Tensor:
        """(N, C): log of each class's probability given x_t, for the classes in ascending order; differentiable."""
        joint = self._log_joint(x_t, t)
        of_class = [joint[:, self.classes == c].logsumexp(dim=1) for c in self.classes.unique().tolist()]
        return torch.stack(of_class, dim=1).log_softmax(dim=1)

    def sample(self, n: int, seed: int, t: float = 0.0) -> Tensor:
        """(n, D): draws of x_t."""
        generator = torch.Generator().manual_seed(seed)
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        variances, rotations = self._axes
        standard = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        x0 = self.means[k] + torch.einsum("nde,ne->nd", rotations[k], variances[k].sqrt() * standard)
        if t == 0:
            return x0
        return self.schedule.alpha(t) * x0 + self.schedule.sigma(t) * torch.randn(
            x0.shape, generator=generator, dtype=torch.float64
        )

    def of_class(self, label: int) -> Mixture:
        """The mixture of that class alone."""
        mine = self.classes == label
        weights = self.weights[mine] / self.weights[mine].sum()
        labels = tuple(self.classes[mine].tolist())
        return Mixture(weights, self.means[mine], self.covariances[mine], self.schedule, labels)

    def given(self, a: Tensor, y: Tensor) -> Mixture:
        """x0 given that a @ x0 = y exactly: a (M, D) of full rank, y (M,). Its covariances are singular along `a`."""
        mean_y = self.means @ a.T
        cov_y = a @ self.covariances @ a.T
        cross = self.covariances @ a.T
        gain = torch.linalg.solve(cov_y, cross.transpose(1, 2)).transpose(1, 2)
        means = self.means + torch.einsum("kdm,km->kd", gain, y - mean_y)
        covariances = self.covariances - gain @ cross.transpose(1, 2)
        fit = torch.distributions.MultivariateNormal(mean_y, cov_y).log_prob(y)
        return Mixture((self.weights.log() + fit).softmax(dim=0), means, covariances, self.schedule, self.labels)

    def marginal(self, dims: Sequence[int]) -> Mixture:
        """The mixture of those coordinates alone."""
        index = torch.tensor(list(dims))
        covariances = self.covariances[:, index][:, :, index]
        return Mixture(self.weights, self.means[:, index], covariances, self.schedule, self.labels)

    def observed(self, dims: Sequence[int], values: Tensor) -> Mixture:
        """The other coordinates, in their order, given that coordinates `dims` are `values`."""
        size = self.means.shape[1]
        a = torch.eye(size, dtype=torch.float64)[list(dims)]
        return self.given(a, values).marginal([d for d in range(size) if d not in dims])

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """(D,) and (D, D) of x0."""
        mean = self.weights @ self.means
        away = self.means - mean
        spread = self.covariances + away[:, :, None] * away[:, None, :]
        return mean, torch.einsum("k,kde->de", self.weights, spread)

    def _turned(self, x_t: Tensor, alpha: float) -> Tensor:
        """(N, K, D): x_t less each component's mean, along its axes."""
        away = x_t.flatten(1)[:, None] - alpha * self.means
        return torch.einsum("kde,nkd->nke", self._axes[1], away)

    def _log_joint(self, x_t: Tensor, t: float) -> Tensor:
        """(N, K): log of weight times density of each component."""
        alpha, sigma = self.schedule.alpha(t), self.schedule.sigma(t)
        variances = alpha * alpha * self._axes[0] + sigma * sigma
        density = -0.5 * (self._turned(x_t, alpha).square() / variances + (2 * math.pi * variances).log()).sum(dim=2)
        return self.weights.log() + density


def mixture_8d(schedule: Schedule | None = None, seed: int = 8) -> Mixture:
    """Three correlated components in 8 dimensions, of two classes (0, 0, 1), about as large as pictures in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    factors = 0.35 * torch.randn(3, 8, 8, generator=generator, dtype=torch.float64) / math.sqrt(8)
    covariances = factors @ factors.transpose(1, 2) + 0.02 * torch.eye(8, dtype=torch.float64)
    means = 0.7 * torch.randn(3, 8, generator=generator, dtype=torch.float64)
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    return Mixture(weights, means, covariances, schedule or VPLinear(), (0, 0, 1))
