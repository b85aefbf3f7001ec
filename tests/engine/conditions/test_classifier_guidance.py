"""Classifier guidance with the exact classifier turns the denoiser of everything into that of the class."""

import pytest
import torch

from paintdiff.engine.conditions.classifier_guidance import ClassifierGuidance, gradient
from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import VE, Flow, VPCosine, VPLinear
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from tests.engine.mixture import Mixture, mixture_8d

ROWS = 60


def guided(data: Mixture, label: int, scale: float = 1.0) -> ClassifierGuidance:
    return ClassifierGuidance(data, lambda x_t, t: data.class_log_p(x_t, t)[:, label], scale)


def sampled(denoiser, name: str, schedule, eta: float = 0.0) -> torch.Tensor:
    def draw(step: int, part: int = 0) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1000 * step + part)
        return torch.randn(ROWS, 8, generator=generator, dtype=torch.float64)

    start, *times = descending(0.999, 12)
    state = State(schedule.sigma(start) * draw(0), start)
    sampler = make_sampler(name, schedule, draw, eta)
    *_, last = run(state, times, sampler, denoiser, Condition(), Free(), CancelToken())
    return last.x_t


@pytest.mark.parametrize("schedule", [VPLinear(), VPCosine(), Flow(), VE()])
@pytest.mark.parametrize("t", [1e-3, 0.1, 0.5, 0.95])
def test_at_scale_1_the_exact_classifier_gives_the_conditional_prediction(schedule, t) -> None:
    data = mixture_8d(schedule)
    x_t = data.sample(ROWS, seed=2, t=t)
    for label in (0, 1):
        torch.testing.assert_close(
            guided(data, label)(x_t, t, Condition()).x0, data.of_class(label)(x_t, t).x0, rtol=1e-7, atol=1e-7
        )


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "heun", "ddpm", "euler_maruyama"])
def test_every_sampler_then_draws_the_class(sampler) -> None:
    data = mixture_8d(VPLinear())
    torch.testing.assert_close(
        sampled(guided(data, 1), sampler, data.schedule), sampled(data.of_class(1), sampler, data.schedule),
        rtol=1e-6, atol=1e-6,
    )  # fmt: skip
    unguided = sampled(data, sampler, data.schedule)
    assert (unguided - sampled(data.of_class(1), sampler, data.schedule)).abs().max() > 0.1, "the test can tell"


def test_eps_moves_by_scale_times_sigma_times_the_gradient() -> None:
    data, t = mixture_8d(), 0.4
    x_t = data.sample(ROWS, seed=3, t=t)
    climb = gradient(lambda x: data.class_log_p(x, t)[:, 0], x_t)
    moved = guided(data, 0, 2.5)(x_t, t, Condition()).eps - data(x_t, t).eps
    torch.testing.assert_close(moved, -2.5 * data.schedule.sigma(t) * climb)


def test_an_ancestral_step_s_mean_moves_by_the_forward_variance_times_the_gradient() -> None:
    data, t, s = mixture_8d(), 0.4, 0.39
    x_t = data.sample(ROWS, seed=3, t=t)
    quiet = make_sampler("ddpm", data.schedule, lambda step, part=0: torch.zeros_like(x_t))

    def mean(denoiser) -> torch.Tensor:
        return quiet.step(State(x_t, t), s, lambda x, time: denoiser(x, time, Condition())).x_t

    climb = gradient(lambda x: data.class_log_p(x, t)[:, 0], x_t)
    alpha_ts = data.schedule.alpha(t) / data.schedule.alpha(s)
    variance = data.schedule.sigma(t) ** 2 - (alpha_ts * data.schedule.sigma(s)) ** 2
    torch.testing.assert_close(mean(guided(data, 0, 2.0)) - mean(data), 2.0 * variance / alpha_ts * climb)


@pytest.mark.parametrize(("t", "scale"), [(1.0, 1.0), (0.0, 1.0), (0.5, 0.0)])
def test_where_it_cannot_matter_the_classifier_is_not_asked(t, scale) -> None:
    data = mixture_8d(Flow())

    def classifier(x_t, t):
        raise AssertionError("asked")

    x_t = data.sample(ROWS, seed=1, t=max(t, 0.1))
    prediction = ClassifierGuidance(data, classifier, scale)(x_t, t, Condition())
    assert torch.equal(prediction.x0, data(x_t, t).x0)


def test_gradients_are_taken_where_the_engine_has_switched_them_off() -> None:
    with torch.no_grad():
        slope = gradient(lambda x: x.square().sum(1), torch.ones(2, 3))
    assert torch.equal(slope, torch.full((2, 3), 2.0))
    assert not slope.requires_grad


def test_a_pull_that_is_no_number_is_reported_in_words() -> None:
    with pytest.raises(UserError, match="no number"):
        gradient(lambda x: x.sqrt().sum(1), torch.zeros(2, 3))
