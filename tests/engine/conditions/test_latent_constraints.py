"""What is known of pixels, held and used through an autoencoder: exact where the autoencoder is linear."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from paintdiff.engine.checkpoints.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.conditions.in_pixels import InPixels
from paintdiff.engine.conditions.moment_matching import MomentMatching
from paintdiff.engine.conditions.observation import Downsample, Luma, Observation
from paintdiff.engine.conditions.range_null import RangeNull, always
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.schedule import VPCosine
from tests.tiny_checkpoints import BlockAutoencoder, tiny_autoencoder

CPU = torch.device("cpu")
SCHEDULE = VPCosine()
OBSERVATIONS = [Luma(), Downsample(8, 16, 16, "bicubic")]  # whose windows reach over the cells


def linear() -> LatentSpace:
    """16 x 16 pixels as 2 x 2 cells of 12 numbers, float64."""
    return LatentSpace(BlockAutoencoder(12, torch.float64), 16, CPU)


def real() -> LatentSpace:
    return LatentSpace(KLAutoencoder(tiny_autoencoder()), 32, CPU)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def residual(observation: Observation, space: LatentSpace, x0: Tensor, y: Tensor) -> float:
    return float((observation.apply(space.to_pixels(x0)) - y).norm())


@pytest.mark.parametrize("observation", OBSERVATIONS, ids=["luma", "small"])
def test_decoding_projecting_and_encoding_comes_to_the_nearest_latent_that_fits(observation) -> None:
    """Done again and again it converges to what some latent can show, and moves nothing that is not observed."""
    space = linear()
    goal, x0 = random(*space.shape, seed=1), random(*space.shape, seed=2)
    y = observation.apply(space.to_pixels(goal))
    constraint = InPixels(RangeNull(always(observation, y)), space)
    errors = [residual(observation, space, x0, y)]
    moved = x0
    for _ in range(400):
        moved = constraint.on_x0(moved, 0.5)
        errors.append(residual(observation, space, moved, y))
    assert errors[1] < 0.9 * errors[0]
    assert errors[-1] < 1e-3 * errors[0]
    jacobian = torch.func.jacrev(lambda z: observation.apply(space.to_pixels(z)).flatten())(x0).flatten(1)
    nearest = x0.flatten() + torch.linalg.pinv(jacobian) @ (y.flatten() - jacobian @ x0.flatten())
    torch.testing.assert_close(moved.flatten(), nearest, rtol=0, atol=5e-2)


def test_what_fits_already_is_left_alone_whatever_the_autoencoder_loses() -> None:
    """A real autoencoder does not give back what it was given; its losses must not add up over the steps."""
    space = real()
    x0 = random(*space.shape).float()
    with torch.no_grad():
        y = Luma().apply(space.to_pixels(x0))
        again = InPixels(RangeNull(always(Luma(), y)), space).on_x0(x0, 0.5)
        through = space.from_pixels(space.to_pixels(x0))
    torch.testing.assert_close(again, x0, rtol=0, atol=1e-4)
    assert (through - x0).abs().max() > 0.1


@dataclass(frozen=True, eq=False)
class Latents:
    """The exact denoiser of independent Gaussian latents of given variances."""

    variance: Tensor

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        alpha, sigma = SCHEDULE.alpha(t), SCHEDULE.sigma(t)
        return Prediction(alpha * self.variance / (alpha**2 * self.variance + sigma**2) * x_t, x_t, alpha, sigma)


@pytest.mark.parametrize("observation", OBSERVATIONS, ids=["luma", "small"])
@pytest.mark.parametrize("t", [0.3, 0.8])
def test_fitting_through_a_linear_decoder_gives_the_exact_conditional_mean(observation, t) -> None:
    space = linear()
    variance = torch.exp(random(*space.shape, seed=3))
    y = observation.apply(space.to_pixels(random(*space.shape, seed=1)))
    x_t = random(*space.shape, seed=2)
    fitted = MomentMatching(Latents(variance), observation, y, rounds=60, space=space)(x_t, t, Condition()).x0

    alpha, sigma = SCHEDULE.alpha(t), SCHEDULE.sigma(t)
    posterior = (variance * sigma**2 / (alpha**2 * variance + sigma**2)).flatten()  # of x0 given x_t
    mean = Latents(variance)(x_t, t, Condition()).x0
    jacobian = torch.func.jacrev(lambda z: observation.apply(space.to_pixels(z)).flatten())(x_t).flatten(1)
    gain = posterior[:, None] * jacobian.T @ torch.linalg.pinv(jacobian * posterior @ jacobian.T, rtol=1e-10)
    expected = mean.flatten() + gain @ (y.flatten() - jacobian @ mean.flatten())
    torch.testing.assert_close(fitted.flatten(), expected, rtol=0, atol=1e-3)
    assert (fitted - mean).abs().max() > 0.1


@pytest.mark.parametrize("distance", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_fitting_through_a_curved_decoder_never_makes_it_worse_and_nearby_better(distance, rounds) -> None:
    """Random weights make a decoder far more curved than a trained one."""
    space, data = real(), Latents(torch.ones(1))
    x_t = random(*space.shape, seed=2).float()
    with torch.no_grad():
        x0 = data(x_t, 0.5, Condition()).x0
        y = Luma().apply(space.to_pixels(x0 + distance * random(*space.shape, seed=4).float()))
    fitted = MomentMatching(data, Luma(), y, rounds, space)(x_t, 0.5, Condition()).x0
    with torch.no_grad():
        before, after = residual(Luma(), space, x0, y), residual(Luma(), space, fitted, y)
    assert after <= before * (1 + 1e-5)
    if distance < 0.1:
        assert after < 0.95 * before
