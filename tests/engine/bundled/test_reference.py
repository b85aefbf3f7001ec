"""Models that look at a picture of what the prompt names."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from paintdiff.engine.bundled.fill_network import FillNetworkConfig, reference_channels
from paintdiff.engine.bundled.picture_library import Entry, PictureLibrary
from paintdiff.engine.bundled.reference import Lookup
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.denoiser import Condition, Prediction
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.training.library import save_library
from tests.tiny_model import random_network, tiny_model

RED = np.full((64, 64, 4), (200, 0, 0, 255), np.uint8)
LIBRARY = PictureLibrary([Entry("apple", (), ""), Entry("sky", (), "")], [RED, RED[..., [2, 1, 0, 3]]])


def looking_model(folder: Path, library: PictureLibrary, guesses: bool = False) -> str:
    """A tiny model that looks at the pictures of `library`."""
    tiny_model(folder)
    described = json.loads((folder / "config.json").read_text())
    config = replace(FillNetworkConfig(**described["network"]), reference=True)
    weights = {name: value.contiguous() for name, value in random_network(config, 0).state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    save_library(library, folder / "pictures.zip")
    described |= {"network": asdict(config), "pictures": "pictures.zip", "guesses": guesses}
    (folder / "config.json").write_text(json.dumps(described))
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return looking_model(tmp_path_factory.mktemp("models") / "looking", LIBRARY)


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same model with nothing to look at."""
    return looking_model(tmp_path_factory.mktemp("models") / "blind", PictureLibrary([], []))


def result(model: str, everywhere: bool = False, **sampling: object) -> Result:
    picture = np.full((24, 24, 4), 255, np.uint8)
    change_map = np.full((24, 24), 255 if everywhere else 0, np.uint8)
    change_map[6:18, 6:18] = 255
    frame = Rect(0, 0, 24, 24)
    settings = Sampling(**{"steps": 3, "candidates": 1, "prompt": "an apple"} | sampling)  # type: ignore[arg-type]
    request = Request("inpaint", frame, frame, picture, change_map, settings, model, "cpu", feather=0)
    return DiffusionEngine().generate(request, lambda _: None, CancelToken())


def patch(model: str, everywhere: bool = False, **sampling: object) -> np.ndarray:
    return result(model, everywhere, **sampling).candidates[0].patch


def test_what_the_prompt_names_is_looked_at(model: str, blind: str) -> None:
    assert not np.array_equal(patch(model), patch(blind))
    assert np.array_equal(patch(model, prompt="unheard of"), patch(blind, prompt="unheard of"))
    assert np.array_equal(patch(model), patch(model))


def test_it_is_told_what_was_not_found_and_what_can_be(model: str) -> None:
    assert DiffusionEngine().load(model, "cpu").names == ("apple", "sky")
    assert result(model).report.notices == ()
    (notice,) = result(model, prompt="a wizard", then="two apples").report.notices
    assert "“wizard”" in notice
    (notice,) = result(model, prompt="apple AND wizard").report.notices
    assert "“wizard”" in notice
    assert result(model, prompt="a wizard", strength=0.7).report.notices == (), "where no picture is looked for"


@pytest.mark.parametrize(
    ("prompt", "everywhere", "in_part"),
    [
        ("two shiny apples on green hills", "green hills", ""), ("two apples", "white background", ""),
        ("a wizard", "a wizard", "a wizard"),
        ("a shiny apple on green hills", "a shiny apple on green hills", "a shiny apple on green hills"),
        ("green hills", "green hills", "green hills"), ("", "", ""),
    ],
)  # fmt: skip
def test_words_are_heard_where_no_picture_says_it(prompt: str, everywhere: str, in_part: str) -> None:
    looks, place = Lookup(LIBRARY, False), np.ones((64, 64), bool)
    assert looks.heard(prompt, place) == everywhere
    place[:20] = False
    assert looks.heard(prompt, place) == in_part


def test_words_besides_several_pictures_change_only_the_ground_where_all_is_masked(model: str) -> None:
    assert not np.array_equal(patch(model, prompt="a shiny apple"), patch(model, prompt="an apple"))
    on_hills = patch(model, prompt="two apples on green hills")
    assert np.array_equal(on_hills, patch(model, prompt="two apples"))
    two = [patch(model, True, prompt=f"two {which} apples") for which in ("shiny", "dull")]
    assert np.array_equal(*two)
    assert not np.array_equal(two[0], patch(model, True, prompt="two apples on green hills"))


def test_a_weight_is_no_number_of_things(model: str) -> None:
    assert np.array_equal(patch(model, prompt="(red apple:2.0)"), patch(model, prompt="red apple"))


def test_a_picture_that_is_only_changed_a_little_is_not_fought_by_another(model: str, blind: str) -> None:
    assert np.array_equal(patch(model, strength=0.7), patch(blind, strength=0.7))
    assert np.array_equal(patch(model, layout="4"), patch(blind, layout="4"))


def test_a_model_that_guesses_looks_at_how_the_picture_may_go_on(blind: str, tmp_path: Path) -> None:
    guessing = looking_model(tmp_path / "guessing", PictureLibrary([], []), guesses=True)
    assert not np.array_equal(patch(guessing), patch(blind))
    for nothing_new in ({"strength": 0.7}, {"layout": "4"}):
        assert np.array_equal(patch(guessing, **nothing_new), patch(blind, **nothing_new))


def test_the_second_prompt_brings_its_own_picture(model: str, blind: str) -> None:
    switched = {"prompt": "unheard of", "then": "the sky", "switch": 0.5}
    assert not np.array_equal(patch(model, **switched), patch(blind, **switched))


def test_a_damaged_library_is_told_in_one_sentence(model: str, tmp_path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(Path(model, name).read_bytes())
    (folder / "pictures.zip").write_bytes(b"PK no")
    with pytest.raises(UserError, match="cannot be opened"):
        patch(str(folder))


def test_the_picture_lies_where_the_mask_is() -> None:
    place = np.zeros((64, 64), bool)
    place[8:40, 30:62] = True
    def look_up(prompt: str, seed: int, place: np.ndarray) -> torch.Tensor | None:
        return Lookup(LIBRARY, False).channels(prompt, seed, place, None, torch.device("cpu"))

    reference = look_up("a red apple", 0, place)
    assert reference is not None
    alpha = reference[0, 3].numpy() > 0.5
    assert (alpha & ~place).sum() == 0
    assert 0.5 < alpha.sum() / place.sum() < 0.95
    torch.testing.assert_close(reference[0, :, 24, 46], torch.tensor([400 / 255 - 1, -1, -1, 1]))
    assert not torch.equal(reference, look_up("a red apple", 1, place))
    assert look_up("nothing of it", 0, place) is None
    assert look_up("apple", 0, np.zeros_like(place)) is None


def test_the_negative_side_of_guidance_looks_at_what_is_there_without_the_prompt() -> None:
    seen: list[Condition] = []

    def denoiser(x_t: torch.Tensor, t: float, condition: Condition) -> Prediction:
        seen.append(condition)
        return Prediction(x_t, x_t, 0.5, 0.5)

    text, told = torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.bool)
    reference = reference_channels(torch.full((1, 8, 8, 4), 255, dtype=torch.uint8))
    guided = ClassifierFree(denoiser, 3.0, Condition(text, told))
    without = torch.full_like(reference, 0.25)
    guided(torch.zeros(1, 3, 8, 8), 0.5, Condition(text, told, reference=reference, no_reference=without))
    assert seen[0].reference is not None
    assert torch.equal(seen[0].reference[:1], reference)
    assert torch.equal(seen[0].reference[1:], without)
