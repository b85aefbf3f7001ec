"""The sheets of every mode, and the figures beside them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.training.continuation import table
from paintdiff.training.held_out import HeldOut
from paintdiff.training.mode_sheet import LARGEST, Sheet, drawn, marked, save
from paintdiff.training.modes import SHEETS
from paintdiff.training.similarity import masked_l1, masked_ssim
from paintdiff.training.sources import Sprite
from paintdiff.training.studio import Studio
from tests.tiny_model import tiny_model

NAMES = ("kite", "donkey", "hamburger", "basketball", "house", "duck", "sunflower", "tiger", "parrot")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny", size=64)
    blob = np.zeros((144, 144, 4), np.uint8)
    blob[20:120, 16:132] = (200, 40, 30, 255)
    held_out = HeldOut([Sprite(name, (), "", name, blob) for name in NAMES])
    return Studio(DiffusionEngine(), str(folder), "cpu", held_out, steps=1)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "removal" else pytest.mark.slow) for name in SHEETS]
)
def test_every_mode_has_a_sheet_that_is_small_enough_for_the_docs(studio: Studio, name: str, tmp_path: Path) -> None:
    sheet = SHEETS[name](studio)
    assert sheet.name == name
    assert all(len(pictures) == len(sheet.heads) for _, pictures in sheet.rows)
    assert all(picture.dtype == np.uint8 for _, pictures in sheet.rows for picture in pictures)
    path = save(sheet, tmp_path)
    assert path.name == f"mode-{name}.webp"
    assert path.stat().st_size < LARGEST


def test_a_sheet_shows_its_pictures_as_they_are() -> None:
    rng = np.random.default_rng(0)
    wide, small = rng.integers(0, 256, (20, 50, 3), np.uint8), rng.integers(0, 256, (10, 30, 3), np.uint8)
    image = np.asarray(drawn(Sheet("x", ("a", "b"), (("first", (wide, small)), ("", (small, wide))), zoom=2)))
    large = wide.repeat(2, axis=0).repeat(2, axis=1)
    found = [
        (x, y)
        for y in range(image.shape[0] - 39)
        for x in range(image.shape[1] - 99)
        if np.array_equal(image[y, x], large[0, 0]) and np.array_equal(image[y : y + 40, x : x + 100], large)
    ]
    assert len(found) == 2


def test_a_sheet_that_is_hard_to_pack_is_packed_harder(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    path = save(Sheet("noise", ("",), (("", (noise,)),)), tmp_path)
    assert path.stat().st_size < LARGEST
    assert Image.open(path).size[0] > 500


def test_a_mark_shows_how_much_will_change() -> None:
    ground = np.zeros((1, 3, 3), np.uint8)
    shown = marked(ground, np.array([[0, 100, 255]], np.uint8))[0].sum(axis=1)
    assert shown[0] == 0 < shown[1] < shown[2]


def test_held_out_pictures_are_the_same_each_time_and_differ_by_number(studio: Studio) -> None:
    first, again, other = (studio.held_out.ground("linear", n, 40, 90) for n in (1, 1, 2))
    assert first.shape == (40, 90, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    picture, cover = studio.held_out.placed(first, "duck", 60, 30, 20)
    assert np.array_equal(picture[cover == 0], first[cover == 0])
    assert cover[35, 70] == 1
    assert abs(picture[35, 70] - (200, 40, 30)).max() < 1


def test_similarity_is_1_for_the_same_and_falls_with_noise_and_with_blur_but_not_with_what_is_outside() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 256, (64, 64, 3), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 1
    assert masked_ssim(true, true, mask) == pytest.approx(1)
    assert masked_l1(true, true, mask) == 0
    little, much = ((true + rng.normal(0, s, true.shape)).clip(0, 255).astype(np.uint8) for s in (5, 50))
    assert 1 > masked_ssim(little, true, mask) > masked_ssim(much, true, mask)
    outside = np.where(mask[..., None] > 0, true, 255 - true)
    assert masked_l1(outside, true, mask) == 0
    assert masked_l1(np.where(mask[..., None] > 0, true ^ 1, true), true, mask) == 1


@pytest.mark.slow
def test_the_table_has_a_row_for_each_kind_of_background(studio: Studio) -> None:
    lines = list(table(studio.engine, studio.model, "cpu", pictures=1, samples=1))
    assert {line.count("|") for line in lines} == {10}
    assert len(lines) == 2 + 9
