"""--control, its picture, and --image-prompt: from the command line to a picture and its recipe."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.cli import main
from paintdiff.cli.controls import parsed_control
from paintdiff.document.save import recipe_in
from paintdiff.generation.controls import FILE, FRAME
from paintdiff.generation.errors import UserError
from tests.tiny_checkpoints import tiny_stable_diffusion
from tests.tiny_controls import tiny_controlnet, tiny_ip_adapter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("controls")
    base = tiny_stable_diffusion(root / "base")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    mask = np.zeros((40, 48), np.uint8)
    mask[8:32, 8:40] = 255
    Image.fromarray(pixels).save(root / "picture.png")
    Image.fromarray(mask).save(root / "mask.png")
    Image.fromarray(pixels[::-1].copy()).save(root / "other.png")
    return {
        "base": base, "canny": tiny_controlnet(root / "my-canny", base), "adapter": tiny_ip_adapter(root / "ip", base),
        "picture": root / "picture.png", "mask": root / "mask.png", "other": root / "other.png",
    }  # fmt: skip


@pytest.fixture
def there(tmp_path, monkeypatch) -> Path:
    """A file that exists, so that its name is taken as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-tile.safetensors").touch()
    return Path("my-tile.safetensors")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my-tile.safetensors", ("tile", 1.0, 0.0, 1.0)),
        ("canny:my-tile.safetensors", ("canny", 1.0, 0.0, 1.0)),
        ("my-tile.safetensors:0.8", ("tile", 0.8, 0.0, 1.0)),
        ("lineart:my-tile.safetensors:.5:0.1-0.6", ("lineart", 0.5, 0.1, 0.6)),
        ("my-tile.safetensors:0:0-0", ("tile", 0.0, 0.0, 0.0)),
    ],
)
def test_what_is_written_of_a_control_is_read(there, text, expected) -> None:
    control = parsed_control(text)
    assert (control.network, control.source) == (str(there), FRAME)
    assert (control.kind, control.weight, control.start, control.until) == expected


@pytest.mark.parametrize(
    "text", ["my-tile.safetensors:3", "my-tile.safetensors:1:0.9-0.1", "depth:my-tile.safetensors"]
)
def test_what_makes_no_sense_is_refused(there, text) -> None:
    with pytest.raises(UserError):
        parsed_control(text)


def inpaint(made, out: Path, *more: object, code: int = 0) -> np.ndarray | None:
    arguments = [
        "inpaint", "--image", made["picture"], "--mask", made["mask"], "--model", made["base"], "--out", out, "--steps",
        2, "--prompt", "red", "--device", "cpu", *more,
    ]  # fmt: skip
    assert main(list(map(str, arguments))) == code
    return None if code else np.array(Image.open(out))


def test_a_control_and_an_image_prompt_change_what_is_painted_and_stand_in_the_recipe(made, tmp_path) -> None:
    plain = inpaint(made, tmp_path / "plain.png")
    led = inpaint(
        made, tmp_path / "led.png", "--control", f"{made['canny']}:0.7:0-0.9", "--control-image", made["other"],
    )  # fmt: skip
    assert led is not None
    assert plain is not None
    assert not np.array_equal(led, plain)
    assert np.array_equal(led[:8], plain[:8])
    with (tmp_path / "led.png").open("rb") as file:
        recipe = recipe_in(file, "led.png")
    assert recipe is not None
    (control,) = recipe.add_ons.controls
    assert (control.kind, control.weight, control.until) == ("canny", 0.7, 0.9)
    assert control.source == FILE + str(made["other"])
    assert len(control.picture_sha256) == 64
    looking = inpaint(
        made, tmp_path / "looking.png", "--image-prompt", made["other"], "--ip-adapter", f"{made['adapter']}:0.9"
    )
    assert not np.array_equal(looking, plain)


def test_a_control_of_weight_0_gives_the_same_bytes_as_none(made, tmp_path) -> None:
    plain = inpaint(made, tmp_path / "plain.png")
    assert np.array_equal(inpaint(made, tmp_path / "none.png", "--control", f"{made['canny']}:0"), plain)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--control-image", "{other}"], "before --control-image"),
        (["--control", "canny:{base}"], "not a valid model"),
        (["--control", "canny:{adapter}"], r"no ControlNet but .*\(IP-Adapter\)"),
        (["--control", "{canny}", "--control-image", "nothing.png"], "does not exist"),
        (["--control", "depth:{canny}"], "behind --control depth:"),
        (["--control", "nothing-of-that-name"], "nothing-of-that-name"),
        (["--image-prompt", "{other}"], "together"),
        (["--image-prompt", "{other}", "--ip-adapter", "{canny}"], "it is a folder"),
    ],
)
def test_what_is_wrong_is_one_sentence_before_anything_is_loaded(made, tmp_path, capsys, more, words) -> None:
    inpaint(made, tmp_path / "out.png", *(part.format(**made) for part in more), code=2)
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert said.count("\n") == 1


def test_the_bundled_model_says_that_it_takes_none(made, tmp_path, capsys) -> None:
    arguments = ["inpaint", "--image", made["picture"], "--mask", made["mask"], "--out", tmp_path / "out.png"]
    assert main([*map(str, arguments), "--steps", "2", "--control", str(made["canny"]), "--device", "cpu"]) == 2
    assert "takes no ControlNets" in capsys.readouterr().err
