import pytest
import torch

from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.conditions.prompt_over_time import Prompted, PromptOverTime, Switch
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import VPCosine
from paintdiff.generation.cancel import CancelToken
from tests.engine.mixture import mixture_8d

DATA = mixture_8d(VPCosine())


def noise(step: int, part: int = 0) -> torch.Tensor:
    return torch.randn(20, 8, generator=torch.Generator().manual_seed(step), dtype=torch.float64)


def walked(state: State, times, denoiser, sampler: str) -> State:
    moves = make_sampler(sampler, DATA.schedule, noise)
    *_, last = run(state, times, moves, denoiser, Condition(), Free(), CancelToken())
    return last


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "ddpm"])
@pytest.mark.parametrize("start", [1.0, 0.6])
def test_a_cut_equals_switching_runs_by_hand(sampler, start) -> None:
    first, second = DATA.of_class(0), DATA.of_class(1)
    t0, *times = descending(start, 10)
    cut = PromptOverTime(first, second, Switch(start, 0.4))
    both = walked(State(noise(0), t0), times, cut, sampler)
    by_hand = walked(walked(State(noise(0), t0), times[:4], first, sampler), times[4:], second, sampler)
    assert torch.equal(both.x_t, by_hand.x_t)


@pytest.mark.parametrize(
    ("t", "weight"), [(1.0, 0.0), (0.7, 0.0), (0.65, 0.25), (0.6, 0.5), (0.55, 0.75), (0.5, 1.0), (0.0, 1.0)]
)
def test_a_blend_rises_in_a_straight_line_around_the_switch(t, weight) -> None:
    assert Switch(1.0, 0.4, 0.2)(t) == pytest.approx(weight)
    assert Switch(0.5, 0.4, 0.2)(t / 2) == pytest.approx(weight), "shares of the run's own way"


@pytest.mark.parametrize(("switch", "t", "weight"), [(0.0, 1.0, 1), (1.0, 0.1, 0), (0.5, 0.5, 1), (0.5, 0.6, 0)])
def test_without_a_blend_the_weight_jumps(switch, t, weight) -> None:
    assert Switch(1.0, switch)(t) == weight


@pytest.mark.parametrize(("t", "asked"), [(0.9, ["first"]), (0.5, ["second", "first"]), (0.1, ["second"])])
def test_only_what_has_weight_is_asked(t, asked) -> None:
    seen = []

    def named(name: str, label: int):
        def denoiser(x_t, t, condition):
            seen.append(name)
            return DATA.of_class(label)(x_t, t, condition)

        return denoiser

    mixed = PromptOverTime(named("first", 0), named("second", 1), Switch(1.0, 0.5, 0.4))(noise(1), t, Condition())
    assert seen == asked
    weight = Switch(1.0, 0.5, 0.4)(t)
    expected = (1 - weight) * DATA.of_class(0).score(noise(1), t) + weight * DATA.of_class(1).score(noise(1), t)
    torch.testing.assert_close(mixed.score, expected)


def test_a_prompted_denoiser_has_a_prompt_of_its_own() -> None:
    seen = []

    def watched(x_t, t, condition):
        seen.append(condition)
        return DATA(x_t, t, condition)

    text, told, mask = torch.ones(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 1, 2, 2)
    Prompted(watched, Condition(text, told))(noise(1), 0.5, Condition(torch.zeros(1, 2, 3), ~told, mask))
    assert (seen[0].text, seen[0].text_mask, seen[0].mask) == (text, told, mask)
