"""The whole way on ten sprites drawn here: sprites, vocabulary, training, export, sheet; no network needed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from paintdiff.engine.bundled.enlarger_network import EnlargerConfig
from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.bundled.picture_library import load_library
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.engine.model import load_model
from paintdiff.training import shapes
from paintdiff.training.__main__ import main
from paintdiff.training.sources import LARGE, LARGE_SPRITES, SPRITE_SIZE, Sprite, load_sprites, save_sprites, trimmed
from paintdiff.training.vocabulary import learn_vocabulary, own_words


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared cache folder, as `prepare` leaves it."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    names = list(shapes.SHAPES)[:10]
    sprites = [Sprite(name, (), "", f"{k:x}", shapes.draw(name, "red", rng)) for k, name in enumerate(names)]
    save_sprites(sprites, folder / "sprites.npz")
    save_sprites([replace(s, pixels=shapes.draw(s.name, "red", rng, LARGE)) for s in sprites], folder / LARGE_SPRITES)
    learn_vocabulary(own_words(), size=800).save(str(folder / "tokenizer.json"))
    return folder


def test_sprites_survive_the_disk(data: Path) -> None:
    sprites = load_sprites(data / "sprites.npz")
    assert [sprite.name for sprite in sprites] == list(shapes.SHAPES)[:10]
    assert all(sprite.pixels.shape == (SPRITE_SIZE, SPRITE_SIZE, 4) for sprite in sprites)


def test_a_toy_run_goes_from_sprites_to_a_model_and_a_sheet(data: Path, tmp_path: Path) -> None:
    common = ["--data", str(data), "--workers", "0", "--device", "cpu"]
    assert main(["train", "--steps", "2", *common]) == 0
    assert main(["train", "--steps", "1", "--resume", *common]) == 0
    assert main(["sheet", "--sample-steps", "1", *common]) == 0
    assert main(["export", "--out", str(tmp_path / "model"), *common]) == 0

    with Image.open(data / "runs/first-light/sheet.png") as sheet:
        assert min(sheet.size) > 500
    assert main(["enlarger", "--steps", "1", "--out", str(tmp_path / "model"), *common]) == 0
    assert main(["enlarger", "--steps", "1", "--resume", "--out", str(tmp_path / "model"), *common]) == 0

    config = json.loads((tmp_path / "model/config.json").read_text())
    assert config["trained_steps"] == 3
    assert (config["kind"], config["prediction"], config["schedule"]) == ("fill", "x0", {"kind": "flow"})
    weights = load_file(tmp_path / "model" / config["weights"])
    assert {value.dtype for value in weights.values()} == {torch.bfloat16}
    staged = load_model(str(tmp_path / "model"), "cpu")
    assert staged.enlarge is not None
    assert staged.enlarge.network.config == EnlargerConfig()
    library = load_library(tmp_path / "model" / config["pictures"])
    assert len(library.entries) == 10 + 3 * len(shapes.SHAPES)
    network = FillNetwork(FillNetworkConfig(**config["network"]))
    network.load_state_dict(weights)
    tokens = Tokenizer.from_file(tmp_path / "model" / config["tokenizer"]).encode(["a red apple", ""])
    assert network.encode_text(tokens).shape[:2] == tokens.shape


def test_training_without_prepared_data_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--steps", "1", "--data", str(tmp_path)]) == 2
    assert "prepare" in capsys.readouterr().err


def test_a_sprite_is_trimmed_centred_and_premultiplied() -> None:
    picture = np.zeros((100, 100, 4), np.uint8)
    picture[10:30, 50:90] = (200, 100, 0, 128)
    sprite = trimmed(picture)
    assert sprite is not None
    assert sprite[72, 72].tolist() == [100, 50, 0, 128]
    rows, columns = np.nonzero(sprite[..., 3])
    assert (columns.min(), columns.max()) == (0, SPRITE_SIZE - 1)
    assert (rows.min(), rows.max()) == (36, 107)


def test_an_empty_picture_is_no_sprite() -> None:
    assert trimmed(np.zeros((50, 50, 4), np.uint8)) is None
