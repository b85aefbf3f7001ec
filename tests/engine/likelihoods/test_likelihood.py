"""Likelihoods by the probability-flow ODE against densities in closed form; all float64."""

import math

import pytest
import torch
from torch import Tensor

from paintdiff.engine.denoiser import Prediction
from paintdiff.engine.likelihoods.likelihood import (
    LEVEL,
    Density,
    bits_per_dim,
    dequantized,
    given_rest,
    log_likelihood,
    normal,
    rademacher,
)
from paintdiff.engine.noise import Noise
from paintdiff.engine.ode import EARLIEST
from paintdiff.engine.schedule import VE, Flow, VPLinear
from tests.engine.gaussian import gaussian_8d
from tests.engine.mixture import Mixture, mixture_8d


@pytest.mark.parametrize(("tolerance", "nats"), [(1e-5, 5e-4), (1e-6, 5e-5)])
def test_on_a_mixture_it_is_the_exact_density(tolerance: float, nats: float) -> None:
    """200 draws of an 8-D mixture at time 1e-3, VP with beta .1 to 20, exact divergence, the exact p_T as prior."""
    mixture = mixture_8d(VPLinear())
    x = mixture.sample(200, 3, EARLIEST)
    found = log_likelihood(x, mixture, mixture.schedule, tolerance, prior=lambda x_1: mixture.log_p(x_1, 1.0))
    assert float((found.log_p - mixture.log_p(x, EARLIEST)).abs().mean()) <= nats
    assert (found.standard_error == 0).all()


@pytest.mark.parametrize("schedule", [VPLinear(), Flow(), VE(sigma_max=300.0)])
def test_the_standard_prior_serves_every_schedule(schedule) -> None:
    mixture = mixture_8d(schedule)
    x = mixture.sample(50, 3, EARLIEST)
    found = log_likelihood(x, mixture, schedule, 1e-6)
    assert float((found.log_p - mixture.log_p(x, EARLIEST)).abs().max()) < 0.02  # what is left of the picture at t = 1


def hutchinson(mixture: Mixture, x: Tensor, count: int, seed: int) -> Density:
    probes = rademacher(Noise(seed, tuple(x.shape), dtype=torch.float64), count)
    return log_likelihood(x, mixture, mixture.schedule, 1e-5, probes, prior=lambda x_1: mixture.log_p(x_1, 1.0))


def test_hutchinsons_estimate_is_unbiased_and_its_error_shrinks_as_the_root_of_the_probes() -> None:
    mixture = mixture_8d(VPLinear())
    x = mixture.sample(1, 4, EARLIEST).expand(48, 8)  # one picture, 48 independent estimates of m probes each
    exact = float(mixture.log_p(x[:1], EARLIEST))
    spread = {}
    for m in (1, 4, 16):
        found = hutchinson(mixture, x, m, seed=m)
        spread[m] = float(found.log_p.std())
        assert abs(float(found.log_p.mean()) - exact) < 3 * spread[m] / math.sqrt(48)
        if m > 1:
            assert float(found.standard_error.square().mean().sqrt()) == pytest.approx(spread[m], rel=0.35)
        else:
            assert found.standard_error.isnan().all()
    assert spread[1] / spread[4] == pytest.approx(2, rel=0.3)
    assert spread[4] / spread[16] == pytest.approx(2, rel=0.3)


def test_the_code_is_where_the_ode_leads() -> None:
    gaussian = gaussian_8d(VPLinear())
    standard = torch.linspace(-2, 2, 8, dtype=torch.float64)
    x = VPLinear().alpha(EARLIEST) * gaussian.mean + gaussian.deviation(EARLIEST) * standard
    found = log_likelihood(x[None], lambda x_t, t: gaussian(x_t, t, None), VPLinear(), 1e-7)
    back = (found.code - VPLinear().alpha(1.0) * gaussian.mean) / gaussian.deviation(1.0)
    torch.testing.assert_close(back[0], standard, atol=1e-5, rtol=0)


def test_the_bits_of_8_bit_data_are_those_of_its_probabilities() -> None:
    """Pixels from N(0, 0.3²), rounded to 256 levels: -log2 of the level's probability, by the normal's own integral."""
    x = 0.3 * torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rounded = ((x + 1) / LEVEL).round() * LEVEL - 1
    high, low = torch.special.ndtr((rounded + LEVEL / 2) / 0.3), torch.special.ndtr((rounded - LEVEL / 2) / 0.3)
    spread = dequantized(rounded, Noise(0, (20_000, 1), dtype=torch.float64))
    assert float((spread - rounded).abs().max()) <= LEVEL / 2
    assert float((spread - rounded).std()) == pytest.approx(LEVEL / math.sqrt(12), rel=0.02)
    found = bits_per_dim(float(normal(spread, 0.3).sum()), 20_000)
    assert found == pytest.approx(float(-(high - low).log2().mean()), abs=2e-3)
    assert bits_per_dim(math.log(0.5) * 10, 10) == pytest.approx(math.log2(255)), "uniform over [-1, 1], a half each"


def test_a_part_given_the_rest_has_its_conditional_density() -> None:
    """A denoiser that is told half of the dimensions: the rest's density is exactly the mixture's conditional one."""
    mixture, dims, rest = mixture_8d(Flow()), [0, 3, 5, 6], [1, 2, 4, 7]
    free = torch.zeros(1, 8, dtype=torch.bool)
    free[:, rest] = True
    for x in mixture.sample(3, 6, EARLIEST):
        posterior = mixture.observed(dims, x[dims])

        def told(x_t: Tensor, t: float, posterior: Mixture = posterior) -> Prediction:
            x0 = torch.zeros_like(x_t).index_copy(1, torch.tensor(rest), posterior(x_t[:, rest], t).x0)
            return Prediction(x0, x_t, 1 - t, t)

        part = given_rest(told, Flow(), x[None], torch.ones(1, 8, dtype=torch.float64), free)
        found = log_likelihood(x[None, rest], part, Flow(), 1e-6)
        assert float(found.log_p[0]) == pytest.approx(float(posterior.log_p(x[None, rest], EARLIEST)[0]), abs=1e-3)


def test_it_works_where_gradients_are_switched_off() -> None:
    mixture = mixture_8d(VPLinear())
    x = mixture.sample(3, 5, EARLIEST)
    with torch.no_grad():
        quiet = log_likelihood(x, mixture, mixture.schedule, 1e-3)
    assert torch.equal(quiet.log_p, log_likelihood(x, mixture, mixture.schedule, 1e-3).log_p)
    assert not quiet.log_p.requires_grad
