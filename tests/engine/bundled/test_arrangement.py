"""Where several things are laid in a mask."""

import cv2
import numpy as np
import pytest

from paintdiff.engine.bundled.arrangement import arranged, over, with_hat
from paintdiff.engine.bundled.mentions import ABOVE, BEFORE, BEHIND, BELOW, BESIDE, IN, LEFT, ON, RIGHT, WEARING

RED, GREEN, BLUE = (200, 0, 0, 255), (0, 200, 0, 255), (0, 0, 200, 255)
SIDE = 96


def square(colour: tuple[int, int, int, int]) -> np.ndarray:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[5:35, 5:35] = colour
    return pixels


def box(left: int = 8, top: int = 8, width: int = 80, height: int = 80) -> np.ndarray:
    place = np.zeros((SIDE, SIDE), bool)
    place[top : top + height, left : left + width] = True
    return place


def where(shown: np.ndarray, colour: tuple[int, int, int, int]) -> tuple[float, float, int]:
    """The middle (x, y) of what has `colour`, and how many pixels do."""
    ys, xs = np.nonzero((shown == colour).all(-1))
    return float(xs.mean()), float(ys.mean()), len(xs)


def two(relation: str, place: np.ndarray | None = None) -> np.ndarray:
    return arranged([[square(RED)], [square(BLUE)]], [relation], box() if place is None else place)


@pytest.mark.parametrize(("relation", "first"), [(BESIDE, -1), (LEFT, -1), (RIGHT, 1)])
def test_things_beside_one_another_stand_from_left_to_right(relation: str, first: int) -> None:
    shown = two(relation)
    (x, y, many), (other_x, other_y, as_many) = where(shown, RED), where(shown, BLUE)
    assert np.sign(x - other_x) == first
    assert y == pytest.approx(other_y, abs=1)
    assert many == pytest.approx(as_many, rel=0.1)
    assert many > 30 * 30


@pytest.mark.parametrize(("relation", "first"), [(ABOVE, -1), (BELOW, 1)])
def test_things_above_one_another_stand_so_in_a_wide_mask_too(relation: str, first: int) -> None:
    shown = two(relation, box(width=88, height=60, left=0))
    (x, y, _), (other_x, other_y, _) = where(shown, RED), where(shown, BLUE)
    assert np.sign(y - other_y) == first
    assert x == pytest.approx(other_x, abs=1)


def test_what_is_above_two_things_is_above_both() -> None:
    shown = arranged([[square(RED)], [square(BLUE)], [square(GREEN)]], [ABOVE, BESIDE], box())
    assert where(shown, RED)[1] + 20 < where(shown, BLUE)[1] == pytest.approx(where(shown, GREEN)[1], abs=1)
    assert where(shown, BLUE)[0] < where(shown, GREEN)[0]
    under = arranged([[square(BLUE)], [square(GREEN)], [square(RED)]], [BESIDE, BELOW], box())
    assert where(under, RED)[1] + 20 < where(under, BLUE)[1] == pytest.approx(where(under, GREEN)[1], abs=1)


def test_what_stands_on_another_touches_it_from_above() -> None:
    shown = two(ON)
    red, blue = (shown == RED).all(-1), (shown == BLUE).all(-1)
    assert where(shown, RED)[1] < where(shown, BLUE)[1]
    assert (red[:-1] & blue[1:]).any()
    assert where(shown, RED)[0] == pytest.approx(where(shown, BLUE)[0], abs=1)


def test_what_is_in_another_is_hidden_in_part() -> None:
    inside, on = where(two(IN), RED), where(two(ON), RED)
    assert where(two(IN), BLUE)[2] > where(two(ON), BLUE)[2]  # it is whole, and the other one is behind it
    assert inside[1] < where(two(IN), BLUE)[1]
    assert on[2] > 0


@pytest.mark.parametrize(("relation", "near", "far"), [(BEFORE, RED, BLUE), (BEHIND, BLUE, RED)])
def test_what_is_in_front_is_whole_and_lower(relation: str, near: tuple, far: tuple) -> None:
    shown = two(relation)
    ys, xs = np.nonzero((shown == near).all(-1))
    assert len(ys) > 0.95 * (np.ptp(ys) + 1) * (np.ptp(xs) + 1)  # nothing covers it
    assert where(shown, near)[1] > where(shown, far)[1]
    ys, xs = np.nonzero((shown == far).all(-1))
    assert len(ys) < 0.9 * (np.ptp(ys) + 1) * (np.ptp(xs) + 1)


def test_copies_are_of_one_size_and_fill_the_mask_by_its_shape() -> None:
    for place, rows in ((box(), 2), (box(0, 36, 96, 24), 1), (box(36, 0, 24, 96), 3)):
        shown = arranged([[square(RED)] * 3], [], place)
        seen = (shown[..., 3] > 128).astype(np.uint8)
        count, _, parts, middles = cv2.connectedComponentsWithStats(seen)
        assert count - 1 == 3
        assert np.ptp(parts[1:, cv2.CC_STAT_AREA]) < 0.15 * parts[1:, cv2.CC_STAT_AREA].max()
        assert len(set(np.round(middles[1:, 1] / 8))) == rows


def test_a_mask_of_two_parts_gets_a_thing_in_each() -> None:
    place = box(4, 4, 30, 30) | box(60, 56, 30, 30)
    shown = two(BESIDE, place)
    assert where(shown, RED)[:2] == pytest.approx((18.5, 18.5), abs=1.5)
    assert where(shown, BLUE)[:2] == pytest.approx((74.5, 70.5), abs=1.5)


def test_a_hat_sits_on_the_head() -> None:
    worn = with_hat(square(RED), square(BLUE))
    assert where(worn, BLUE)[1] < where(worn, RED)[1]
    assert (worn[..., 3] > 0).sum() > 900
    tailed = square(RED)
    tailed[5:35, 5:24] = 0
    tailed[5:35, 7:9] = RED  # as high as the head, and thinner
    tailed[20:35, 5:35] = RED
    worn = with_hat(tailed, square(BLUE))
    assert where(worn, BLUE)[0] > where(worn, RED)[0] + 3
    shown = two(WEARING)
    assert not shown[~box()].any(), "the two of them go into the mask as one"
    assert where(shown, BLUE)[1] < where(shown, RED)[1]


def test_small_and_empty_masks_are_no_trouble() -> None:
    for place in (np.zeros((SIDE, SIDE), bool), box(3, 3, 1, 1), box(0, 0, 2, 5)):
        for relation in (BESIDE, ABOVE, ON, IN, BEFORE, BEHIND, WEARING):
            things = [[square(RED)] * 5, [square(BLUE)] * 2, [square(GREEN)]]
            assert arranged(things, [relation, relation], place).shape == (SIDE, SIDE, 4)


def test_one_picture_covers_another() -> None:
    assert np.array_equal(over(square(RED), square(BLUE)), square(RED))
    assert np.array_equal(over(np.zeros((40, 40, 4), np.uint8), square(BLUE)), square(BLUE))
