"""colorize and upscale on the command line, from files to files, on a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.__main__ import main
from paintdiff.cli.inputs import read_hints
from paintdiff.document.save import read_recipe
from paintdiff.generation.modes import MODES
from paintdiff.image.enlarge import block_sums
from paintdiff.image.gamut import chroma, luma
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with grey.png (40x30), small.png (12x9), hints and masks for them."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(tmp_path / "small.png")
    hints = np.zeros((30, 40, 4), np.uint8)
    Image.fromarray(hints).save(tmp_path / "nothing.png")
    hints[5:20, 8:30] = (200, 30, 30, 255)
    Image.fromarray(hints).save(tmp_path / "hints.png")
    mask = np.zeros((9, 12), np.uint8)
    mask[:, 6:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(model: str, *arguments: str) -> int:
    return main([*arguments, "--model", model, "--device", "cpu", "--steps", "2"])


def pixels(name: str) -> np.ndarray:
    return np.array(Image.open(name).convert("RGBA"))


def test_colorize_keeps_the_brightness_of_every_pixel(folder, model) -> None:
    assert run(model, "colorize", "--image", "grey.png", "--prompt", "a red apple", "--out", "out.png") == 0
    out, grey = pixels("out.png"), pixels("grey.png")
    assert np.abs(np.rint(luma(out)) - grey[..., 0]).max() <= 1
    assert np.abs(chroma(out)).mean() > 1
    recipe = read_recipe(Path("out.png"))
    assert recipe is not None
    assert (recipe.mode, recipe.sampling.strength, recipe.hints_sha256) == ("colorize", 0.95, "")


def test_hints_rule_where_they_are_and_are_not_part_of_the_result(folder, model) -> None:
    mask = np.zeros((30, 40), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save("half.png")
    arguments = ["--image", "grey.png", "--hints", "hints.png", "--mask", "half.png", "--out", "out.png", "--json"]
    assert run(model, "colorize", *arguments) == 0
    out, grey = pixels("out.png"), pixels("grey.png")
    assert np.array_equal(out[:, 20:], grey[:, 20:])
    seen = chroma(out[8:18, 10:12])
    assert (seen[..., 0] >= seen[..., 1] - 2).all()
    assert seen[..., 0].mean() > 10
    assert read_recipe(Path("out.png")).hints_sha256


def test_hints_brushed_over_the_grey_picture_are_what_is_not_grey(folder) -> None:
    painted = np.array(Image.open("grey.png").convert("RGB"))
    painted[3:9, 4:12] = (30, 90, 220)
    Image.fromarray(painted).save("painted.png")
    hints = read_hints("painted.png", Rect(0, 0, 40, 30))
    assert (hints[..., 3] > 0).sum() == 6 * 8
    assert (hints[3:9, 4:12] == (30, 90, 220, 255)).all()


@pytest.mark.parametrize("scale", [2, 4])
def test_upscale_gives_the_small_picture_when_shrunk(folder, model, scale, capsys) -> None:
    arguments = ["--image", "small.png", "--scale", str(scale), "--out", "big.png", "--json"]
    assert run(model, "upscale", *arguments) == 0
    out, small = pixels("big.png"), pixels("small.png")
    assert out.shape == (9 * scale, 12 * scale, 4)
    assert np.array_equal(block_sums(out, scale), small.astype(int) * scale**2)
    recipe = json.loads(capsys.readouterr().out)["recipes"][0]
    assert (recipe["mode"], recipe["scale"]) == ("upscale", scale)
    assert recipe["sampling"]["strength"] == MODES["upscale"].strength


def test_a_mask_in_pixels_of_the_small_picture_says_where_detail_is_added(folder, model) -> None:
    for strength in ("0", "0.8"):
        arguments = ["--image", "small.png", "--scale", "4", "--mask", "mask.png", "--strength", strength]
        assert run(model, "upscale", *arguments, "--out", f"big{strength}.png") == 0
    plain, detailed = pixels("big0.png"), pixels("big0.8.png")
    assert np.array_equal(plain[:, :20], detailed[:, :20])
    assert not np.array_equal(plain[:, 28:], detailed[:, 28:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("colorize --image grey.png --hints small.png --out out.png", "12×9 pixels and the picture 40×30"),
        ("colorize --image grey.png --hints nothing.png --out out.png", "have no colour in them"),
        ("colorize --image grey.png --hints grey.png --out out.png", "have no colour in them"),
        ("colorize --image grey.png --hints gone.png --out out.png", "gone.png does not exist"),
        ("colorize --image grey.png --fit 99 --out out.png", "Fit must be a whole number from 0 to 10"),
        ("upscale --image small.png --scale 3 --out out.png", "--scale"),
        ("upscale --image small.png --scale 2 --shrink box --out out.png", "'box'"),
        ("upscale --image small.png --mask hints.png --out out.png", "they must be of one size"),
        ("upscale --image small.png --frame 1,1,1,1 --out out.png", "Less than 2 pixels"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_2(folder, model, capsys, arguments, words) -> None:
    assert main([*arguments.split(), "--model", model]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("paintdiff: ")
    assert err.count("\n") == 1
    assert not list(folder.glob("out*"))
