"""The table of figures on a tiny random model, and each figure on pictures whose value is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.training import shapes
from paintdiff.training.__main__ import main
from paintdiff.training.evaluate import PARTS
from paintdiff.training.figures import Figure, Part, markdown, save
from paintdiff.training.sources import LARGE, LARGE_SPRITES, SPRITE_SIZE, Sprite, save_sprites
from tests.tiny_model import tiny_enlarger, tiny_model

NAMES = ("apple", "star", "heart", "house", "balloon")


def sprites(style: str, first: int, side: int = SPRITE_SIZE) -> list[Sprite]:
    """Four drawn things of each name; about one in twenty is held out."""
    rng = np.random.default_rng(first)
    pictures = [(name, shapes.draw(name, "red", rng, side)) for name in NAMES for _ in range(4)]
    return [Sprite(name, (), style, f"{first + k:x}", pixels) for k, (name, pixels) in enumerate(pictures)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a short evaluation of every part writes."""
    folder = tmp_path_factory.mktemp("evaluation")
    data = folder / "data"
    (data / "judging").mkdir(parents=True)
    known = [*sprites("", 0), *sprites("flat", 100)]
    assert 0 < sum(sprite.held_out for sprite in known) < len(known)
    save_sprites(known, data / "sprites.npz")
    save_sprites([*sprites("", 0, LARGE), *sprites("flat", 100, LARGE)], data / LARGE_SPRITES)
    save_sprites(sprites("other", 200), data / "judging/sprites.npz")
    model = tiny_enlarger(tiny_model(folder / "tiny", size=32))
    few = ["--pictures", "1", "--samples", "1", "--nouns", "3", "--steps", "1", "--workers", "0", "--offline"]
    assert main(["evaluate", "--model", str(model), "--data", str(data), "--device", "cpu", *few]) == 0
    return data / "evaluation/tiny"


def test_one_command_measures_every_part_and_writes_the_table_and_the_sheets(written: Path) -> None:
    report = json.loads((written / "report.json").read_text())
    assert list(report) == list(PARTS)
    table = (written / "report.md").read_text()
    for part in report.values():
        for figure in part["figures"]:
            assert f"| {figure['what']} | {figure['value']} |" in table
    assert {path.stem for path in written.glob("*.png")} == {
        "continuation", "prompts", "prompts-real", "colours", "removal", "diversity", "nearest", "colorization",
        "upscaling", "large",
    }  # fmt: skip
    for path in written.glob("*.png"):
        with Image.open(path) as sheet:
            assert min(sheet.size) > 100


def test_a_model_of_random_weights_is_told_so(written: Path) -> None:
    report = json.loads((written / "report.json").read_text())
    verdicts = {figure["what"]: figure["met"] for part in report.values() for figure in part["figures"]}
    assert verdicts["continuation: gradients"] is False
    assert verdicts["colour words"] is False
    assert verdicts["diversity: plain copies of a training picture"] is True
    assert report["continuation"]["figures"][-1]["met"] is None  # there are no photographs offline


def test_parts_that_are_not_measured_again_stay_in_the_report(tmp_path: Path) -> None:
    save([Part("a", (Figure("x", "1"),)), Part("b", ())], "first", tmp_path)
    save([Part("b", (Figure("y", "2", "3", True, "how"),))], "second", tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert [(name, part["about"]) for name, part in report.items()] == [("a", "first"), ("b", "second")]
    assert report["b"]["figures"][0]["target"] == "3"


def test_the_table_says_which_targets_are_met() -> None:
    figures = (Figure("x", "1", "2", True), Figure("y", "1", "0", False), Figure("z", "1"))
    lines = markdown([Part("part", figures, "details")], "about").splitlines()
    assert [line.split("|")[4].strip() for line in lines[4:7]] == ["met", "**missed**", ""]
    assert lines[-3:] == ["### Part", "", "details"]


def test_a_part_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--only", "outpaint"])
    assert "continuation" in capsys.readouterr().err
