"""Sampling parameters refuse what makes no sense, in words, and recipes survive the trip through JSON."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe, Request, digest
from paintdiff.generation.sampling import MAX_SEED, Sampling, has_effect, parameters
from paintdiff.image.geometry import Rect


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0}, {"steps": 2.5}, {"steps": True}, {"guidance": math.nan}, {"guidance": -1}, {"strength": 1.01},
        {"seed": -1}, {"seed": MAX_SEED + 1}, {"sampler": "magic"}, {"prompt": 7}, {"candidates": 17}, {"eta": "0"},
    ],
)
def test_a_value_out_of_range_is_refused_in_a_sentence_that_names_it(values: dict) -> None:
    (name, value), = values.items()
    with pytest.raises(UserError) as refusal:
        Sampling(**values)
    assert parameters()[name].label in str(refusal.value)
    assert repr(value) in str(refusal.value)


def test_the_limits_themselves_and_long_strange_prompts_are_accepted() -> None:
    for name, parameter in parameters().items():
        if parameter.kind in ("int", "float"):
            Sampling(**{name: type(getattr(Sampling(), name))(parameter.minimum)})
            Sampling(**{name: type(getattr(Sampling(), name))(parameter.maximum)})
    Sampling(prompt="🍎 שלום " * 1500)


def test_every_parameter_has_a_label_and_one_line_of_help() -> None:
    for parameter in parameters().values():
        assert parameter.label
        assert parameter.help.endswith(".")
        assert "\n" not in parameter.help


def request(seed: int = 5) -> Request:
    frame = Rect(-8, 4, 16, 12)
    picture = np.random.default_rng(1).integers(0, 256, (12, 16, 4), np.uint8)
    sampling = Sampling(prompt="ein Apfel 🍎", seed=seed, candidates=3)
    return Request("inpaint", frame, Rect(0, 0, 50, 50), picture, picture[..., 0].copy(), sampling)


def test_a_recipe_survives_json_and_names_the_candidate_by_its_seed() -> None:
    recipe = request().recipe(2)
    assert (recipe.sampling.seed, recipe.sampling.candidates) == (7, 1)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@pytest.mark.parametrize(
    "damage",
    [
        {"mode": 3}, {"feather": "8"}, {"feather": -1}, {"matte": [1, 2]}, {"matte": [1, 2, "x"]}, {"frame": None},
        {"frame": {"x": 0, "y": 0, "w": 0, "h": 4}}, {"canvas": {"x": 0.5, "y": 0, "w": 4, "h": 4}}, {"dream": 1},
        {"sampling": {"steps": -1}}, {"sampling": {"dream": 1}}, {"version": True},
    ],
)  # fmt: skip
def test_what_only_looks_like_a_recipe_is_refused(damage: dict) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, UserError)):
        Recipe.from_json({**request().recipe().to_json(), **damage})


def test_the_seed_after_the_largest_is_zero() -> None:
    assert request(MAX_SEED).recipe(1).sampling.seed == 0


def test_pictures_and_maps_that_do_not_fit_the_frame_are_refused() -> None:
    good = request()
    with pytest.raises(ValueError, match="picture"):
        Request("inpaint", good.frame, good.canvas, good.picture[:-1], good.change_map)
    with pytest.raises(ValueError, match="change_map"):
        Request("inpaint", good.frame, good.canvas, good.picture, good.change_map[:-1])


def test_the_digest_tells_pixels_and_shapes_apart() -> None:
    pixels = np.arange(24, dtype=np.uint8)
    assert digest(pixels.reshape(4, 6)) != digest(pixels.reshape(6, 4))
    assert digest(pixels.reshape(4, 6)) == digest(np.asfortranarray(pixels.reshape(4, 6)))


def test_a_parameter_has_an_effect_only_while_what_it_needs_is_set_and_has_an_effect_itself() -> None:
    values = asdict(Sampling())
    assert has_effect("prompt", values, "inpaint")
    assert not has_effect("eta", values, "inpaint")
    assert has_effect("eta", values | {"sampler": "ddim"}, "inpaint")
    assert has_effect("negative", values, "inpaint")
    assert not has_effect("negative", values | {"guidance": 1.0}, "inpaint")
    assert not has_effect("switch", values | {"then": "  "}, "inpaint")
    assert has_effect("switch", values | {"then": "a cat"}, "inpaint")


def test_what_a_parameter_needs_is_a_parameter_with_those_values() -> None:
    for parameter in parameters().values():
        if parameter.needs is not None and parameter.needs[0] != "mode" and isinstance(parameter.needs[1], tuple):
            assert set(parameter.needs[1]) <= set(parameters()[parameter.needs[0]].choices), parameter.label
