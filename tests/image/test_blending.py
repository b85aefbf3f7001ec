"""Blending is exact at the ends, right in between, and never touches what the change map keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paintdiff.image.blending import feather_alpha, over, over_matte, premultiplied
from paintdiff.image.geometry import Rect

PICTURES = hnp.arrays(np.uint8, (5, 7, 4))


def pixel(*values: int) -> np.ndarray:
    return np.array(values, np.uint8).reshape(1, 1, 4)


def reference(bottom: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Porter-Duff over in exact floating point, colours straight."""
    b, t = bottom.astype(float), top.astype(float)
    b_alpha, t_alpha = b[..., 3:] / 255, t[..., 3:] / 255
    alpha = t_alpha + b_alpha * (1 - t_alpha)
    colour = t[..., :3] * t_alpha + b[..., :3] * b_alpha * (1 - t_alpha)
    return np.concatenate([colour / np.where(alpha > 0, alpha, 1), alpha * 255], axis=2)


@given(PICTURES, PICTURES)
def test_over_follows_porter_and_duff_within_rounding(bottom: np.ndarray, top: np.ndarray) -> None:
    visible = over(bottom, top)[..., 3] > 0
    difference = np.abs(over(bottom, top) - reference(bottom, top))[visible]
    assert difference.max(initial=0) <= 0.5 + 1e-3


@given(PICTURES, PICTURES)
def test_over_an_opaque_picture_stays_opaque_and_is_rounded_to_nearest(bottom: np.ndarray, top: np.ndarray) -> None:
    bottom[..., 3] = 255
    np.testing.assert_array_equal(over(bottom, top), np.rint(reference(bottom, top)).astype(np.uint8))


@given(PICTURES, PICTURES, st.floats(0, 1))
def test_transparent_pixels_leave_the_bytes_below_alone(bottom: np.ndarray, top: np.ndarray, opacity: float) -> None:
    top[:3, :, 3] = 0
    np.testing.assert_array_equal(over(bottom, top, opacity)[:3], bottom[:3])


@given(PICTURES, PICTURES)
def test_opaque_pixels_keep_their_own_bytes(bottom: np.ndarray, top: np.ndarray) -> None:
    top[:3, :, 3] = 255
    np.testing.assert_array_equal(over(bottom, top)[:3], top[:3])


def test_opacity_scales_the_alpha_of_the_top() -> None:
    np.testing.assert_array_equal(over(pixel(0, 0, 0, 255), pixel(200, 100, 50, 255), 0.5), pixel(100, 50, 25, 255))
    np.testing.assert_array_equal(over(pixel(9, 9, 9, 0), pixel(200, 100, 50, 255), 0.5), pixel(200, 100, 50, 128))


def test_a_picture_larger_than_one_band_is_blended_to_its_last_row() -> None:
    rng = np.random.default_rng(1)
    bottom, top = rng.integers(0, 256, (2, 150, 301, 4), np.uint8)
    result = over(bottom, top)
    np.testing.assert_array_equal(result[:1], over(bottom[:1], top[:1]))
    np.testing.assert_array_equal(result[-1:], over(bottom[-1:], top[-1:]))


def test_a_read_only_bottom_is_copied_not_written() -> None:
    bottom = pixel(1, 2, 3, 255)
    bottom.flags.writeable = False
    over(bottom, pixel(9, 9, 9, 255))
    np.testing.assert_array_equal(bottom, pixel(1, 2, 3, 255))


@given(PICTURES)
def test_premultiplied_colours_are_rounded_and_never_exceed_alpha(picture: np.ndarray) -> None:
    result = premultiplied(picture)
    expected = np.rint(picture[..., :3].astype(float) * picture[..., 3:] / 255)
    np.testing.assert_array_equal(result[..., :3], expected)
    np.testing.assert_array_equal(result[..., 3], picture[..., 3])
    assert (result[..., :3] <= result[..., 3:]).all()


def test_a_matte_shows_through_transparent_pixels_alone() -> None:
    picture = np.array([[[9, 9, 9, 0], [10, 20, 30, 255]]], np.uint8)
    np.testing.assert_array_equal(over_matte(picture, (255, 0, 7)), [[[255, 0, 7], [10, 20, 30]]])


CANVAS = Rect(0, 0, 60, 60)


@given(hnp.arrays(np.uint8, (12, 14)), st.integers(0, 20))
def test_feathering_pastes_nothing_where_the_map_keeps_and_something_wherever_it_changes(
    change_map: np.ndarray, feather: int
) -> None:
    alpha = feather_alpha(change_map, Rect(3, 4, 14, 12), CANVAS, feather)
    np.testing.assert_array_equal(alpha > 0, change_map > 0)


def test_even_the_widest_feather_pastes_something_of_every_changed_pixel() -> None:
    drawn, whole = np.pad(np.full((300, 300), 255, np.uint8), 5), Rect(0, 0, 310, 310)
    alpha = feather_alpha(drawn, whole, whole, 150)
    np.testing.assert_array_equal(alpha > 0, drawn > 0)


def test_no_feather_is_a_hard_edge_even_for_a_faint_map() -> None:
    change_map = np.zeros((20, 20), np.uint8)
    change_map[5:15, 5:15] = 3
    alpha = feather_alpha(change_map, Rect(0, 0, 20, 20), CANVAS, 0)
    np.testing.assert_array_equal(alpha, np.where(change_map > 0, 255, 0))


def test_the_ramp_runs_inward_rises_steadily_and_ends_after_the_feather() -> None:
    change_map = np.zeros((60, 60), np.uint8)
    change_map[:, 20:] = 255
    row = feather_alpha(change_map, CANVAS, CANVAS, 8)[30].astype(int)
    assert (row[:20] == 0).all()
    assert (np.diff(row[19:29]) > 0).all()
    assert row[27] < 255
    assert row[28] == 255
    assert row[23:25].mean() == pytest.approx(127, abs=10)


def test_a_map_cut_by_the_frame_is_blended_there_as_the_canvas_beyond_is_kept() -> None:
    alpha = feather_alpha(np.full((30, 30), 255, np.uint8), Rect(10, 10, 30, 30), CANVAS, 6)
    assert alpha[0, 15] < 40
    assert alpha[15, 0] < 40
    assert alpha[15, 15] == 255


def test_no_blend_runs_where_the_frame_ends_beyond_the_canvas() -> None:
    change_map = np.full((30, 30), 255, np.uint8)
    change_map[:, 28:] = 0
    alpha = feather_alpha(change_map, Rect(-20, 0, 30, 30), CANVAS, 6)
    assert (alpha[:, :20] == 255).all()
    assert alpha[15, 20] == 255
    assert alpha[15, 27] < 40
    assert alpha[0, 22] == alpha[5, 22]


def test_beyond_the_canvas_the_patch_is_solid_even_beside_kept_pixels() -> None:
    change_map = np.zeros((30, 30), np.uint8)
    change_map[:, :20] = 255
    alpha = feather_alpha(change_map, Rect(-20, 0, 30, 30), CANVAS, 6)
    assert (alpha[:, :20] == 255).all()
    assert (alpha[:, 20:] == 0).all()


def test_a_frame_that_is_all_map_up_to_the_canvas_edge_has_no_ramp() -> None:
    assert (feather_alpha(np.full((60, 60), 255, np.uint8), CANVAS, CANVAS, 8) == 255).all()


def test_a_thin_map_keeps_a_solid_middle() -> None:
    change_map = np.zeros((60, 60), np.uint8)
    change_map[20:30, :] = 255
    assert feather_alpha(change_map, CANVAS, CANVAS, 16)[24, 30] == 255


def test_a_thin_stroke_beside_a_large_blob_still_shows_in_its_middle() -> None:
    change_map = np.zeros((120, 200), np.uint8)
    change_map[10:110, 10:110] = 255
    change_map[58:63, 110:190] = 255
    whole = Rect(0, 0, 200, 120)
    alpha = feather_alpha(change_map, whole, whole, 8)
    assert alpha[60, 170] > 230
    assert alpha[60, 15] < 230, "the blob keeps its full ramp"
