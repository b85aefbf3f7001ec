"""Guesses of what a hole hides, from the picture around it."""

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled.continuation import SURE, continued
from paintdiff.training.backgrounds import background_of

SIDE = 64
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[20:45, 25:50] = True
BAND = np.zeros((SIDE, SIDE), bool)
BAND[:, 46:] = True


def stripes(period: int) -> np.ndarray:
    bright = (np.add.outer(np.arange(SIDE), np.arange(SIDE)) // (period // 2)) % 2
    return np.where(bright[..., None] > 0, np.uint8(220), np.uint8(30)).repeat(3, axis=2)


def straight(guess: np.ndarray) -> np.ndarray:
    """(S, S, 3) float in 0..255, where there is a guess."""
    return guess[..., :3] / np.maximum(guess[..., 3:] / 255, 1e-6)


@pytest.mark.parametrize("period", [8, 12, 20])
def test_a_pattern_goes_on_as_it_was(period: int) -> None:
    picture = stripes(period)
    guess = continued(picture, HOLE)
    assert (guess[HOLE][:, 3] > 0).all()
    assert np.abs(straight(guess)[HOLE] - picture[HOLE]).mean() < 8


def test_nothing_under_the_hole_is_read() -> None:
    one, two = stripes(12), stripes(12)
    two[HOLE] = 99
    assert np.array_equal(continued(one, HOLE), continued(two, HOLE))


def test_a_gradient_goes_on_without_a_step() -> None:
    picture = np.repeat(np.linspace(40, 200, SIDE)[None, :, None], SIDE, 0).repeat(3, 2).astype(np.uint8)
    assert np.abs(straight(continued(picture, HOLE))[HOLE] - picture[HOLE]).max() < 12


@pytest.mark.parametrize("hole", [HOLE, BAND], ids=["hole", "side band"])
def test_a_linear_and_a_radial_gradient_go_on_exactly_and_surely(hole: np.ndarray) -> None:
    down, right = np.mgrid[:SIDE, :SIDE]
    for slope in (30 + 2 * down + right, 230 - 2.2 * np.hypot(down - 22, right - 30)):
        picture = np.stack([slope, 255 - slope, slope / 2], -1).round().astype(np.uint8)
        guess = continued(picture, hole)
        assert np.abs(straight(guess)[hole] - picture[hole]).mean() < 3
        assert guess[hole][:, 3].mean() > 0.95 * 255 * SURE


def test_what_stands_before_a_gradient_does_not_bend_it_and_is_not_copied_into_the_hole() -> None:
    picture = np.repeat(np.linspace(40, 200, SIDE)[:, None, None], SIDE, 1).repeat(3, 2).astype(np.uint8)
    sky = picture.copy()
    cv2.ellipse(picture, (14, 20), (7, 5), 0, 0, 360, (255, 255, 255), -1)
    cv2.ellipse(picture, (57, 52), (6, 5), 0, 0, 360, (255, 255, 255), -1)
    assert np.abs(straight(continued(picture, HOLE))[HOLE] - sky[HOLE]).mean() < 3


def test_a_thing_beside_a_plain_side_band_is_not_copied_into_it() -> None:
    plain = np.full((SIDE, SIDE, 3), 70, np.uint8)
    picture = plain.copy()
    picture[20:40, 12:32] = (250, 180, 60)
    band = np.zeros((SIDE, SIDE), bool)
    band[:, 42:] = True
    assert np.abs(straight(continued(picture, band))[band] - plain[band]).mean() < 6


def test_a_thing_that_stands_before_a_pattern_is_not_copied_into_the_hole() -> None:
    pattern = stripes(8)
    picture = pattern.copy()
    cv2.circle(picture, (36, 10), 6, (250, 60, 200), -1)
    assert np.abs(straight(continued(picture, HOLE))[HOLE] - pattern[HOLE]).mean() < 8


def test_a_soft_ground_goes_on_nearer_than_by_navier_stokes() -> None:
    ours, streamed = [], []
    for seed in range(8):
        picture = background_of("texture", SIDE, np.random.default_rng(seed)).pixels.clip(0, 255).astype(np.uint8)
        for hole in (HOLE, BAND):
            known = cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_NS)
            ours.append(np.abs(straight(continued(picture, hole))[hole] - picture[hole]).mean())
            streamed.append(np.abs(known[hole].astype(float) - picture[hole]).mean())
    assert np.mean(ours) < 0.95 * np.mean(streamed)


def test_what_fits_counts_for_more_than_what_does_not() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    sure, unsure = (continued(picture, HOLE)[HOLE][:, 3].mean() for picture in (stripes(12), noise))
    assert unsure < sure <= 255 * SURE + 1


def test_a_hole_with_next_to_nothing_around_it_gets_no_guess_or_a_whole_one() -> None:
    hole = np.ones((SIDE, SIDE), bool)
    assert not continued(stripes(12), hole).any()
    hole[0, 0] = False
    guess = continued(stripes(12), hole)
    assert guess.shape == (SIDE, SIDE, 4)
    assert (guess[..., :3] <= guess[..., 3:]).all()
