"""Whole strokes: what they change, and above all what they do not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles
from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.inks import ClearMask, Colour, Erase, Ink, MarkMask
from paintdiff.paint.stroke import Stroke

CANVAS = Rect(-40, -30, 400, 300)
RED = Colour((255, 0, 0))


def noise(channels: int, seed: int = 3) -> Tiles:
    shape = CANVAS.shape if channels == 1 else (*CANVAS.shape, channels)
    return Tiles.from_array(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), CANVAS.x, CANVAS.y)


def painted(base: Tiles, points: list[tuple[float, ...]], brush: Brush, ink: Ink = RED) -> Stroke:
    stroke = Stroke(base, brush, ink, CANVAS)
    for point in points:
        stroke.extend(Sample(*point))
    stroke.finish()
    return stroke


def test_pixels_that_the_stroke_does_not_touch_are_byte_equal() -> None:
    base = noise(4)
    after = painted(base, [(20, 50), (60, 50)], Brush(size=20, hardness=0.5)).merged().read(CANVAS)
    before = base.read(CANVAS)
    changed = (after != before).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert changed.any()
    assert rows[0] + CANVAS.y >= 39
    assert rows[-1] + CANVAS.y <= 60
    assert columns[0] + CANVAS.x >= 9
    assert columns[-1] + CANVAS.x <= 70


def test_untouched_tiles_are_shared() -> None:
    base = noise(4)
    merged = painted(base, [(20, 50), (60, 50)], Brush(size=20)).merged()
    assert merged.changed_keys(base) == {(0, 0)}


def test_what_is_shown_is_what_is_merged() -> None:
    for ink, base in ((RED, noise(4)), (Erase(), noise(4)), (MarkMask(), noise(1)), (ClearMask(), noise(1))):
        stroke = painted(base, [(-60, -50), (150, 80), (500, 20)], Brush(size=31, hardness=0.3, opacity=0.7), ink)
        assert np.array_equal(stroke.read(CANVAS), stroke.merged().read(CANVAS))


def test_everything_changed_lies_in_the_dirty_rectangles() -> None:
    base = noise(4)
    stroke = Stroke(base, Brush(size=25, hardness=0), RED, CANVAS)
    clean = np.ones(CANVAS.shape, bool)
    for i in range(12):
        dirty = stroke.extend(Sample(10 + 25 * i, 100 + 60 * math.sin(i)))
        clean[dirty.slices_in(CANVAS)] = False
    clean[stroke.finish().slices_in(CANVAS)] = False
    assert np.array_equal(stroke.merged().read(CANVAS)[clean], base.read(CANVAS)[clean])


def test_painting_stops_at_the_canvas() -> None:
    merged = painted(Tiles(4), [(-200, -200), (900, 900)], Brush(size=90)).merged()
    outside = merged.read(CANVAS.inflated(200))
    outside[CANVAS.slices_in(CANVAS.inflated(200))] = 0
    assert not merged.is_empty
    assert not outside.any()


@pytest.mark.parametrize("speed", [1.0, 7.0, 40.0])
@pytest.mark.parametrize("hardness", [0.0, 0.6, 1.0])
def test_a_line_has_no_scallops_at_any_speed(speed: float, hardness: float) -> None:
    count = int(240 / speed) + 1
    brush = Brush(size=30, hardness=hardness)
    stroke = painted(Tiles(1), [(20 + i * speed, 80.3) for i in range(count)], brush, MarkMask())
    rows = stroke.read(Rect(60, 60, 150, 42)).astype(int)
    assert np.ptp(rows, axis=1).max() <= 1


def test_one_stroke_never_exceeds_the_brush_opacity() -> None:
    points = [(100 + 60 * math.cos(a), 100 + 60 * math.sin(3 * a)) for a in np.linspace(0, 7, 60)]
    stroke = painted(Tiles(1), points, Brush(size=30, opacity=0.5), MarkMask())
    assert stroke.read(CANVAS).max() == 128


def test_a_fast_curve_is_round() -> None:
    points = [(150 + 80 * math.cos(a), 110 + 80 * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 25)]
    stroke = painted(Tiles(1), points, Brush(size=3), MarkMask())
    y, x = np.nonzero(stroke.read(CANVAS) > 127)
    radii = np.hypot(x + CANVAS.x + 0.5 - 150, y + CANVAS.y + 0.5 - 110)
    assert radii.min() > 76
    assert radii.max() < 82


def test_a_stroke_reaches_the_point_where_the_hand_let_go() -> None:
    stroke = painted(Tiles(1), [(20.5, 20.5), (120.5, 20.5)], Brush(size=1), MarkMask())
    assert stroke.read(Rect(20, 20, 101, 1)).min() == 255
    assert stroke.read(Rect(122, 20, 5, 1)).max() == 0


def test_pressure_narrows_the_stroke_and_thins_it() -> None:
    light = painted(Tiles(1), [(100, 100, 0.25)], Brush(size=80, pressure_size=True), MarkMask()).read(CANVAS)
    full = painted(Tiles(1), [(100, 100, 1.0)], Brush(size=80, pressure_size=True), MarkMask()).read(CANVAS)
    assert np.count_nonzero(light) == pytest.approx(np.count_nonzero(full) / 16, rel=0.15)
    thin = Brush(size=80, pressure_size=False, pressure_opacity=True)
    faint = painted(Tiles(1), [(100, 100, 0.25)], thin, MarkMask())
    assert faint.read(CANVAS).max() == 64


def test_pressure_on_opacity_leaves_no_steps() -> None:
    brush = Brush(size=40, hardness=1, pressure_size=False, pressure_opacity=True)
    stroke = painted(Tiles(1), [(20 + i * 15, 100, i / 20) for i in range(21)], brush, MarkMask())
    row = stroke.read(Rect(50, 100, 250, 1))[0].astype(int)
    assert np.diff(row).max() <= 4
    assert np.diff(row).min() >= 0


def test_colour_lays_over_an_opaque_layer_by_its_opacity() -> None:
    base = Tiles.from_array(np.full((*CANVAS.shape, 4), (0, 100, 200, 255), np.uint8), CANVAS.x, CANVAS.y)
    pixel = painted(base, [(50, 50)], Brush(size=40, opacity=0.5)).read(Rect(50, 50, 1, 1))[0, 0]
    assert pixel.tolist() == [128, 50, 100, 255]


def test_colour_on_nothing_keeps_its_hue_at_the_soft_edge() -> None:
    pixels = painted(Tiles(4), [(50, 50)], Brush(size=60, hardness=0), Colour((10, 200, 30))).read(CANVAS)
    shown = pixels[pixels[..., 3] > 0]
    assert (shown[:, :3] == (10, 200, 30)).all()
    assert 0 < shown[:, 3].min() < shown[:, 3].max() == 255


def test_erasing_everything_drops_the_tiles() -> None:
    base = Tiles.from_array(np.full((100, 100, 4), 200, np.uint8))
    assert painted(base, [(50, 50)], Brush(size=400, hardness=1), Erase()).merged().is_empty


def test_marking_never_lowers_the_map_and_clearing_never_raises_it() -> None:
    base = noise(1)
    before = base.read(CANVAS)
    brush, points = Brush(size=80, hardness=0.2, opacity=0.6), [(0.0, 0.0), (200.0, 100.0)]
    assert (painted(base, points, brush, MarkMask()).read(CANVAS) >= before).all()
    assert (painted(base, points, brush, ClearMask()).read(CANVAS) <= before).all()


def test_an_ink_refuses_a_base_with_other_channels() -> None:
    with pytest.raises(ValueError, match="channels"):
        Stroke(Tiles(1), Brush(), RED, CANVAS)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-900, 900), st.floats(-900, 900), st.floats(0, 1)), min_size=1, max_size=5
    ),
    st.floats(1, 200), st.floats(0, 1), st.floats(0, 1),
)
def test_any_stroke_stays_in_the_canvas_and_under_its_opacity(points, size, hardness, opacity) -> None:
    stroke = painted(Tiles(1), points, Brush(size, hardness, opacity, True, True), MarkMask())
    merged = stroke.merged()
    around = merged.read(CANVAS.inflated(128))
    assert around.max() <= round(opacity * 255) + 1
    around[CANVAS.slices_in(CANVAS.inflated(128))] = 0
    assert not around.any()
