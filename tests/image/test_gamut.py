"""Colours keep their luma and their hue on the way into the gamut and into 8 bits."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paintdiff.image.gamut import LUMA, chroma, luma, saturation_room, with_luma

SEEDS = st.integers(0, 2**16)


def colours(seed: int, spread: float) -> np.ndarray:
    """(40, 50, 3) float32 of every kind: far outside the gamut, greys, primaries, black and white."""
    rng = np.random.default_rng(seed)
    rgb = rng.normal(127, spread, (40, 50, 3)).astype(np.float32)
    rgb[:4] = rgb[:4, :, :1]
    rgb[4:8] = rng.choice([0, 255], (4, 50, 3))
    return rgb


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 300))
def test_the_8_bit_luma_is_the_wanted_one(seed, spread) -> None:
    wanted = np.random.default_rng(seed + 1).integers(0, 256, (40, 50)).astype(np.uint8)
    out = with_luma(chroma(colours(seed, spread)), wanted.astype(np.float32))
    error = np.abs(luma(out) - wanted)
    assert error.max() < 0.5
    assert error.mean() < 0.1
    grey = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)
    assert (np.abs(grey.astype(int) - wanted) <= 1).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 300))
def test_a_luma_between_two_levels_is_met_to_half_a_level(seed, spread) -> None:
    wanted = np.random.default_rng(seed + 1).uniform(0, 255, (40, 50)).astype(np.float32)
    error = np.abs(luma(with_luma(chroma(colours(seed, spread)), wanted)) - wanted)
    assert error.max() < 0.5
    assert error.mean() < 0.1


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0, 300))
def test_the_hue_stays_and_nothing_grows_more_colourful(seed, spread) -> None:
    wanted = np.random.default_rng(seed + 1).uniform(0, 255, (40, 50)).astype(np.float32)
    before = chroma(colours(seed, spread))
    after = with_luma(before, wanted) - wanted[..., None]
    room = saturation_room(before, wanted)
    assert ((room >= 0) & (room <= 1)).all()
    assert np.abs(after - before * room[..., None]).max() <= 1.01  # one level of rounding


def test_what_is_in_the_gamut_stays_to_within_rounding() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    out = with_luma(chroma(rgb), luma(rgb))
    assert np.abs(out.astype(int) - rgb).max() <= 1
    assert (out == rgb).mean() > 0.9


def test_greys_stay_grey_and_black_and_white_have_no_colour() -> None:
    levels = np.arange(256, dtype=np.float32)[None]
    greys = with_luma(np.zeros((1, 256, 3), np.float32), levels)
    assert (greys == levels[..., None]).all()
    red = np.broadcast_to(chroma(np.array([255.0, 0, 0])), (1, 2, 3))
    assert with_luma(red, np.array([[0.0, 255.0]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_the_luma_is_that_of_greyscale_conversions() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert np.abs(np.rint(luma(rgb)) - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)).max() <= 1
    assert sum(LUMA) == pytest.approx(1)
