"""Controls and image prompts as plain data: what makes no sense is refused, and a recipe keeps the rest."""

import json
from dataclasses import replace

import numpy as np
import pytest

from paintdiff.generation.add_ons import AddOns, read_add_ons
from paintdiff.generation.controls import FILE, FRAME, LAYER, Control, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe, Request
from paintdiff.image.geometry import Rect

FRAME_RECT = Rect(0, 0, 8, 6)


def picture(height: int = 6, width: int = 8) -> np.ndarray:
    return np.arange(height * width * 4, dtype=np.uint8).reshape(height, width, 4)


CONTROL = Control("net.safetensors", "canny", 0.5, 0.1, 0.9, LAYER + "Sketch", picture=picture(), picture_sha256="ab")
PROMPT = ImagePrompt("ip.safetensors", FILE + "a.png", "encoder", 0.7, picture=picture(3, 3), picture_sha256="cd")


def request(*controls: Control, prompt: ImagePrompt | None = None) -> Request:
    shape = FRAME_RECT.shape
    return Request(
        "inpaint", FRAME_RECT, FRAME_RECT, np.zeros((*shape, 4), np.uint8), np.full(shape, 255, np.uint8),
        add_ons=AddOns(controls=controls, image_prompt=prompt),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "edges"}, "'edges' is not known"),
        ({"weight": float("nan")}, "weight of a control"),
        ({"weight": 2.5}, "0 to 2"),
        ({"weight": True}, "weight of a control"),
        ({"start": -0.1}, "start of a control"),
        ({"start": 0.6, "until": 0.4}, "cannot begin at 60% of the way and end at 40%"),
        ({"network": ""}, "Choose the ControlNet"),
        ({"source": "canvas"}, "no place"),
        ({"source": LAYER}, "no place"),
        ({"kind": "depth", "source": FRAME}, "cannot find the depth map"),
        ({"kind": "other", "source": FRAME}, "as a layer or a file"),
    ],
)
def test_a_control_that_makes_no_sense_is_refused(change, words) -> None:
    with pytest.raises(UserError, match=words):
        replace(CONTROL, **change)


@pytest.mark.parametrize("change", [{"adapter": ""}, {"source": FRAME}, {"weight": 3}, {"weight": -1}])
def test_an_image_prompt_that_makes_no_sense_is_refused(change) -> None:
    with pytest.raises(UserError):
        replace(PROMPT, **change)


def test_a_recipe_keeps_everything_but_the_pixels() -> None:
    recipe = request(CONTROL, prompt=PROMPT).recipe()
    stored = json.loads(json.dumps(recipe.to_json()))
    back = Recipe.from_json(stored).add_ons
    assert back == recipe.add_ons
    assert back.controls == (CONTROL,)
    assert back.image_prompt == PROMPT
    assert back.controls[0].picture is None
    assert back.image_prompt is not None
    assert back.image_prompt.picture is None


@pytest.mark.parametrize(
    "stored",
    [
        {"controls": [3]}, {"controls": [{"network": 1, "kind": "canny"}]}, {"controls": 5},
        {"controls": [{"network": "a", "kind": "canny", "ready": 1}]}, {"image_prompt": {"adapter": "a"}},
        {"controls": [{"network": "a", "kind": "canny", "weight": "1"}]}, {"image_prompt": "a"},
        {"controls": [{"network": "a", "kind": "canny", "picture": "x"}]},
    ],
)  # fmt: skip
def test_what_is_no_control_in_a_file_is_refused(stored) -> None:
    with pytest.raises((UserError, TypeError, ValueError, KeyError)):
        read_add_ons(stored)


def test_a_part_of_a_request_has_the_part_of_its_controls() -> None:
    window = Rect(2, 1, 4, 3)
    whole = request(CONTROL, Control("net.safetensors", "tile"))
    part = whole.part(window, whole.picture[1:4, 2:6], whole.change_map[1:4, 2:6])
    cut, frame = part.add_ons.controls
    assert cut.picture is not None
    assert np.array_equal(cut.picture, picture()[1:4, 2:6])
    assert frame.picture is None


def test_a_control_that_does_not_cover_the_frame_is_a_fault() -> None:
    with pytest.raises(ValueError, match="control's picture"):
        request(replace(CONTROL, picture=picture(5, 8)))


@pytest.mark.parametrize(("change", "active"), [({}, True), ({"weight": 0}, False), ({"start": 0.9}, False)])
def test_a_control_without_weight_or_time_has_no_say(change, active) -> None:
    assert replace(CONTROL, **change).active is active
