"""Guidance, second prompts, classes and variations as a request asks for them, on tiny models."""

from dataclasses import replace

import numpy as np
import pytest

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import MAX_SEED, Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import tiny_pixel_unet
from tests.tiny_model import tiny_judge, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_judge(tiny_model(tmp_path_factory.mktemp("models") / "tiny")))


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, **sampling) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((16, 16), np.uint8)
    change_map[4:12, 4:12] = 255
    frame = Rect(0, 0, 16, 16)
    sampling = {"steps": 4, "candidates": 1, "prompt": "a red apple"} | sampling
    return Request("inpaint", frame, frame, picture, change_map, Sampling(**sampling), model, "cpu", feather=0)


def made(engine: DiffusionEngine, model: str, **sampling) -> Result:
    return engine.generate(request(model, **sampling), lambda progress: None, CancelToken())


def patches(engine: DiffusionEngine, model: str, **sampling) -> list[bytes]:
    return [candidate.patch.tobytes() for candidate in made(engine, model, **sampling).candidates]


BASE = {"then": "a blue sky"}


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        ({}, {"guidance_rescale": 0.7}), ({}, {"guidance_from": 0.6}), ({}, {"guidance_until": 0.6}),
        ({}, {"classifier_guidance": 20.0}), ({}, {"clip_guidance": 20.0}), ({}, {"then": "a blue sky"}),
        (BASE, {"switch": 0.25}), (BASE, {"blend": 0.6}), ({}, {"variation": 0.3}),
        ({"variation": 0.3}, {"variation_seed": 5}),
    ],
)  # fmt: skip
def test_every_parameter_has_a_say(engine, model, before, changed) -> None:
    assert patches(engine, model, **before) != patches(engine, model, **before, **changed)


def test_what_has_no_weight_is_not_evaluated(engine, model) -> None:
    def evaluations(**sampling) -> int:
        return made(engine, model, steps=4, **sampling).report.network_evaluations

    assert evaluations() == 8
    assert evaluations(guidance_from=0.6) == 4 + 2, "times 1, .75, .5, .25: the last two are guided"
    assert evaluations(then="a blue sky") == 8
    assert evaluations(then="a blue sky", blend=0.6) == 8 + 3 * 2, "both from a fifth to four fifths of the way"


def test_a_second_prompt_at_the_end_is_no_second_prompt_and_at_the_start_the_only_one(engine, model) -> None:
    plain = patches(engine, model)
    assert patches(engine, model, then="a blue sky", switch=1.0) == plain
    assert patches(engine, model, then="a red apple", switch=0.5, blend=0.0) == plain
    assert patches(engine, model, then="a blue sky", switch=0.0) == patches(engine, model, prompt="a blue sky")


def test_the_way_of_a_weaker_run_is_shorter(engine, model) -> None:
    asked = {"strength": 0.5, "then": "a blue sky"}
    assert patches(engine, model, **asked, switch=0.0) == patches(engine, model, strength=0.5, prompt="a blue sky")
    assert patches(engine, model, **asked, switch=0.4) != patches(engine, model, strength=0.5, prompt="a blue sky")


def test_guidance_that_begins_after_it_ends_is_refused(engine, model) -> None:
    with pytest.raises(UserError, match="begin at 20% and end at 60%"):
        made(engine, model, guidance_from=0.2, guidance_until=0.6)


@pytest.mark.parametrize(("name", "words"), [("clip_guidance", "CLIP"), ("classifier_guidance", "Classifier")])
def test_a_model_without_a_judge_refuses_its_guidance_by_name(tmp_path, name, words) -> None:
    folder = str(tiny_model(tmp_path / "tiny"))
    with pytest.raises(UserError, match=f"{words} guidance.*Tiny has none"):
        made(DiffusionEngine(), folder, **{name: 1.0})


def test_a_damaged_judge_does_not_disturb_who_does_not_ask_for_it(tmp_path) -> None:
    folder = tiny_judge(tiny_model(tmp_path / "tiny"))
    (folder / "judge.safetensors").write_bytes(b"")
    engine = DiffusionEngine()
    assert made(engine, str(folder)).candidates
    with pytest.raises(UserError, match="cannot be opened"):
        made(engine, str(folder), clip_guidance=1.0)


def test_a_class_is_refused_by_a_model_that_has_none(engine, model) -> None:
    with pytest.raises(UserError, match="Tiny has no classes"):
        made(engine, model, label=3)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    names = {"0": "cat", "1": "tree, shrub", "2": "null"}
    return str(tiny_pixel_unet(tmp_path_factory.mktemp("models") / "classes", classes=3, names=names))


def test_a_class_is_chosen_by_its_number_or_named_in_the_prompt(engine, classes) -> None:
    by_number = patches(engine, classes, prompt="", label=1)
    assert by_number == patches(engine, classes, prompt="shrub")
    assert by_number == patches(engine, classes, prompt="anything", label=1), "it takes the prompt's place"
    assert by_number != patches(engine, classes, prompt="", label=0)
    assert by_number != patches(engine, classes, prompt="", label=1, negative="cat")
    assert by_number != patches(engine, classes, prompt="", label=1, then="cat")


def test_a_class_that_is_not_there_is_refused(engine, classes) -> None:
    with pytest.raises(UserError, match="classes 0 to 2, and none of 3"):
        made(engine, classes, prompt="", label=3)


def test_variation_0_is_the_plain_run_and_1_the_other_seed_s(engine, model) -> None:
    for sampler, eta in (("dpmpp_2m", 0.0), ("ddim", 0.8), ("ddpm", 0.0)):
        way = {"sampler": sampler, "eta": eta}
        plain = patches(engine, model, seed=3, **way)
        assert patches(engine, model, seed=3, variation_seed=9, **way) == plain
        assert patches(engine, model, seed=3, variation=1.0, variation_seed=3, **way) == plain
        other = patches(engine, model, seed=9, **way)
        assert patches(engine, model, seed=3, variation=1.0, variation_seed=9, **way) == other
        assert patches(engine, model, seed=3, variation=0.5, variation_seed=9, **way)[0] not in plain + other


def test_a_small_variation_is_nearer_to_the_picture_than_a_large_one(engine, model) -> None:
    def away(variation: float) -> float:
        patch = made(engine, model, variation=variation, variation_seed=9).candidates[0].patch
        return float(np.abs(patch.astype(int) - made(engine, model).candidates[0].patch).mean())

    assert 0 < away(0.05) < away(1.0)


def test_candidates_are_variations_of_one_picture_and_their_recipes_make_them_again(engine, model) -> None:
    asked = request(model, candidates=3, seed=4, variation=0.3, variation_seed=MAX_SEED)
    result = engine.generate(asked, lambda progress: None, CancelToken())
    assert [c.recipe.sampling.seed for c in result.candidates] == [4, 4, 4]
    assert [c.recipe.sampling.variation_seed for c in result.candidates] == [MAX_SEED, 0, 1]
    for candidate in result.candidates:
        alone = replace(asked, sampling=candidate.recipe.sampling)
        again = engine.generate(alone, lambda progress: None, CancelToken()).candidates[0]
        assert np.array_equal(again.patch, candidate.patch)
    assert len({candidate.patch.tobytes() for candidate in result.candidates}) == 3
