"""Rectangles: half-open edges, and empty ones that add nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.image.geometry import EMPTY, Rect

RECTS = st.builds(Rect, *[st.integers(-30, 30)] * 2, *[st.integers(0, 40)] * 2)
AREA = Rect(-40, -40, 120, 120)


def drawn(rect: Rect) -> np.ndarray:
    array = np.zeros(AREA.shape, bool)
    array[rect.slices_in(AREA)] = True
    return array


@given(RECTS, RECTS)
def test_the_intersection_holds_the_shared_pixels(a: Rect, b: Rect) -> None:
    np.testing.assert_array_equal(drawn(a.intersected(b)), drawn(a) & drawn(b))


@given(RECTS, RECTS)
def test_the_union_is_the_smallest_rectangle_around_both(a: Rect, b: Rect) -> None:
    rows, columns = np.nonzero(drawn(a) | drawn(b))
    united = a.united(b)
    if not len(rows):
        assert united.empty
        return
    assert united == Rect.from_edges(
        columns.min() + AREA.x, rows.min() + AREA.y, columns.max() + 1 + AREA.x, rows.max() + 1 + AREA.y
    )


@given(RECTS)
def test_inflating_and_deflating_by_the_same_margin_restores_the_rectangle(rect: Rect) -> None:
    assert rect.inflated(3).inflated(-3) == rect


def test_deflating_too_far_gives_an_empty_rectangle() -> None:
    assert Rect(0, 0, 4, 4).inflated(-5).empty


def test_edges_are_half_open() -> None:
    rect = Rect(2, 3, 4, 5)
    assert rect.contains_point(2, 3)
    assert not rect.contains_point(6, 3)
    assert (rect.right, rect.bottom, rect.area, rect.shape, rect.center) == (6, 8, 20, (5, 4), (4, 5.5))


def test_slices_outside_the_array_are_refused() -> None:
    with pytest.raises(ValueError, match="does not lie within"):
        Rect(0, 0, 5, 5).slices_in(Rect(1, 0, 5, 5))
    assert EMPTY.area == 0
