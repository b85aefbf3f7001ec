"""The outsider that names painted pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from paintdiff.training import shapes
from paintdiff.training.judging_sets import JUDGING_SETS, judging_sprites
from paintdiff.training.recognizer import Recognizer, RecognizerNetwork, trained_recognizer
from paintdiff.training.sources import PACKAGES, Sprite


def sprites(names: tuple[str, ...] = ("star", "circle")) -> list[Sprite]:
    drawn = [(name, shapes.draw(name, "blue", np.random.default_rng(0))) for name in names]
    return [Sprite(name, (), "x", str(k), pixels) for k, (name, pixels) in enumerate(drawn)]


def test_training_goes_on_where_it_was_and_is_not_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recognizer.safetensors"
    first = trained_recognizer(sprites(), path, steps=2)
    assert "step 2 of 2" in capsys.readouterr().out
    again = trained_recognizer(sprites(), path, steps=2)
    assert capsys.readouterr().out == ""
    assert again.names == ("circle", "star")
    for ours, theirs in zip(first.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
    trained_recognizer(sprites(("star", "circle", "heart")), path, steps=1)  # other names: from the start
    assert "step 1 of 1" in capsys.readouterr().out


@pytest.mark.slow
def test_it_learns_to_tell_two_shapes_apart(tmp_path: Path) -> None:
    recognizer = trained_recognizer(sprites(), tmp_path / "recognizer.safetensors", steps=40)
    pictures = []
    for name in ("star", "circle"):
        layer = shapes.draw(name, "blue", np.random.default_rng(1)).astype(np.float32)
        pictures.append((layer[..., :3] + 200 * (1 - layer[..., 3:] / 255)).astype(np.uint8))
    assert recognizer.ranks(pictures, ["star", "circle"]).tolist() == [0, 0]


def test_a_rank_is_the_number_of_names_that_fit_better_and_the_last_for_one_that_is_not_known() -> None:
    network = RecognizerNetwork(3, widths=(4, 4, 4, 4)).eval()
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data[:] = torch.tensor([1.0, 3.0, 2.0])
    recognizer = Recognizer(network, ("cat", "dog", "owl"))
    picture = np.zeros((96, 96, 3), np.uint8)
    assert recognizer.ranks([picture] * 4, ["dog", "owl", "cat", "tree"]).tolist() == [0, 1, 2, 3]


def test_the_judging_sets_are_none_that_the_model_learns_from() -> None:
    assert not set(JUDGING_SETS) & set(PACKAGES)


def test_names_of_judging_sets_are_matched_by_code_points_and_else_by_label(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")

    def write(path: str, content: object) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")

    write("emojibase-data/meta/groups.json", {"subgroups": {"1": "animal-mammal", "2": "food-fruit"}})
    write("emojibase-data/en/data.json", [
        {"label": "lion", "hexcode": "1F981", "subgroup": 1}, {"label": "red apple", "hexcode": "1F34E", "subgroup": 2},
    ])  # fmt: skip
    drawing = {"body": '<circle cx="8" cy="8" r="7" fill="#d22"/>'}
    for number, package in enumerate(JUDGING_SETS):
        names = [("fruit-17", "lion"), ("redapple", "lion-face"), ("red-apple-1", "red-apple-2")][min(number, 2)]
        write(f"{package}/icons.json", {"icons": dict.fromkeys(names, drawing)})
        write(f"{package}/chars.json", {"1f34e": "fruit-17"} if number == 0 else {})
    found = [(sprite.style, sprite.name) for sprite in judging_sprites(tmp_path)]
    sets = [package.rpartition("/")[2] for package in JUDGING_SETS]
    assert sorted(found) == sorted(
        [(name, noun) for name in sets[:2] for noun in ("apple", "lion")]
        + [(name, "apple") for name in sets[2:] for _ in range(2)]
    )
