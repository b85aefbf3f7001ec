"""What the parts of an evaluation measure, on pictures whose value is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled import colours
from paintdiff.training import nearest, shapes
from paintdiff.training.colour_words import hue_of
from paintdiff.training.contact_sheet import GAP, LINE, contact_sheet
from paintdiff.training.continued import row_of
from paintdiff.training.holes import hole_in, hole_in_photograph, hole_in_scene
from paintdiff.training.prompt_following import on_ground
from paintdiff.training.prompted import commonest, ground_of
from paintdiff.training.scenes import Scene
from paintdiff.training.sources import Sprite


def thing(name: str, colour: str = "red", form: int = 0) -> np.ndarray:
    return shapes.draw(name, colour, np.random.default_rng(form))


def test_the_truth_has_no_error_and_opencvs_guess_has_that_of_opencv() -> None:
    scenes = [hole_in("checks", 48, np.random.default_rng(k)) for k in range(2)]
    best = row_of("checks", scenes, [np.stack([scene.picture] * 2) for scene in scenes])
    assert (best.l1["model"], best.ssim["model"], best.seam) == (0, pytest.approx(1), pytest.approx(1))
    guesses = [cv2.inpaint(scene.picture, scene.mask, 5, cv2.INPAINT_TELEA)[None] for scene in scenes]
    same = row_of("checks", scenes, guesses)
    assert same.l1["model"] == same.l1["Telea"] > 0
    assert same.ssim["model"] == same.ssim["Telea"] < 1
    assert same.classical == min(same.l1["Telea"], same.l1["Navier-Stokes"])


def test_the_mean_of_samples_counts_and_not_their_single_errors() -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[8:20, 8:20] = 1
    scene = Scene(np.full((32, 32, 3), 100, np.uint8), mask, "")
    either_side = np.stack([np.full_like(scene.picture, level) for level in (80, 120)])
    assert row_of("plain", [scene], [either_side]).l1["model"] == 0


def test_a_seam_is_seen() -> None:
    scene = hole_in("plain", 32, np.random.default_rng(0))
    off = np.where(scene.mask[..., None] > 0, scene.picture ^ 32, scene.picture)
    assert row_of("plain", [scene], [off[None]]).seam > 5


def test_a_hole_in_a_scene_hides_next_to_nothing_of_its_things() -> None:
    sprite = Sprite("circle", (), "", "1", np.full((72, 72, 4), 255, np.uint8))
    for seed in range(8):
        with_things = hole_in_scene([sprite], 64, np.random.default_rng(seed))
        white = (with_things.picture == 255).all(-1)
        assert (white & (with_things.mask > 0)).sum() <= 0.15 * 64 * 64


def test_a_crop_of_a_photograph_is_part_of_it_made_small() -> None:
    photograph = np.zeros((90, 300, 3), np.uint8)
    photograph[..., 0] = np.linspace(0, 255, 300).astype(np.uint8)
    scene = hole_in_photograph([photograph], 32, np.random.default_rng(3))
    assert scene.picture.shape == (32, 32, 3)
    assert 10 < int(np.ptp(scene.picture[..., 0])) <= 255 * 90 / 300 + 2
    assert scene.picture[..., 1:].max() == 0


@pytest.mark.parametrize("word", ["red", "blue", "green"])
def test_the_hue_of_a_thing_on_grey_is_its_own(word: str) -> None:
    layer = thing("circle", word).astype(np.float32)
    picture = layer[..., :3] + 225 * (1 - layer[..., 3:] / 255)
    assert hue_of(picture.astype(np.uint8)) == word
    assert hue_of(np.full((8, 8, 3), 225, np.uint8)) == ""


def test_the_commonest_hue_ignores_grey() -> None:
    sprite = thing("circle", "blue")
    sprite[:30] = (200, 200, 200, 255)
    assert colours.commonest_hue(sprite) == "blue"
    sprite[:] = (90, 90, 90, 255)
    assert colours.commonest_hue(sprite) == ""


def test_a_copy_is_found_wherever_it_lies_and_mirrored_too() -> None:
    sprites = [thing(name, colour) for name, colour in (("star", "red"), ("fish", "blue"), ("house", "green"))]
    seen = nearest.Nearest(nearest.of_sprites(sprites))
    ground = ground_of(0, 96)
    copies = [on_ground(sprite, 0, 96) for sprite in sprites]
    mirrored = [on_ground(sprite[:, ::-1], 0, 96) for sprite in sprites]
    for pictures in (copies, mirrored):
        found, distances = seen.find(np.stack([nearest.of_painted(picture, ground) for picture in pictures]))
        assert found.tolist() == [0, 1, 2]
        assert distances.max() < 20
    other = nearest.of_painted(on_ground(thing("tree", "purple"), 0, 96), ground)
    assert seen.find(other[None])[1][0] > 30


def test_the_commonest_names_are_those_that_are_learnt_and_that_the_judge_has_most_pictures_of() -> None:
    blank = np.zeros((4, 4, 4), np.uint8)
    names = ("cat", "cat", "dog", "dog", "owl", "abacus", "abacus", "abacus", "fox")
    judging = [Sprite(name, (), "x", str(k), blank) for k, name in enumerate(names)]
    seen = [Sprite(name, (), "", name, blank) for name in ("cat", "dog", "owl", "abacus")]
    assert commonest(judging, seen, 2) == ("cat", "dog")
    assert commonest(judging, seen, 9) == ("cat", "dog", "owl")


def test_a_contact_sheet_shows_its_pictures_as_they_are() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40, 40, 3), np.uint8) for _ in range(3)]
    sheet = np.asarray(contact_sheet([(f"picture {k}", p) for k, p in enumerate(pictures)], 2, side=80))
    large = pictures[2].repeat(2, axis=0).repeat(2, axis=1)
    top = GAP + (80 + GAP + LINE) + LINE
    assert np.array_equal(sheet[top : top + 80, GAP : GAP + 80], large)
