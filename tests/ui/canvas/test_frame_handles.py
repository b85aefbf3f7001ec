"""Dragging the frame as geometry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.frame_handles import HANDLES, MOVE, SMALLEST, Handle, dragged, drawn, handle_at, position

FRAME = Rect(100, 50, 80, 60)


@pytest.mark.parametrize("handle", HANDLES)
def test_every_handle_is_found_where_it_sits(handle: Handle) -> None:
    assert handle_at(FRAME, *position(FRAME, handle), 5) == handle


def test_the_inside_moves_and_the_outside_does_not() -> None:
    assert handle_at(FRAME, 140, 80, 5) == MOVE
    assert handle_at(FRAME, 140, 200, 5) is None


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (MOVE, Rect(110, 45, 80, 60)),
        (Handle(1, 0), Rect(100, 50, 90, 60)),
        (Handle(-1, 0), Rect(110, 50, 70, 60)),
        (Handle(1, 1), Rect(100, 50, 90, 55)),
        (Handle(-1, -1), Rect(110, 45, 70, 65)),
    ],
)
def test_a_drag_moves_only_its_own_sides(handle: Handle, expected: Rect) -> None:
    assert dragged(FRAME, handle, 10.3, -4.8, square=False) == expected


@given(st.sampled_from(HANDLES), st.floats(-500, 500), st.floats(-500, 500), st.booleans())
def test_no_drag_turns_the_frame_inside_out(handle: Handle, dx: float, dy: float, square: bool) -> None:
    frame = dragged(FRAME, handle, dx, dy, square)
    assert min(frame.w, frame.h) >= SMALLEST
    if square:
        assert frame.w == frame.h
    if handle.h < 0:
        assert frame.right == FRAME.right
    if handle.v > 0:
        assert frame.y == FRAME.y


@given(st.floats(-500, 500), st.floats(-500, 500), st.booleans())
def test_a_new_frame_grows_from_where_the_pointer_went_down(x: float, y: float, square: bool) -> None:
    frame = drawn(10, 20, x, y, square)
    assert (frame.x if x >= 10 else frame.right) == 10
    assert (frame.y if y >= 20 else frame.bottom) == 20
    assert min(frame.w, frame.h) >= SMALLEST
    assert not square or frame.w == frame.h
