"""The automatic frame and the outpainting map, case by case."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.generation.region import automatic_frame, outpaint_map
from paintdiff.image.geometry import EMPTY, Rect

CANVAS = Rect(0, 0, 512, 512)


@pytest.mark.parametrize(
    ("case", "map_rect", "canvas", "size", "frame"),
    [
        ("no map: the whole canvas", EMPTY, CANVAS, 64, CANVAS),
        ("a map beside the canvas counts as none", Rect(600, 0, 9, 9), CANVAS, 64, CANVAS),
        ("a dot: the model's own size around it", Rect(250, 250, 2, 2), CANVAS, 64, Rect(219, 219, 64, 64)),
        ("a blob: its longer side and 3/8 more each way", Rect(200, 216, 80, 48), CANVAS, 64, Rect(170, 170, 140, 140)),
        ("in the corner: moved inside", Rect(0, 0, 80, 80), CANVAS, 64, Rect(0, 0, 140, 140)),
        ("at the far edge: moved inside", Rect(500, 200, 12, 12), CANVAS, 64, Rect(448, 174, 64, 64)),
        ("a full map: the whole canvas", CANVAS, CANVAS, 64, CANVAS),
        ("a narrow canvas: as narrow as it", Rect(100, 0, 20, 20), Rect(0, 0, 400, 20), 64, Rect(78, 0, 64, 20)),
        ("a canvas below the model's size: all of it", Rect(3, 3, 2, 2), Rect(0, 0, 10, 8), 64, Rect(0, 0, 10, 8)),
        ("one pixel", Rect(0, 0, 1, 1), Rect(0, 0, 1, 1), 512, Rect(0, 0, 1, 1)),
        ("a canvas that grew to the left", Rect(-90, 40, 16, 16), Rect(-100, 0, 300, 300), 64, Rect(-100, 16, 64, 64)),
        ("a map half outside: its inner part alone", Rect(-50, 0, 60, 10), CANVAS, 32, Rect(0, 0, 42, 42)),
    ],
)
def test_the_automatic_frame(case: str, map_rect: Rect, canvas: Rect, size: int, frame: Rect) -> None:
    assert automatic_frame(map_rect, canvas, size) == frame, case


@given(
    st.builds(Rect, *[st.integers(-50, 300)] * 2, *[st.integers(1, 200)] * 2),
    st.builds(Rect, *[st.integers(-100, 100)] * 2, *[st.integers(1, 400)] * 2),
    st.sampled_from([64, 128, 512]),
)
def test_the_automatic_frame_always_holds_the_map_stays_inside_and_is_square_where_it_can(
    map_rect: Rect, canvas: Rect, size: int
) -> None:
    frame = automatic_frame(map_rect, canvas, size)
    assert canvas.contains(frame)
    assert frame.contains(map_rect.intersected(canvas))
    assert frame.w >= min(size, canvas.w)
    assert frame.h >= min(size, canvas.h)
    if not map_rect.intersected(canvas).empty:
        side = max(frame.w, frame.h)
        assert frame.w == min(side, canvas.w)
        assert frame.h == min(side, canvas.h)


FRAME_OVERLAP = 10


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        (Rect(-32, 100, 128, 128), Rect(10, 100, 86, 128)),
        (Rect(450, 100, 128, 128), Rect(450, 100, 52, 128)),
        (Rect(100, -20, 64, 64), Rect(100, 10, 64, 34)),
        (Rect(100, 500, 64, 64), Rect(100, 500, 64, 2)),
        (Rect(-20, -20, 64, 64), Rect(10, 10, 34, 34)),
        (Rect(-20, -20, 600, 600), Rect(10, 10, 492, 492)),
        (Rect(100, 100, 64, 64), Rect(100, 100, 64, 64)),
        (Rect(-60, 0, 64, 64), EMPTY),
    ],
)
def test_outpainting_changes_what_lies_beyond_and_a_strip_along_crossed_edges(frame: Rect, kept: Rect) -> None:
    change_map = np.random.default_rng(0).integers(0, 200, frame.shape, np.uint8)
    result = outpaint_map(change_map, frame, CANVAS, FRAME_OVERLAP)
    expected = np.full(frame.shape, 255, np.uint8)
    expected[kept.slices_in(frame)] = change_map[kept.slices_in(frame)]
    np.testing.assert_array_equal(result, expected)


def test_without_overlap_the_map_inside_the_canvas_is_left_as_it_was() -> None:
    frame = Rect(-10, 0, 30, 30)
    change_map = np.full(frame.shape, 7, np.uint8)
    result = outpaint_map(change_map, frame, CANVAS, 0)
    assert (result[:, :10] == 255).all()
    assert (result[:, 10:] == 7).all()
