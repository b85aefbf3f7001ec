"""One capsule: how much of each pixel the brush covers."""

import math

import numpy as np
import pytest

from paintdiff.image.geometry import Rect
from paintdiff.paint.coverage import Tip, capsule, reach


def cover(a: Tip, b: Tip, hardness: float = 1.0) -> np.ndarray:
    return capsule(a, b, hardness, reach(a, b))


@pytest.mark.parametrize("radius", [0.5, 1.0, 2.5, 8.0, 40.0])
def test_a_hard_dot_covers_the_area_of_its_disc(radius: float) -> None:
    dot = cover(Tip(50.3, 40.8, radius, 1.0), Tip(50.3, 40.8, radius, 1.0))
    assert dot.sum() / 255 == pytest.approx(math.pi * radius**2, rel=0.05 if radius > 1 else 0.6)


def test_a_one_pixel_dot_on_a_pixel_centre_fills_that_pixel_alone() -> None:
    rect = Rect(5, 5, 5, 5)
    dot = capsule(Tip(7.5, 7.5, 0.5, 1.0), Tip(7.5, 7.5, 0.5, 1.0), 0.3, rect)
    expected = np.zeros((5, 5), np.uint8)
    expected[2, 2] = 255
    assert np.array_equal(dot, expected)


def test_a_line_thinner_than_a_pixel_covers_in_proportion() -> None:
    line = capsule(Tip(0, 2.5, 0.125, 1.0), Tip(20, 2.5, 0.125, 1.0), 1.0, Rect(5, 0, 10, 5))
    assert line[2] == pytest.approx(64, abs=1)
    assert not line[[0, 1, 3, 4]].any()


@pytest.mark.parametrize("hardness", [0.0, 0.4, 1.0])
def test_nothing_lies_beyond_the_reach(hardness: float) -> None:
    a, b = Tip(30.2, 22.7, 9.3, 1.0), Tip(61.9, 47.1, 4.2, 0.5)
    wide = capsule(a, b, hardness, reach(a, b).inflated(6))
    inner = reach(a, b)
    wide[inner.slices_in(inner.inflated(6))] = 0
    assert not wide.any()


@pytest.mark.parametrize("hardness", [0.0, 0.5, 1.0])
def test_the_profile_falls_from_the_middle_to_the_edge(hardness: float) -> None:
    row = capsule(Tip(0.5, 0.5, 20, 1.0), Tip(0.5, 0.5, 20, 1.0), hardness, Rect(0, 0, 24, 1))[0].astype(int)
    assert row[0] == 255
    assert row[21:].max() == 0
    assert (np.diff(row) <= 0).all()


def test_a_soft_brush_is_softer_than_a_hard_one() -> None:
    spot = Tip(0.5, 0.5, 20, 1.0)
    soft, half, hard = (capsule(spot, spot, h, Rect(15, 0, 1, 1))[0, 0] for h in (0.0, 0.5, 1.0))
    assert 0 < soft < half < hard == 255


def test_splitting_a_capsule_changes_nothing() -> None:
    a, b = Tip(10, 10, 6, 1.0), Tip(70, 42, 6, 1.0)
    middle = Tip(40, 26, 6, 1.0)
    rect = reach(a, b)
    whole = capsule(a, b, 0.5, rect)
    halves = np.maximum(capsule(a, middle, 0.5, rect), capsule(middle, b, 0.5, rect))
    assert np.abs(whole.astype(int) - halves).max() <= 1
