"""The mixture that other tests rely on, against independent ways to the same numbers."""

import pytest
import torch

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.schedule import Flow, VPLinear
from tests.engine.mixture import Mixture, mixture_8d


@pytest.mark.parametrize("schedule", [VPLinear(), Flow()])
@pytest.mark.parametrize("t", [0.05, 0.5, 0.99])
def test_its_score_is_the_gradient_of_its_density(schedule, t) -> None:
    mixture = mixture_8d(schedule)
    x_t = mixture.sample(50, 0, t)
    torch.testing.assert_close(mixture(x_t, t).score, mixture.score(x_t, t), rtol=1e-8, atol=1e-8)


def test_its_denoiser_is_exact_without_noise_and_without_picture() -> None:
    mixture = mixture_8d(Flow())
    x0 = mixture.sample(20, 0)
    torch.testing.assert_close(mixture(x0, 0.0).x0, x0)
    torch.testing.assert_close(mixture(x0, 1.0).x0, mixture.mean_and_covariance()[0].expand(20, 8))


def test_its_samples_have_its_mean_and_covariance() -> None:
    mixture = mixture_8d()
    mean, covariance = mixture.mean_and_covariance()
    samples = mixture.sample(100_000, 0)
    torch.testing.assert_close(samples.mean(0), mean, atol=0.01, rtol=0)
    torch.testing.assert_close(samples.T.cov(), covariance, atol=0.015, rtol=0)


def test_its_posterior_is_the_ratio_of_its_densities() -> None:
    mixture = mixture_8d()
    x0 = mixture.sample(20, 1)
    dims, rest = [1, 3, 4, 6], [0, 2, 5, 7]
    whole, seen = mixture.log_p(x0, 0), mixture.marginal(dims).log_p(x0[:, dims], 0)
    for row in range(20):
        posterior = mixture.observed(dims, x0[row, dims])
        torch.testing.assert_close(posterior.log_p(x0[row : row + 1, rest], 0)[0], whole[row] - seen[row])


def test_samples_given_an_observation_reproduce_it() -> None:
    mixture = mixture_8d()
    a = torch.full((1, 8), 1 / 8, dtype=torch.float64)
    samples = mixture.given(a, torch.tensor([0.1], dtype=torch.float64)).sample(100, 0)
    torch.testing.assert_close(samples.mean(1), torch.full((100,), 0.1, dtype=torch.float64))


def test_classes_add_up_and_conditional_scores_follow_bayes() -> None:
    mixture, t = mixture_8d(), 0.4
    x_t = mixture.sample(30, 2, t).requires_grad_()
    torch.testing.assert_close(mixture.class_log_p(x_t, t).exp().sum(1), torch.ones(30, dtype=torch.float64))
    of_class = mixture.of_class(1)(x_t, t)
    labelled = mixture(x_t, t, Condition(label=torch.ones(30, dtype=torch.int64)))
    torch.testing.assert_close(labelled.x0, of_class.x0)
    slope = torch.autograd.grad(mixture.class_log_p(x_t, t)[:, 1].sum(), x_t)[0]
    torch.testing.assert_close(of_class.score, mixture(x_t, t).score + slope)
    assert isinstance(mixture.of_class(0), Mixture)
