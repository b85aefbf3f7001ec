"""Moment matching is exact for Gaussians: the conditional mean at every time, and samples of the posterior."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from paintdiff.engine.conditions.moment_matching import MomentMatching
from paintdiff.engine.conditions.observation import Both, Downsample, Luma, Observation
from paintdiff.engine.conditions.range_null import RangeNull, always
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.ancestral import DDPM
from paintdiff.engine.schedule import VPCosine
from paintdiff.engine.state import State
from paintdiff.engine.tasks.colour_basis import Chroma
from paintdiff.generation.cancel import CancelToken

SHAPE = (3, 2, 2)
D = 12
SCHEDULE = VPCosine()


@dataclass(frozen=True, eq=False)
class Correlated:
    """x0 ~ N(mean, covariance), D coordinates as a picture of `SHAPE`; the exact denoiser."""

    mean: Tensor
    covariance: Tensor

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        alpha, sigma = SCHEDULE.alpha(t), SCHEDULE.sigma(t)
        noisy = alpha**2 * self.covariance + sigma**2 * torch.eye(D, dtype=torch.float64)
        gain = alpha * self.covariance @ torch.linalg.inv(noisy)
        x0 = self.mean + (x_t.reshape(-1, D) - alpha * self.mean) @ gain.T
        return Prediction(x0.reshape(x_t.shape), x_t, alpha, sigma)


def gaussian() -> Correlated:
    generator = torch.Generator().manual_seed(3)
    root = torch.randn(D, D, generator=generator, dtype=torch.float64)
    covariance = root @ root.T / D + 0.1 * torch.eye(D, dtype=torch.float64)
    return Correlated(torch.randn(D, generator=generator, dtype=torch.float64), covariance)


def matrix(observation: Observation) -> Tensor:
    def row(unit: Tensor) -> Tensor:
        y = observation.apply(unit.reshape(1, *SHAPE))
        return torch.cat([part.flatten() for part in (y if isinstance(y, tuple) else (y,))])

    rows = torch.stack([row(unit) for unit in torch.eye(D, dtype=torch.float64)], dim=1)
    return rows[rows.abs().sum(dim=1) > 1e-12]  # an observation may hold zeros where it sees nothing


OBSERVATIONS = {
    "luma": Luma(),
    "luma and one pixel's chroma": Both(Luma(), Chroma(torch.tensor([[[[1.0, 0], [0, 0]]]]))),
    "block average": Downsample(2, 2, 2),
}


@pytest.mark.parametrize("observation", OBSERVATIONS.values(), ids=OBSERVATIONS)
@pytest.mark.parametrize("t", [0.05, 0.5, 0.95, 0.9999])
def test_x0_is_the_conditional_mean(observation, t) -> None:
    model, generator = gaussian(), torch.Generator().manual_seed(1)
    picture = torch.randn(1, *SHAPE, generator=generator, dtype=torch.float64)
    x_t = torch.randn(1, *SHAPE, generator=generator, dtype=torch.float64)
    alpha, sigma = SCHEDULE.alpha(t), SCHEDULE.sigma(t)
    c = torch.linalg.inv(torch.linalg.inv(model.covariance) + alpha**2 / sigma**2 * torch.eye(D, dtype=torch.float64))
    a = matrix(observation)
    mean = model(x_t, t, Condition()).x0.flatten()
    expected = mean + c @ a.T @ torch.linalg.solve(a @ c @ a.T, a @ (picture.flatten() - mean))
    matched = MomentMatching(model, observation, observation.apply(picture), rounds=len(a))
    assert torch.allclose(matched(x_t, t, Condition()).x0.flatten(), expected, atol=1e-8)


def test_one_round_already_comes_closer_and_none_is_the_network_alone() -> None:
    model, generator = gaussian(), torch.Generator().manual_seed(1)
    picture, x_t = torch.randn(2, 1, *SHAPE, generator=generator, dtype=torch.float64)
    y = Luma().apply(picture)
    left = [
        float((Luma().apply(MomentMatching(model, Luma(), y, rounds)(x_t, 0.5, Condition()).x0) - y).norm())
        for rounds in range(5)
    ]
    assert left[1] < left[0] / 2
    assert left == sorted(left, reverse=True)
    assert left[4] < 1e-9
    alone = MomentMatching(model, Luma(), y, 0)(x_t, 0.5, Condition()).x0
    assert torch.equal(alone, model(x_t, 0.5, Condition()).x0)


def test_where_the_gradient_is_hidden_the_network_stands() -> None:
    model = gaussian()

    def hidden(x_t: Tensor, t: float, condition: Condition) -> Prediction:
        return model(x_t.detach(), t, condition)

    x_t = torch.ones(1, *SHAPE, dtype=torch.float64)
    out = MomentMatching(hidden, Luma(), torch.zeros(1, 1, 2, 2, dtype=torch.float64), 2)(x_t, 0.5, Condition())
    assert torch.equal(out.x0, model(x_t, 0.5, Condition()).x0)


def test_sampling_with_it_gives_the_posterior() -> None:
    """Its mean and covariance, from 4,000 ancestral samples of 64 steps."""
    model, count, luma = gaussian(), 4000, Luma()
    picture = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    draw = Noise(0, (count, *SHAPE), dtype=torch.float64)
    matched = MomentMatching(model, luma, luma.apply(picture), rounds=4)
    start, *times = descending(0.999, 64)
    known = RangeNull(always(luma, luma.apply(picture)))
    first = State(draw(0), start)
    *_, state = run(first, times, DDPM(SCHEDULE, draw), matched, Condition(), known, CancelToken())
    a = matrix(luma)
    gain = model.covariance @ a.T @ torch.linalg.inv(a @ model.covariance @ a.T)
    mean = model.mean + gain @ a @ (picture.flatten() - model.mean)
    covariance = model.covariance - gain @ a @ model.covariance
    samples = state.x_t.reshape(count, D)
    assert (luma.apply(state.x_t) - luma.apply(picture)).abs().max() < 1e-9
    assert (samples.mean(dim=0) - mean).abs().max() < 0.06
    assert (torch.cov(samples.T) - covariance).abs().max() < 0.12
