"""Classifier-free guidance on a mixture of two classes, whose every score is known."""

from dataclasses import replace

import pytest
import torch

from paintdiff.engine.conditions.guidance import ClassifierFree, rescaled, spread
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.schedule import Flow, VPCosine, VPLinear
from tests.engine.mixture import mixture_8d

ROWS = 40


def of_class(label: int) -> Condition:
    return Condition(label=torch.full((ROWS,), label))


def test_the_score_is_w_times_the_class_s_plus_1_less_w_times_that_of_everything() -> None:
    for schedule in (VPLinear(), VPCosine(), Flow()):
        data = mixture_8d(schedule)
        for t in (0.05, 0.4, 0.9):
            x_t = data.sample(ROWS, seed=1, t=t)
            for w in (0.0, 1.0, 3.0):
                guided = ClassifierFree(data, w, Condition())(x_t, t, of_class(1))
                expected = w * data.of_class(1).score(x_t, t) + (1 - w) * data.score(x_t, t)
                torch.testing.assert_close(guided.score, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("t", "rows"), [(0.1, ROWS), (0.2, 2 * ROWS), (0.5, 2 * ROWS), (0.7, 2 * ROWS), (0.71, ROWS)])
def test_outside_its_interval_guidance_is_1_and_asks_once(t, rows) -> None:
    data, seen = mixture_8d(), []

    def counted(x_t, t, condition) -> Prediction:
        seen.append(len(x_t))
        return data(x_t, t, condition)

    x_t = data.sample(ROWS, seed=1, t=t)
    within = ClassifierFree(counted, 3.0, Condition(), interval=(0.2, 0.7))(x_t, t, of_class(0))
    expected = ClassifierFree(data, 3.0 if rows > ROWS else 1.0, Condition())(x_t, t, of_class(0))
    assert torch.equal(within.x0, expected.x0)
    assert seen == [rows]


def test_outside_the_interval_a_prompt_that_guidance_0_ignores_is_followed() -> None:
    data = mixture_8d()
    x_t = data.sample(ROWS, seed=1, t=0.5)
    outside = ClassifierFree(data, 0.0, Condition(), interval=(0.6, 1.0))(x_t, 0.5, of_class(1))
    assert torch.equal(outside.x0, data(x_t, 0.5, of_class(1)).x0)


def pictures(seed: int, size: float) -> torch.Tensor:
    return size * torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.2


def test_rescaling_draws_each_picture_s_deviation_back_to_the_conditional_one() -> None:
    guided, conditional = pictures(1, 2.0), pictures(2, 0.5)
    whole = rescaled(guided, conditional, 1.0, None)
    torch.testing.assert_close(whole.std((1, 2, 3), correction=0), conditional.std((1, 2, 3), correction=0))
    half = rescaled(guided, conditional, 0.5, None)
    torch.testing.assert_close(half, (guided + whole) / 2)
    assert torch.equal(rescaled(guided, conditional, 0.0, None), guided)


def test_rescaling_measures_the_repainted_pixels_alone() -> None:
    guided, conditional = pictures(1, 2.0), pictures(2, 0.5)
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    mask[..., 3:] = 1
    guided[..., :3] = conditional[..., :3] = 50 * conditional[..., :3]  # kept, of one mind, and far louder
    painted = rescaled(guided, conditional, 1.0, mask)[..., 3:]
    wanted = conditional[..., 3:].std((1, 2, 3), correction=0)
    torch.testing.assert_close(painted.std((1, 2, 3), correction=0), wanted)


def test_a_picture_of_one_colour_and_a_mask_of_nothing_are_left_alone() -> None:
    flat = torch.full((1, 3, 4, 4), 0.3)
    assert torch.equal(rescaled(flat, pictures(1, 1.0)[:1, :, :4, :4].float(), 1.0, None), flat)
    nothing = torch.zeros(1, 1, 4, 4)
    assert torch.equal(rescaled(flat, flat, 1.0, nothing), flat)
    assert spread(flat, nothing).item() == 0


def test_guidance_rescales_by_what_the_condition_says_is_repainted() -> None:
    mask = (torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(3)) > 0.5).double()
    text, told = torch.ones(1, 1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.bool)
    loud, quiet = pictures(1, 2.0)[:1], pictures(2, 0.5)[:1]

    def denoiser(x_t, t, condition) -> Prediction:
        return Prediction(torch.where(condition.text.view(-1, 1, 1, 1) > 0, loud, quiet), x_t, 0.5, 0.5)

    asked, negative = Condition(text, told, mask, mask), Condition(0 * text, told)
    guided = ClassifierFree(denoiser, 4.0, negative, rescale=0.7)(loud, 0.5, asked)
    expected = rescaled(quiet + 4 * (loud - quiet), loud, 0.7, mask)
    torch.testing.assert_close(guided.x0, expected)
    plain = ClassifierFree(denoiser, 4.0, negative)
    assert not torch.equal(guided.x0, plain(loud, 0.5, asked).x0)


def test_a_negative_prompt_takes_the_place_of_no_prompt() -> None:
    """Away from class 0 and towards class 1: labels stand for prompts."""
    data = mixture_8d()

    def prompted(x_t, t, condition) -> Prediction:
        label = condition.text[:, 0, 0].round().long()
        return data(x_t, t, replace(condition, label=label))

    x_t, t = data.sample(ROWS, seed=4, t=0.3), 0.3
    told = torch.ones(ROWS, 1, dtype=torch.bool)
    towards, away = torch.ones(ROWS, 1, 1), torch.zeros(ROWS, 1, 1)
    guided = ClassifierFree(prompted, 2.5, Condition(away, told))(x_t, t, Condition(towards, told))
    expected = 2.5 * data.of_class(1).score(x_t, t) - 1.5 * data.of_class(0).score(x_t, t)
    torch.testing.assert_close(guided.score, expected, rtol=1e-9, atol=1e-9)


def test_prompts_of_different_length_are_guided_as_each_is_read_alone() -> None:
    def read(x_t, t, condition) -> Prediction:
        assert condition.text.shape[0] == len(x_t)
        return Prediction(condition.text.sum((1, 2))[:, None] + x_t, x_t, 0.6, 0.8)

    x_t = torch.tensor([[1.0, 2.0]])
    long, short = Condition(torch.ones(1, 5, 1), torch.ones(1, 5, dtype=torch.bool)), Condition(torch.ones(1, 2, 1))
    guided = ClassifierFree(read, 3.0, short)(x_t, 0.5, long)
    assert torch.equal(guided.x0, x_t + 2 + 3 * (5 - 2))
    assert torch.equal(ClassifierFree(read, 3.0, long.prompt)(x_t, 0.5, short).x0, x_t + 5 + 3 * (2 - 5))
