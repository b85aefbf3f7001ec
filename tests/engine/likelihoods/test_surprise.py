"""The surprise map against the information of Gaussians and mixtures in closed form."""

import math

import pytest
import torch
from torch import Tensor

from paintdiff.engine.likelihoods.surprise import surprise, time_of
from paintdiff.engine.noise import Noise
from paintdiff.engine.schedule import VE, Flow, VPCosine, VPLinear, log_snr
from tests.engine.mixture import Mixture, mixture_8d


def independent(deviations: Tensor, schedule) -> Mixture:
    d = len(deviations)
    return Mixture(
        torch.ones(1, dtype=torch.float64), torch.linspace(-1, 1, d, dtype=torch.float64)[None],
        torch.diag(deviations.square())[None], schedule,
    )  # fmt: skip


def noise(*shape: int) -> Noise:
    return Noise(5, shape, dtype=torch.float64)


@pytest.mark.parametrize("schedule", [VPLinear(), Flow(), VE(sigma_max=300.0)])
def test_the_mean_map_of_independent_pixels_is_each_ones_own_information(schedule) -> None:
    """Known with noise of deviation s, a number from N(m, v) holds log(1 + v / s²) / 2 nats (Shannon)."""
    deviations, finest = torch.tensor([0.04, 0.1, 0.5, 1.0], dtype=torch.float64), 0.02
    gaussian = independent(deviations, schedule)
    x = gaussian.sample(4000, 0)
    found = surprise(x, gaussian, schedule, noise(4000, 4), levels=48, finest=finest)
    torch.testing.assert_close(found.mean(0), 0.5 * (1 + (deviations / finest).square()).log(), atol=0.06, rtol=0)
    assert (found >= 0).all()


def test_a_pixels_map_is_its_own_log_likelihood() -> None:
    """One picture, many draws: -log p of each number, less the entropy of the finest noise."""
    deviations, finest = torch.tensor([0.1, 0.3, 1.0], dtype=torch.float64), 0.002
    gaussian = independent(deviations, VPLinear())
    x = gaussian.means + deviations * torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    found = surprise(x.expand(6000, 3), gaussian, VPLinear(), noise(6000, 3), levels=48, finest=finest).mean(0)
    z = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    minus_log_p = 0.5 * z.square() + (deviations * math.sqrt(2 * math.pi)).log()
    entropy = math.log(finest * math.sqrt(2 * math.pi * math.e))
    torch.testing.assert_close(found, minus_log_p - entropy, atol=0.05, rtol=0)


def test_a_mixtures_map_adds_up_to_its_likelihood() -> None:
    mixture, finest = mixture_8d(Flow()), 0.01
    x = mixture.sample(6, 7)
    found = surprise(x.repeat(3000, 1), mixture, Flow(), noise(18000, 8), levels=40, finest=finest).view(3000, 6, 8)
    # the expected log density of x under noise of deviation `finest`, with that noise drawn many times
    t = time_of(Flow(), -2 * math.log(finest))
    noisy = x.repeat(2000, 1) + finest * noise(12000, 8)(99)
    log_p = mixture.log_p(Flow().alpha(t) * noisy, t).view(2000, 6).mean(0) + 8 * math.log(Flow().alpha(t))
    entropy = 8 * math.log(finest * math.sqrt(2 * math.pi * math.e))
    torch.testing.assert_close(found.sum(2).mean(0), -log_p - entropy, atol=0.25, rtol=0)


@pytest.mark.parametrize("schedule", [VPLinear(), VPCosine(), Flow(), VE()])
@pytest.mark.parametrize("value", [-4.0, 0.0, 6.5])
def test_the_time_of_a_log_snr_is_found(schedule, value: float) -> None:
    assert log_snr(schedule, time_of(schedule, value)) == pytest.approx(value, abs=1e-9)
