"""Add-ons as plain data, and how a recipe keeps them."""

import json

import numpy as np
import pytest

from paintdiff.generation.add_ons import AddOns, Lora, Word, read_add_ons
from paintdiff.generation.controls import Control
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe, Request
from paintdiff.image.geometry import Rect

LORAS = Lora("ink.safetensors", 0.8, "ab"), Lora("b.safetensors", -1)
ADD_ONS = AddOns(LORAS, (Word("cat", "cat.safetensors"),), "v")


def recipe(add_ons: AddOns) -> Recipe:
    frame = Rect(0, 0, 4, 4)
    request = Request(
        "inpaint", frame, frame, np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.uint8), add_ons=add_ons
    )
    return request.recipe()


@pytest.mark.parametrize("add_ons", [AddOns(), ADD_ONS])
def test_a_recipe_keeps_the_add_ons(add_ons) -> None:
    stored = json.loads(json.dumps(recipe(add_ons).to_json()))
    assert Recipe.from_json(stored).add_ons == add_ons


def test_a_recipe_of_before_has_none() -> None:
    stored = recipe(ADD_ONS).to_json()
    del stored["add_ons"]
    assert Recipe.from_json(stored).add_ons == AddOns()


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 4.5, -5.0])
def test_a_weight_that_makes_no_sense_is_refused_with_the_name_of_the_file(weight) -> None:
    with pytest.raises(UserError, match=r"ink\.safetensors"):
        Lora("ink.safetensors", weight)


@pytest.mark.parametrize(
    "stored", [{"loras": [{"file": 3}]}, {"loras": [{"file": "a", "weight": "x"}]}, {"vae": 1}, {"other": ()}]
)
def test_add_ons_that_are_none_are_refused(stored) -> None:
    with pytest.raises((UserError, TypeError, ValueError, KeyError)):
        read_add_ons(stored)


def test_what_a_later_run_lacks_is_named_and_what_it_says_nothing_of_is_taken_over() -> None:
    control = Control("nets/canny.safetensors", "canny", 0.5)
    run = AddOns(LORAS, (Word("cat", "cat.safetensors"),), "soft.safetensors", "ff", (control,))
    assert run.missing(run) == ()
    assert AddOns().following(run) == run
    moved = AddOns((Lora("elsewhere/ink.safetensors", 0.8, "ab"), Lora("b.safetensors", -1)))
    assert moved.following(run).missing(run) == ()
    assert moved.following(run).loras == moved.loras
    other = AddOns((Lora("ink.safetensors", 0.5, "ab"), Lora("b.safetensors", -1)), (), "hard", "ee")
    assert other.missing(run) == (
        "the LoRA ink (0.8)", "the autoencoder soft", "the embedding cat", "the control canny"
    )  # fmt: skip
