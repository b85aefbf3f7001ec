"""Training scenes: what is composed, masked and said."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled import colours
from paintdiff.training import masks, shapes
from paintdiff.training.backgrounds import background
from paintdiff.training.scenes import Placing, SceneMaker, caption, draw_placing, placed


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_scenes_are_pictures_with_a_mask_and_a_prompt() -> None:
    maker, seed = SceneMaker((), size=64), rng()
    scenes = [maker.scene(seed) for _ in range(200)]
    for scene in scenes:
        assert scene.picture.shape == (64, 64, 3)
        assert scene.picture.dtype == np.uint8
        assert scene.mask.shape == (64, 64)
        assert scene.mask.dtype == np.uint8
        assert set(np.unique(scene.mask)) <= {0, 1}
    everything = np.mean([scene.mask.all() for scene in scenes])
    assert 0.12 < everything < 0.4
    prompted = np.mean([scene.prompt != "" for scene in scenes])
    assert 0.35 < prompted < 0.85


def test_the_same_seed_composes_the_same_scene() -> None:
    maker = SceneMaker(())
    one, two = (maker.scene(rng(5)) for _ in range(2))
    assert np.array_equal(one.picture, two.picture)
    assert np.array_equal(one.mask, two.mask)
    assert one.prompt == two.prompt


CENTRED = Placing(20, 20, 24, mirrored=False)


def test_most_prompted_scenes_show_a_picture_of_the_thing_where_it_lies() -> None:
    maker = SceneMaker(())
    scenes = [scene for scene in (maker.scene(rng(seed)) for seed in range(300)) if scene.prompt]
    shown = [scene for scene in scenes if scene.reference is not None and scene.reference.max() > 200]
    assert 0.5 < len(shown) / len(scenes) < 0.85
    solid = [(scene.reference[..., 3] > 200, scene.mask > 0) for scene in shown]
    assert np.median([(seen & mask).sum() / seen.sum() for seen, mask in solid]) > 0.95


def test_without_a_prompt_a_scene_shows_how_the_rest_may_go_on_and_nothing_else() -> None:
    maker = SceneMaker(())
    scenes = [scene for scene in (maker.scene(rng(seed)) for seed in range(100)) if not scene.prompt]
    shown = [scene.reference for scene in scenes if scene.reference is not None]
    assert 0.5 < len(shown) / len(scenes) < 1
    assert all(reference[..., 3].max() <= 128 for reference in shown)


def test_photographs_are_grounds_now_and_then() -> None:
    maker = SceneMaker((), photographs=[np.full((90, 120, 3), (1, 2, 3), np.uint8)])
    seen = [(maker.scene(rng(seed)).picture == (1, 2, 3)).all(-1).mean() > 0.2 for seed in range(100)]
    assert 0.03 < np.mean(seen) < 0.25


@pytest.mark.parametrize("seed", range(30))
def test_a_mask_around_a_thing_covers_it(seed: int) -> None:
    sprite = shapes.draw("star", "yellow", rng(seed))
    _, alpha = placed(np.zeros((64, 64, 3), np.float32), sprite, draw_placing(rng(seed), 64, 30))
    mask = masks.around(alpha, rng(seed))
    assert (mask[alpha > 0.05] == 1).all()
    assert mask.dtype == np.uint8


def test_side_bands_touch_an_edge_and_leave_the_middle() -> None:
    for seed in range(20):
        mask = masks.bands(64, rng(seed))
        assert max(mask[0].all(), mask[-1].all(), mask[:, 0].all(), mask[:, -1].all())
        assert mask[30:34, 30:34].sum() == 0


def test_a_placed_sprite_hides_and_keeps_what_its_alpha_says() -> None:
    ground = np.full((64, 64, 3), 100, np.float32)
    picture, cover = placed(ground, shapes.draw("square", "blue", rng()), CENTRED)
    assert np.array_equal(picture[cover == 0], ground[cover == 0])
    solid = picture[cover == 1]
    assert len(solid) > 150
    assert solid[:, 2].mean() > solid[:, 0].mean() + 50


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_every_shape_is_premultiplied_and_fills_its_square(name: str) -> None:
    sprite = shapes.draw(name, "red", rng())
    assert sprite.dtype == np.uint8
    assert (sprite[..., :3] <= sprite[..., 3:]).all()
    rows = np.flatnonzero(sprite[..., 3].max(1) > 128)
    columns = np.flatnonzero(sprite[..., 3].max(0) > 128)
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) > 60


@pytest.mark.parametrize("word", colours.COLOURS)
def test_a_shape_drawn_in_a_colour_is_called_that_colour(word: str) -> None:
    named = [colours.colour_word(shapes.draw("circle", word, rng(seed))) for seed in range(12)]
    assert named.count(word) >= 8, named


@pytest.mark.parametrize("word", colours.HUED)
def test_a_repainted_sprite_is_called_by_its_new_colour(word: str) -> None:
    sprite = shapes.draw("heart", "red", rng(3))
    after = colours.repainted(sprite, word, rng())
    assert np.array_equal(after[..., 3], sprite[..., 3])
    assert colours.colour_word(after) == word


def test_hsv_agrees_with_opencv() -> None:
    for hue, saturation, value in ((0, 1, 1), (50, 0.5, 0.9), (200, 0.8, 0.4), (330, 0.1, 0.7)):
        expected = cv2.cvtColor(np.float32([[[hue, saturation, value]]]), cv2.COLOR_HSV2RGB)[0, 0] * 255
        np.testing.assert_allclose(colours.hsv_to_rgb(hue, saturation, value), expected, atol=0.5)


def test_captions_vary_and_keep_their_words() -> None:
    seed = rng()
    said = {caption("", "red", "apple", seed) for _ in range(60)}
    assert said == {"red apple", "a red apple", "the red apple"}
    assert {caption("", "", "owl", seed) for _ in range(60)} == {"owl", "an owl", "the owl"}


def test_backgrounds_are_colours_of_the_right_size() -> None:
    seed = rng()
    for _ in range(150):
        ground = background(48, seed)
        assert ground.pixels.shape == (48, 48, 3)
        assert ground.pixels.dtype == np.float32
        assert np.isfinite(ground.pixels).all()
