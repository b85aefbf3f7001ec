"""Each seed's own colours and light: they differ, and the thing is still known by them."""

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled.colours import commonest_word
from paintdiff.engine.bundled.own_colours import lit, recoloured


def blob(colour: tuple[int, int, int]) -> np.ndarray:
    """A shaded ellipse with a soft edge, premultiplied."""
    alpha = np.zeros((64, 64), np.uint8)
    cv2.ellipse(alpha, (32, 32), (28, 18), 30, 0, 360, 255, -1, cv2.LINE_AA)
    shading = np.linspace(0.7, 1.1, 64)[:, None, None]
    straight = np.clip(np.array(colour) * shading * np.ones((64, 64, 1)), 0, 255)
    return np.dstack([straight * (alpha[..., None] / 255), alpha]).astype(np.uint8)


def mean_lab(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(pixels[None, pixels[..., 3] == 255, :3], cv2.COLOR_RGB2LAB)[0].astype(float).mean(0)


@pytest.mark.parametrize("word", ["red", "yellow", "green", "blue"])
def test_a_thing_of_one_colour_keeps_it_nearly_always(word: str) -> None:
    colour = {"red": (205, 40, 40), "yellow": (240, 210, 50), "green": (60, 160, 60), "blue": (50, 110, 215)}[word]
    own = [recoloured(blob(colour), blob(colour), np.random.default_rng(seed)) for seed in range(40)]
    assert np.mean([commonest_word(pixels) == word for pixels in own]) > 0.8
    assert len({pixels.tobytes() for pixels in own}) == 40


def test_colours_go_towards_those_of_the_other_drawing() -> None:
    red, orange = blob((205, 40, 40)), blob((235, 120, 50))
    means = np.mean([mean_lab(recoloured(red, orange, np.random.default_rng(seed))) for seed in range(40)], axis=0)
    way = mean_lab(orange) - mean_lab(red)
    assert 0.2 < (means - mean_lab(red)) @ way / (way @ way) < 0.8


def test_far_hues_do_not_mix_to_mud() -> None:
    red, green = blob((205, 40, 40)), blob((60, 160, 60))
    own = [recoloured(red, green, np.random.default_rng(seed)) for seed in range(20)]
    assert np.mean([commonest_word(pixels) == "red" for pixels in own]) > 0.8


def test_a_grey_thing_stays_greyish() -> None:
    grey = blob((150, 150, 150))
    for seed in range(40):
        own = mean_lab(recoloured(grey, grey, np.random.default_rng(seed)))
        assert np.hypot(*(own[1:] - 128)) < 12


def test_one_side_is_lit_and_the_colour_stays() -> None:
    grey = blob((150, 150, 150))
    shown = lit(grey, np.random.default_rng(3))
    change = (shown[..., 0].astype(int) - grey[..., 0])[grey[..., 3] == 255]
    assert change.max() > 15
    assert change.min() < -15
    assert np.abs(change.mean()) < 5
    assert np.ptp(shown[..., :3].astype(int), axis=-1).max() <= 2


def test_the_outline_stays_and_pixels_stay_premultiplied() -> None:
    thing, rng = blob((240, 210, 50)), np.random.default_rng(0)
    for pixels in (recoloured(thing, blob((90, 200, 90)), rng), lit(thing, rng)):
        assert np.array_equal(pixels[..., 3], thing[..., 3])
        assert (pixels[..., :3] <= pixels[..., 3:]).all()


def test_a_picture_of_nothing_is_left_alone() -> None:
    nothing, rng = np.zeros((16, 16, 4), np.uint8), np.random.default_rng(0)
    assert not recoloured(nothing, blob((9, 9, 9)), rng).any()
    assert not lit(nothing, rng).any()
