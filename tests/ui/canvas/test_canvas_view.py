"""Zoom and pan as numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.view import MAX_ZOOM, MIN_ZOOM, View, step_in, step_out

views = st.builds(
    View, zoom=st.floats(MIN_ZOOM, MAX_ZOOM), x=st.floats(-4000, 4000), y=st.floats(-4000, 4000),
    width=st.integers(50, 2500), height=st.integers(50, 1500), ratio=st.sampled_from([1.0, 1.25, 1.5, 2.0]),
)


@given(views, st.floats(0, 1), st.floats(0, 1), st.floats(MIN_ZOOM, MAX_ZOOM))
def test_zooming_keeps_what_lies_under_the_cursor(view: View, u: float, v: float, zoom: float) -> None:
    at = QPointF(u * view.width, v * view.height)
    x, y = view.to_world(at)
    after = view.zoomed(zoom, at).to_widget(x, y)
    # Whole device pixels are kept on both sides: up to half a pixel before, seen at the new zoom, and half one after.
    slack = (0.5 * zoom / view.zoom + 0.5) / view.ratio + 1e-6
    assert abs(after.x() - at.x()) <= slack
    assert abs(after.y() - at.y()) <= slack


@given(views, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_there_and_back_is_the_same_point(view: View, x: float, y: float) -> None:
    assert view.to_world(view.to_widget(x, y)) == pytest.approx((x, y), abs=1e-6)


@given(views)
def test_what_is_visible_covers_the_corners(view: View) -> None:
    visible = view.visible()
    left, top = view.to_world(QPointF(0, 0))
    right, bottom = view.to_world(QPointF(view.width, view.height))
    assert visible.x <= left
    assert visible.y <= top
    assert visible.right >= right
    assert visible.bottom >= bottom


@given(views, st.integers(1, 16384), st.integers(1, 16384))
def test_fit_shows_the_whole_canvas_in_the_middle(view: View, w: int, h: int) -> None:
    canvas = Rect(-7, 12, w, h)
    fitted = view.fitted(canvas)
    middle = fitted.to_widget(*canvas.center)
    assert middle.x() == pytest.approx(view.width / 2, abs=1)
    assert middle.y() == pytest.approx(view.height / 2, abs=1)
    if fitted.zoom > MIN_ZOOM:
        assert canvas.w * fitted.scale <= view.width
        assert canvas.h * fitted.scale <= view.height


@given(views, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_the_canvas_cannot_be_dragged_out_of_sight(view: View, dx: float, dy: float) -> None:
    canvas = Rect(0, 0, 5000, 5000)
    clamped = view.moved(dx, dy).clamped(canvas)
    assert not clamped.visible().intersected(canvas).empty


def test_resizing_keeps_the_middle() -> None:
    view = View(3.0, 10, 20, 400, 300)
    assert view.resized(800, 500, 1.0).to_world(QPointF(400, 250)) == view.to_world(QPointF(200, 150))


def test_zoom_is_counted_in_screen_pixels() -> None:
    assert View(1.0, ratio=2.0).scale == 0.5


def test_steps_lead_from_the_least_to_the_most_and_back() -> None:
    zoom, seen = MIN_ZOOM, [MIN_ZOOM]
    while zoom < MAX_ZOOM:
        zoom = step_in(zoom)
        seen.append(zoom)
    assert seen == sorted(set(seen))
    assert 1 in seen
    while zoom > MIN_ZOOM:
        zoom = step_out(zoom)
        assert zoom in seen
