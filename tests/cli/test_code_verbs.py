"""encode, decode, edit and likelihood, from files to files, on a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from paintdiff.__main__ import COMMAND_LINE, main
from paintdiff.cli.dispatch import VERBS
from paintdiff.document.save import read_recipe
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that answers softly, so that its codes lead back."""
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    weights = load_file(folder / "model.safetensors")
    weights["leave.weight"] = weights["leave.weight"] * np.float32(0.1)
    save_file(weights, folder / "model.safetensors")
    return str(folder)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a smooth in.png (40x30), another.png and a mask.png over the middle."""
    y, x = np.mgrid[0:30, 0:40]
    smooth = np.dstack([4 * x + 40, 5 * y + 60, 200 - 2 * x]).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "in.png")
    Image.fromarray(smooth[::-1]).save(tmp_path / "another.png")
    mask = np.zeros((30, 40), np.uint8)
    mask[8:20, 10:30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels(name: str) -> np.ndarray:
    return np.array(Image.open(name).convert("RGB")).astype(int)


def encode(model: str, *more: str, image: str = "in.png", out: str = "code.safetensors") -> int:
    return main(["encode", "--image", image, "--out", out, "--model", model, "--device", "cpu", "--steps", "8", *more])


def test_a_code_gives_the_picture_back_and_another_prompt_another(folder, model, capsys) -> None:
    assert encode(model, "--prompt", "a dog", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["round_trip_rms_levels"] < 2
    assert report["shape"] == [3, 16, 16]
    assert report["network_evaluations"] > 8
    assert main(["decode", "--code", "code.safetensors", "--out", "back.png"]) == 0
    assert np.sqrt(np.square(pixels("back.png") - pixels("in.png")).mean()) < 8, "but for the model's resolution"
    assert main(["decode", "--code", "code.safetensors", "--out", "other.png", "--prompt", "a red apple"]) == 0
    assert not np.array_equal(pixels("other.png"), pixels("back.png"))
    recipe = read_recipe(Path("other.png"))
    assert (recipe.sampling.source, recipe.sampling.prompt, recipe.sampling.guidance) == ("a dog", "a red apple", 3.0)
    assert recipe.code_sha256
    assert recipe.model == model


def test_decoding_inside_a_mask_keeps_the_rest_at_full_size(folder, model) -> None:
    mask = np.array(Image.open("mask.png"))
    assert encode(model) == 0
    decode = ["decode", "--code", "code.safetensors", "--prompt", "a red apple", "--feather", "0"]
    assert main([*decode, "--mask", "mask.png", "--out", "out.png"]) == 0
    assert np.array_equal(pixels("out.png")[mask == 0], pixels("in.png")[mask == 0])
    assert not np.array_equal(pixels("out.png"), pixels("in.png"))
    assert encode(model, "--mask", "mask.png", out="part.safetensors") == 0
    assert main(["decode", "--code", "part.safetensors", "--prompt", "a red apple", "--out", "part.png"]) == 0
    assert np.array_equal(pixels("part.png")[mask == 0], pixels("in.png")[mask == 0]), "the code remembers its mask"


def test_half_way_between_two_codes_lies_neither_picture(folder, model) -> None:
    assert encode(model) == encode(model, image="another.png", out="code2.safetensors") == 0
    decode = ["decode", "--code", "code.safetensors", "--code-2", "code2.safetensors"]
    away = {}
    for mix in ("0", "0.5", "1"):
        assert main([*decode, "--mix", mix, "--out", "mix.png"]) == 0
        away[mix] = [float(np.abs(pixels("mix.png") - pixels(name)).mean()) for name in ("in.png", "another.png")]
    assert away["0"][0] < 5 < away["0"][1]
    assert away["1"][1] < 5 < away["1"][0]
    assert min(away["0.5"]) > 5


def test_edit_is_both_in_one(folder, model, capsys) -> None:
    edit = ["edit", "--image", "in.png", "--mask", "mask.png", "--out", "out.png", "--model", model, "--steps", "4"]
    assert main([*edit, "--source", "a dog", "--prompt", "a cat", "--candidates", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["outputs"] == ["out.png"]
    assert "one outcome" in report["notices"][0]
    assert not Path("out-2.png").exists()
    mask = np.array(Image.open("mask.png"))
    assert np.array_equal(pixels("out.png")[mask == 0], pixels("in.png")[mask == 0])


def test_likelihood_says_bits_and_draws_what_surprises(folder, model, capsys) -> None:
    measure = ["likelihood", "--image", "in.png", "--model", model, "--device", "cpu"]
    assert main([*measure, "--map", "map.png", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["dimensions"] == 16 * 12 * 3
    assert report["bits_per_dim"] == pytest.approx(-report["log_p_nats"] / report["dimensions"] / np.log(2))
    assert report["standard_error"] > 0
    drawn = pixels("map.png")
    assert drawn.shape == (30, 40, 3)
    assert np.ptp(drawn) > 100
    assert main([*measure, "--mask", "mask.png"]) == 0
    said = capsys.readouterr().out
    assert "bits for each of" in said
    assert int(said.split("of ")[1].split()[0]) < report["dimensions"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("encode --image in.png --out code.png", ".safetensors"),
        ("encode --image in.png --out nowhere/code.safetensors", "folder nowhere"),
        ("encode --image none.png --out code.safetensors", "none.png does not exist"),
        ("encode --image in.png --out code.safetensors --guidance 3", "--guidance"),
        ("decode --code none.safetensors --out out.png", "There is no file none.safetensors"),
        ("decode --code in.png --out out.png", "does not hold the code"),
        ("decode --code good.safetensors --out out.jpg", "PNG"),
        ("decode --code good.safetensors --code-2 good.safetensors --out out.png", "--mix"),
        ("decode --code good.safetensors --mix 0.5 --out out.png", "--code-2"),
        ("decode --code good.safetensors --code-2 good.safetensors --mix 2 --out out.png", "from 0 to 1"),
        ("decode --code good.safetensors --code-2 other.safetensors --mix 0.5 --out out.png", "of the model else"),
        ("decode --code good.safetensors --out out.png --mask wrong.png", "one size"),
        ("decode --code other.safetensors --out out.png", "No model is called 'else'"),
        ("decode --code noise.safetensors --out out.png", "does not hold the code"),
        ("decode --code frame.safetensors --out out.png", "does not hold the code"),
        ("decode --code shape.safetensors --out out.png", "another model"),
        ("likelihood --image in.png --map map.jpg", "PNG"),
        ("likelihood --image in.png --mask wrong.png", "one size"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_2(folder, model, capsys, arguments, words) -> None:
    good = {
        "version": 1, "model": model, "source": "", "round_trip": 0.1, "evaluations": 3,
        "frame": {"x": 0, "y": 0, "w": 40, "h": 30}, "sampling": {"steps": 2},
    }  # fmt: skip
    arrays = {"noise": np.zeros((3, 16, 16), np.float32), "picture": np.zeros((30, 40, 4), np.uint8)}

    def write(name: str, noise: np.ndarray = arrays["noise"], **changed: object) -> None:
        save_file(arrays | {"noise": noise}, f"{name}.safetensors", {"paintdiff.code": json.dumps(good | changed)})

    write("good")
    write("other", model="else")
    write("noise", noise=np.full((3, 16, 16), np.nan, np.float32))
    write("frame", frame={"x": 9, "y": 0, "w": 40, "h": 30})
    write("shape", noise=np.zeros((4, 8, 8), np.float32))
    Image.new("L", (10, 10), 255).save("wrong.png")
    before = sorted(folder.iterdir())
    assert main(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("paintdiff: ")
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_every_verb_reaches_the_command_line() -> None:
    assert {verb.name for verb in VERBS} <= set(COMMAND_LINE)
