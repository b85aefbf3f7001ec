"""Layers with edges between them carried on into a hole."""

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled.continuation import continued
from paintdiff.engine.bundled.ground import ground
from paintdiff.engine.bundled.layered_ground import layered_ground

SIDE = 128
SKY, FAR, NEAR = (120, 170, 230), (150, 190, 110), (70, 130, 50)
Y, X = np.mgrid[:SIDE, :SIDE]


def landscape(bend: float = 0.0) -> np.ndarray:
    """A sky that grows lighter downwards, and two slanting hills."""
    picture = np.empty((SIDE, SIDE, 3), np.float32)
    picture[:] = SKY
    picture += (Y / SIDE * 20)[..., None]
    picture[50 + 0.2 * X + bend * np.sin(X / 20) < Y] = FAR
    picture[95 - 0.15 * X < Y] = NEAR
    return picture.astype(np.uint8)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    hole = np.zeros((SIDE, SIDE), bool)
    hole[top:bottom, left:right] = True
    return hole


def off(guess: np.ndarray, picture: np.ndarray, hole: np.ndarray) -> float:
    return float(np.abs(guess - picture)[hole].mean())


@pytest.mark.parametrize("hole", [box(20, 110, 40, 80), box(0, SIDE, 0, 40), box(0, SIDE, 90, SIDE)])
@pytest.mark.parametrize("turned", [0, 1])
def test_straight_edges_go_on_straight(hole, turned) -> None:
    picture, hole = np.rot90(landscape(), turned).copy(), np.rot90(hole, turned).copy()
    guess = layered_ground(picture, hole).colours
    streamed = cv2.inpaint(picture, hole.astype(np.uint8), 3, cv2.INPAINT_NS)
    assert off(guess, picture, hole) < 2
    assert off(guess, picture, hole) < 0.3 * off(streamed, picture, hole)


def test_bent_edges_meet_within_a_hole() -> None:
    picture, hole = landscape(bend=6), box(20, 110, 50, 75)
    assert off(layered_ground(picture, hole).colours, picture, hole) < 3


def test_what_stood_in_the_hole_and_what_stands_beside_it_is_no_layer() -> None:
    picture, hole = landscape(), box(40, 90, 40, 80)
    with_things = picture.copy()
    with_things[hole] = (200, 30, 30)
    cv2.circle(with_things, (28, 60), 8, (250, 240, 40), -1)
    layers = layered_ground(with_things, hole)
    assert off(layers.colours, picture, hole) < 3
    with_things[hole] = picture[hole]
    assert np.array_equal(layered_ground(with_things, hole).colours, layers.colours), "it is not even looked at"
    assert layers.things[60, 28]
    assert not layers.things[hole].any()
    assert not layers.things[10].any()


@pytest.mark.parametrize(
    "picture",
    [
        np.full((SIDE, SIDE, 3), 90, np.uint8),
        np.dstack([X, Y, X]).astype(np.uint8),
        np.where(((X // 12 + Y // 12) % 2 > 0)[..., None], np.uint8(30), np.uint8(220)).repeat(3, 2),
        np.where((X // 8 % 2 > 0)[..., None], np.uint8(30), np.uint8(220)).repeat(3, 2),
        np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
    ],
    ids=["plain", "gradient", "checks", "stripes", "noise"],
)
def test_one_ground_a_pattern_and_noise_have_no_layers(picture) -> None:
    assert layered_ground(picture, box(40, 90, 40, 80)) is None


def test_the_ground_takes_layers_where_they_are_best_and_doubts_them_little() -> None:
    picture, hole = landscape(), box(20, 110, 40, 80)
    behind = ground(picture, hole)
    assert off(behind.colours, picture, hole) < 3
    assert behind.doubt[hole].mean() < 8


def test_things_beside_the_hole_are_known_as_such_and_do_not_come_again_in_it() -> None:
    brown, hole = (120, 60, 20), box(30, 100, 50, 70)
    picture = landscape()
    for x in (40, 80):
        cv2.ellipse(picture, (x, 70), (5, 22), 0, 0, 360, brown, -1)
    assert ground(picture, hole).things[70, [40, 80]].all()
    guess = continued(picture, hole)[hole]
    assert np.abs(guess[:, :3] / np.maximum(guess[:, 3:] / 255, 1e-6) - brown).mean(-1).min() > 40
