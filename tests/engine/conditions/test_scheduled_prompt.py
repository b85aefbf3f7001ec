"""A1111's words in a prompt do in a run what they say: one prompt after another, in turn, together, and in chunks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.conditions.scheduled_prompt import InTurn, Together
from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import VPCosine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.engine.mixture import mixture_8d
from tests.tiny_checkpoints import tiny_stable_diffusion, tiny_stable_diffusion_xl
from tests.tiny_model import tiny_model

DATA = mixture_8d(VPCosine())


def noise(step: int, part: int = 0) -> torch.Tensor:
    return torch.randn(20, 8, generator=torch.Generator().manual_seed(step), dtype=torch.float64)


@pytest.mark.parametrize("start", [1.0, 0.6])
def test_each_step_asks_the_denoiser_of_its_turn(start) -> None:
    denoisers = [DATA.of_class(0), DATA.of_class(1), DATA.of_class(0), DATA.of_class(1), DATA.of_class(1)]
    t0, *times = descending(start, 5)
    moves = make_sampler("ddim", DATA.schedule, noise)

    def walked(state: State, times: list[float], denoiser: object) -> State:
        *_, last = run(state, times, moves, denoiser, Condition(), Free(), CancelToken())
        return last

    found = walked(State(noise(0), t0), times, InTurn(denoisers, (t0, *times)))
    by_hand = State(noise(0), t0)
    for k, denoiser in enumerate(denoisers):
        by_hand = walked(by_hand, times[k : k + 1], denoiser)
    assert torch.equal(found.x_t, by_hand.x_t)


def test_together_leads_by_the_sum_of_what_each_adds_to_the_negative_prompt() -> None:
    w, (one, half), whole, x_t, t = 3.0, (1.0, 0.5), 1.5, noise(1), 0.6
    sides = DATA.of_class(0), DATA.of_class(1)

    def network(x: torch.Tensor, t: float, condition: Condition) -> Prediction:
        return DATA(x, t, condition) if condition.label is None else sides[int(condition.label[0])](x, t, condition)

    def guided(label: int) -> Denoiser:
        said = Condition(label=torch.tensor([label]))
        n, c = network(x_t, t, Condition()), network(x_t, t, said)
        return lambda x, t, condition: replace(c, x0=torch.lerp(n.x0, c.x0, w * whole))

    n, first, second = (network(x_t, t, Condition()).x0, *(side(x_t, t, Condition()).x0 for side in sides))
    joined = Together(((guided(0), one / whole), (guided(1), half / whole)))
    expected = n + w * (one * (first - n) + half * (second - n))
    torch.testing.assert_close(joined(x_t, t, Condition()).x0, expected)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_stable_diffusion(tmp_path_factory.mktemp("said") / "model")


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def painted(engine: DiffusionEngine, model: Path, prompt: str, **more: object) -> Result:
    frame = Rect(0, 0, 32, 32)
    settings = {"steps": 4, "candidates": 1, "tone": "free", "sampler": "ddim"} | more
    request = Request(
        "inpaint", frame, frame, np.full((32, 32, 4), 255, np.uint8), np.full((32, 32), 255, np.uint8),
        Sampling(prompt, **settings), str(model), "cpu",
    )  # fmt: skip
    return engine.generate(request, lambda progress: None, CancelToken())


def same(one: Result, other: Result) -> bool:
    return np.array_equal(one.candidates[0].patch, other.candidates[0].patch)


def near(one: Result, other: Result) -> bool:
    return bool(np.abs(one.candidates[0].patch.astype(int) - other.candidates[0].patch).max() <= 2)


def test_a_prompt_that_changes_on_the_way_is_the_then_of_the_panel(engine, folder) -> None:
    edited = painted(engine, folder, "a [red:blue:0.5] car")
    assert same(edited, painted(engine, folder, "a red car", then="a blue car", switch=0.5))
    assert not same(edited, painted(engine, folder, "a red car"))
    assert edited.candidates[0].recipe.sampling.prompt == "a [red:blue:0.5] car"
    assert edited.report.notices == ()


def test_prompts_in_turn_and_negative_ones_that_change(engine, folder) -> None:
    turns = painted(engine, folder, "[red|blue]")
    assert same(turns, painted(engine, folder, "[[red:blue:1]:[red:blue:3]:2]"))
    away = painted(engine, folder, "red", negative="[grey:sky:0.5]")
    assert not same(away, painted(engine, folder, "red", negative="grey"))
    assert not same(away, painted(engine, folder, "red", negative="sky"))


def test_prompts_that_rule_together(engine, folder) -> None:
    alone = painted(engine, folder, "a red car", guidance=6.0)
    assert near(painted(engine, folder, "a red car AND a red car", guidance=3.0), alone)
    assert near(painted(engine, folder, "a red car AND a red car:0.5", guidance=4.0), alone)
    both = painted(engine, folder, "a red car AND a blue car", guidance=3.0)
    assert not near(both, alone)
    assert near(both, painted(engine, folder, "a blue car AND a red car", guidance=3.0))
    assert painted(engine, folder, "a AND b AND c").report.network_evaluations == 4 * 6
    with pytest.raises(UserError, match="add up to nothing"):
        painted(engine, folder, "a AND b:-1")


@pytest.mark.parametrize("build", [tiny_stable_diffusion, tiny_stable_diffusion_xl])
def test_break_begins_another_chunk(build, tmp_path) -> None:
    model = load_model(str(build(tmp_path / "model")), "cpu", torch.float32)
    first, second = model.encode_text("a red car"), model.encode_text("(blue:1.2) sky")
    broken = model.encode_text("a red car BREAK (blue:1.2) sky")
    assert torch.equal(broken.text, torch.cat([first.text, second.text], dim=1))
    assert (broken.pooled is None) == (first.pooled is None)
    assert broken.pooled is None or torch.equal(broken.pooled, first.pooled)
    assert torch.equal(model.encode_text("a red car BREAK").text, first.text)
    assert torch.equal(model.encode_text("BREAK").text, model.encode_text("").text)
    with pytest.raises(UserError, match="too long"):
        model.encode_text("a BREAK " * 20)


def test_what_a_model_does_not_hear_is_said_and_not_read_as_words(tmp_path) -> None:
    engine, model = DiffusionEngine(), tiny_model(tmp_path / "fill")
    plain = painted(engine, model, "a red car blue")
    weighed = painted(engine, model, "[a (red:1.3) car:a red car:0.5] BREAK blue")
    assert same(plain, weighed)
    assert weighed.report.notices == (
        "This model reads every word at the same weight: the brackets in the prompt count for nothing.",
        "This model reads a prompt in one piece: BREAK counts for nothing.",
    )
    assert plain.report.notices == ()
    assert same(painted(engine, model, "[a:b:0.5]"), painted(engine, model, "a", then="b", switch=0.5))
