"""Masks grow, shrink and soften by the number of pixels asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paintdiff.image import masks
from paintdiff.image.geometry import Rect

MASKS = hnp.arrays(np.uint8, (9, 11))


def dot(size: int = 81) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[size // 2, size // 2] = 200
    return mask


@pytest.mark.parametrize("radius", [1, 5, 8, 13, 30])
def test_growing_a_dot_gives_a_disc_of_that_radius_and_value(radius: int) -> None:
    grown = masks.grow(dot(), radius)
    row = np.flatnonzero(grown[40])
    assert (row[0], row[-1]) == (40 - radius, 40 + radius)
    assert set(np.unique(grown)) == {0, 200}
    assert np.count_nonzero(grown) == pytest.approx(np.pi * (radius + 0.5) ** 2, rel=0.3 if radius == 1 else 0.12)


@given(MASKS, st.integers(0, 4))
def test_growing_never_lowers_and_shrinking_never_raises(mask: np.ndarray, radius: int) -> None:
    assert (masks.grow(mask, radius) >= mask).all()
    assert (masks.shrink(mask, radius) <= mask).all()


def test_shrinking_undoes_growing_a_rectangle_and_leaves_the_border_of_the_canvas() -> None:
    mask = masks.rectangle(Rect(10, 10, 20, 15), Rect(0, 0, 50, 50))
    assert (masks.shrink(masks.grow(mask, 6), 6) >= mask).all()
    assert (masks.shrink(np.full((20, 20), 255, np.uint8), 5) == 255).all()


def test_softening_spreads_the_edge_and_keeps_inside_outside_and_border() -> None:
    mask = masks.rectangle(Rect(0, 0, 40, 80), Rect(0, 0, 80, 80))
    row = masks.feather(mask, 8)[40].astype(int)
    assert row[0] == 255
    assert row[25] == 255
    assert row[55] == 0
    assert row[39] == pytest.approx(127, abs=20)
    assert (np.diff(row) <= 0).all()


@given(MASKS)
def test_inverting_twice_changes_nothing(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(masks.invert(masks.invert(mask)), mask)


def test_a_rectangle_is_cut_at_the_array_and_may_miss_it() -> None:
    within = Rect(-5, -5, 10, 10)
    assert np.count_nonzero(masks.rectangle(Rect(-20, -20, 18, 18), within)) == 9
    assert not masks.rectangle(Rect(50, 50, 5, 5), within).any()


def test_a_lasso_covers_whole_pixels_inside_and_part_of_those_on_its_edge() -> None:
    mask = masks.lasso(np.array([(2.5, 2), (8, 2), (8, 6), (2.5, 6)]), Rect(0, 0, 12, 10))
    expected = np.zeros((10, 12), np.uint8)
    expected[2:6, 3:8] = 255
    expected[2:6, 2] = 128
    np.testing.assert_array_equal(mask, expected)


def test_a_round_lasso_has_the_area_of_its_circle() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    mask = masks.lasso(np.stack([30 + 20 * np.cos(angle), 25.3 + 20 * np.sin(angle)], axis=1), Rect(0, 0, 60, 50))
    assert mask.astype(float).sum() / 255 == pytest.approx(np.pi * 400, rel=0.003)


def test_a_lasso_that_overlaps_itself_has_no_hole() -> None:
    twice = [(5, 5), (25, 5), (25, 25), (5, 25)] * 2
    assert (masks.lasso(np.array(twice), Rect(0, 0, 30, 30))[5:25, 5:25] == 255).all()


def test_a_lasso_drawn_past_the_array_is_cut_there() -> None:
    mask = masks.lasso(np.array([(-50, -50), (200, -50), (200, 5), (-50, 5)]), Rect(0, 0, 10, 10))
    np.testing.assert_array_equal(mask, masks.rectangle(Rect(0, 0, 10, 5), Rect(0, 0, 10, 10)))


def test_a_lasso_lies_where_the_world_says() -> None:
    here = masks.lasso(np.array([(0, 0), (7, 1), (3, 8)]), Rect(-3, -4, 20, 20))
    np.testing.assert_array_equal(here[4:, 3:], masks.lasso(np.array([(0, 0), (7, 1), (3, 8)]), Rect(0, 0, 17, 16)))


def test_two_points_enclose_nothing() -> None:
    assert not masks.lasso(np.array([(0, 0), (5, 5)]), Rect(0, 0, 9, 9)).any()
