"""--recipe: a result is made again from its PNG, byte for byte, or what keeps it from being the same is said."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.document.save import read_recipe
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with in.png and other.png (40x30), small.png (20x15) and a mask of two far-apart places."""
    rng = np.random.default_rng(0)
    for name, size in (("in", (30, 40, 3)), ("other", (30, 40, 3)), ("small", (15, 20, 3))):
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(tmp_path / f"{name}.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[2:6, 2:6] = mask[24:28, 34:38] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("verb", "named_again", "settings"),
    [
        ("inpaint", "--image in.png --mask mask.png", "--feather 3 --candidates 2 --seed 4"),
        ("outpaint", "--image in.png", "--left 30 --top 5"),
        ("sdedit", "--image in.png --mask mask.png", "--strength 0.7 --frame 0,0,30,30"),
        ("edit", "--image in.png", "--sampler heun"),
        ("colorize", "--image in.png --hints other.png", "--fit 1"),
        ("upscale", "--image small.png", "--scale 4 --shrink bicubic"),
    ],
)
def test_the_recipe_alone_makes_the_same_bytes(folder, model, capsys, verb, named_again, settings) -> None:
    usual = [verb, *named_again.split(), "--device", "cpu", "--json"]
    first = ["--model", model, "--steps", "2", "--prompt", "a red apple", *settings.split(), "--out", "first.png"]
    assert main([*usual, *first]) == 0
    made = max(folder.glob("first*.png"))  # the last candidate
    capsys.readouterr()
    assert main([*usual, "--recipe", made.name, "--out", "again.png"]) == 0
    assert json.loads(capsys.readouterr().out)["notices"] == []
    assert Path("again.png").read_bytes() == made.read_bytes()


def test_what_is_given_goes_before_the_recipe_and_what_is_another_is_said(folder, model, capsys) -> None:
    usual = ["inpaint", "--mask", "mask.png", "--device", "cpu", "--json"]
    start = ["--image", "in.png", "--prompt", "a red apple", "--steps", "2", "--model", model]
    assert main([*usual, *start, "--out", "out.png"]) == 0
    capsys.readouterr()
    again = ["--image", "other.png", "--recipe", "out.png", "--prompt", "a cat", "--out", "again.png"]
    assert main([*usual, *again]) == 0
    assert json.loads(capsys.readouterr().out)["notices"] == [
        "The picture is not the one of the recipe, so the result is another too."
    ]
    recipe = read_recipe(Path("again.png"))
    assert recipe is not None
    assert (recipe.model, recipe.sampling.prompt, recipe.sampling.steps) == (model, "a cat", 2)


def test_a_recipe_that_cannot_be_followed_is_one_clear_sentence(folder, model, capsys) -> None:
    run = ["sdedit", "--image", "in.png", "--device", "cpu", "--out", "out.png"]
    assert main([*run, "--model", model, "--steps", "3", "--trajectory", "run.safetensors"]) == 0
    assert main([*run[:-1], "branch.png", "--branch", "run.safetensors", "--from-step", "1"]) == 0
    refused = {
        "sdedit --recipe in.png": "in.png has no recipe in it",
        "edit --recipe out.png": "not made in this way: use sdedit",
        "sdedit --recipe branch.png": "--branch and --from-step 1",
        "sdedit --recipe none.png": "none.png",
    }
    for arguments, words in refused.items():
        capsys.readouterr()
        assert main([*arguments.split(), *run[1:]]) == 2, arguments
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
