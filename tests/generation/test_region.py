"""The automatic frame, the outpainting map and the windows, case by case."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.generation.region import (
    MOST_REGIONS,
    MOST_WINDOWS,
    automatic_frame,
    fill_windows,
    outpaint_map,
    outpaint_windows,
    separate_regions,
)
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


SQUARE = Rect(0, 0, 512, 512)


def squares(side: int, *corners: tuple[int, int]) -> tuple[Rect, ...]:
    return tuple(Rect(x, y, side, side) for x, y in corners)


@pytest.mark.parametrize(
    ("case", "canvas", "frame", "windows"),
    [
        ("inside the canvas: one", SQUARE, Rect(9, 9, 99, 99), (Rect(9, 9, 99, 99),)),
        ("a small frame past the edge: one", SQUARE, Rect(448, 9, 128, 96), (Rect(448, 9, 128, 96),)),
        ("to the right: half known", SQUARE, Rect(0, 0, 768, 512), squares(512, (256, 0))),
        ("a little to the right: all the rest known", SQUARE, Rect(0, 0, 513, 512), squares(512, (1, 0))),
        ("far to the right: step by step", SQUARE, Rect(0, 0, 1200, 512), squares(512, (229, 0), (458, 0), (688, 0))),
        ("left and right", SQUARE, Rect(-256, 0, 1024, 512), squares(512, (-256, 0), (256, 0))),
        ("a corner: both sides, then it", SQUARE, Rect(0, 0, 768, 768), squares(512, (256, 0), (0, 256), (256, 256))),
        (
            "all four sides: the sides, then the corners", SQUARE, Rect(-256, -256, 1024, 1024),
            squares(512, (0, -256), (-256, 0), (256, 0), (0, 256), (-256, -256), (256, -256), (-256, 256), (256, 256)),
        ),
        (
            "along a long edge: a quarter over each other", Rect(0, 0, 800, 200), Rect(0, 0, 800, 300),
            squares(200, (0, 100), (150, 100), (300, 100), (450, 100), (600, 100)),
        ),
        (
            "a canvas below the model's side: around it first", Rect(0, 0, 30, 30), Rect(-50, 0, 130, 64),
            squares(64, (-17, 0), (-33, 0), (-1, 0), (-50, 0), (16, 0)),
        ),
        ("a frame below the model's side: one", Rect(0, 0, 30, 30), Rect(0, 0, 50, 30), (Rect(0, 0, 50, 30),)),
        ("a large canvas: one large window", Rect(0, 0, 4096, 4096), Rect(0, 0, 4096, 4608), squares(4096, (0, 512))),
        (
            "a thin frame: as thin windows", SQUARE, Rect(0, 99, 1024, 20),
            (Rect(256, 99, 512, 20), Rect(512, 99, 512, 20)),
        ),
        ("beside the canvas: one", SQUARE, Rect(600, 0, 900, 900), (Rect(600, 0, 900, 900),)),
    ],
)  # fmt: skip
def test_the_windows_of_outpainting(case: str, canvas: Rect, frame: Rect, windows: tuple[Rect, ...]) -> None:
    assert outpaint_windows(frame, canvas, 64) == windows, case


@given(
    st.builds(Rect, *[st.integers(-300, 300)] * 2, *[st.integers(1, 900)] * 2),
    st.builds(Rect, *[st.integers(-50, 50)] * 2, *[st.integers(1, 300)] * 2),
    st.sampled_from([16, 64, 512]),
)
def test_the_windows_of_outpainting_stay_in_the_frame_hold_all_beyond_the_canvas_and_touch_what_is_known(
    frame: Rect, canvas: Rect, size: int
) -> None:
    windows = outpaint_windows(frame, canvas, size)
    assert 1 <= len(windows) <= MOST_WINDOWS
    assert all(frame.contains(window) and not window.empty for window in windows)
    known = np.zeros(frame.shape, bool)
    known[frame.intersected(canvas).slices_in(frame)] = True
    connected = known.any()
    for window in windows:
        part = known[window.slices_in(frame)]
        assert part.any() or not connected, "each window shows something of what is known by then"
        part[...] = True
    assert known.all()


@pytest.mark.parametrize(
    ("case", "regions", "windows"),
    [
        ("none", [], ()),
        ("one: its automatic frame", [Rect(200, 216, 80, 48)], (Rect(170, 170, 140, 140),)),
        (
            "two far apart: one after the other, from the top", [Rect(400, 400, 10, 10), Rect(30, 60, 100, 20)],
            (Rect(0, 0, 176, 176), Rect(373, 373, 64, 64)),
        ),
        ("two that show in each other's frame: together", [Rect(90, 90, 20, 20), Rect(120, 90, 9, 9)], (
            Rect(74, 64, 71, 71),
        )),
        ("two of which one shows in the other's frame: together", [Rect(60, 60, 200, 200), Rect(290, 60, 4, 4)], (
            Rect(0, 0, 410, 410),
        )),
        ("a chain: together", [Rect(40, 40, 10, 10), Rect(140, 40, 10, 10), Rect(64, 40, 60, 10)], (
            Rect(0, 0, 192, 192),
        )),
    ],
)  # fmt: skip
def test_the_windows_of_a_fill(case: str, regions: list[Rect], windows: tuple[Rect, ...]) -> None:
    assert fill_windows(regions, CANVAS, 64) == windows, case


@given(st.lists(st.builds(Rect, *[st.integers(0, 480)] * 2, *[st.integers(1, 60)] * 2), max_size=12))
def test_every_region_is_wholly_inside_one_window_of_a_fill_and_shows_in_no_other(regions: list[Rect]) -> None:
    windows = fill_windows(regions, CANVAS, 64)
    for region in regions:
        inside = region.intersected(CANVAS)
        assert [window.contains(inside) for window in windows if not window.intersected(inside).empty] == [True]


def test_regions_of_a_map_are_told_apart() -> None:
    area = Rect(-7, 5, 400, 300)
    change_map = np.zeros(area.shape, np.uint8)
    change_map[10:31, 20:55] = 9
    change_map[295:, 390:] = 255
    change_map[200, 0:200] = 1
    assert set(separate_regions(change_map, area)) == {
        Rect(13, 15, 35, 21), Rect(383, 300, 10, 5), Rect(-7, 205, 200, 1),
    }  # fmt: skip
    assert separate_regions(np.zeros(area.shape, np.uint8), area) == ()


@given(st.integers(0, 2**16), st.integers(1, 300), st.integers(1, 300), st.floats(0, 0.1))
def test_regions_of_a_map_hold_all_of_it_and_are_not_too_many(seed: int, w: int, h: int, share: float) -> None:
    change_map = (np.random.default_rng(seed).random((h, w)) < share).astype(np.uint8)
    regions = separate_regions(change_map, Rect(0, 0, w, h))
    assert len(regions) <= MOST_REGIONS
    for region in regions:
        change_map[region.slices_in(Rect(0, 0, w, h))] = 0
    assert not change_map.any()
