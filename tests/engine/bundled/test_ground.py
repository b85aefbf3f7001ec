"""Smooth grounds carried on into a hole, and whether their doubt is true."""

import numpy as np
import pytest

from paintdiff.engine.bundled.ground import ground
from paintdiff.training.backgrounds import background_of

SIDE = 64
HOLE = np.zeros((SIDE, SIDE), bool)
HOLE[18:40, 25:48] = True


def of(kind: str, seed: int) -> np.ndarray:
    return background_of(kind, SIDE, np.random.default_rng(seed)).pixels.clip(0, 255).astype(np.uint8)


def off(picture: np.ndarray, guess: np.ndarray, hole: np.ndarray = HOLE) -> float:
    return float(np.abs(guess - picture)[hole].mean())


@pytest.mark.parametrize(("kind", "most"), [("plain", 0.5), ("linear", 1.0), ("radial", 2.5), ("texture", 12.0)])
def test_a_ground_goes_on_as_near_as_its_kind_allows(kind: str, most: float) -> None:
    pictures = [of(kind, seed) for seed in range(5)]
    assert np.mean([off(picture, ground(picture, HOLE).colours) for picture in pictures]) < most


def test_the_doubt_is_about_as_large_as_the_error() -> None:
    kinds = ("linear", "radial", "texture", "bokeh", "checks", "stripes")
    made = [(picture, ground(picture, HOLE)) for kind in kinds for picture in (of(kind, 1), of(kind, 2))]
    errors = np.array([off(picture, behind.colours) for picture, behind in made])
    doubts = np.array([float(behind.doubt[HOLE].mean()) for _, behind in made])
    assert np.corrcoef(errors, doubts)[0, 1] > 0.7
    assert 0.5 < doubts.sum() / errors.sum() < 2


def test_a_hole_with_next_to_nothing_around_it_is_all_doubt() -> None:
    hole = np.ones((SIDE, SIDE), bool)
    hole[:3, :3] = False
    behind = ground(of("linear", 0), hole)
    assert behind.colours.shape == (SIDE, SIDE, 3)
    assert np.isinf(behind.doubt).all()
