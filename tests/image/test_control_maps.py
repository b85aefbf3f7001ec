"""Control maps of drawn shapes, whose lines are known."""

import cv2
import numpy as np
import pytest

from paintdiff.image.control_maps import canny, control_map, line_art, scribble

SIDE = 256
NOTHING = np.zeros((SIDE, SIDE), bool)


def square(inside: tuple[int, int, int] = (200, 60, 50), ground: tuple[int, int, int] = (200, 220, 240)) -> np.ndarray:
    """(SIDE, SIDE, 4) uint8: a square from 64 to 191."""
    picture = np.full((SIDE, SIDE, 4), (*ground, 255), np.uint8)
    picture[64:192, 64:192] = (*inside, 255)
    return picture


def near_the_outline(reach: int) -> np.ndarray:
    """(SIDE, SIDE) bool: pixels within `reach` of the square's outline."""
    outline = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(outline, (64, 64), (191, 191), 1)
    return cv2.dilate(outline, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0


def strokes() -> np.ndarray:
    """(SIDE, SIDE, 4) uint8: a white line on transparent ground."""
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[100:106, 20:230] = 255
    return picture


@pytest.mark.parametrize("kind", ["canny", "lineart", "scribble"])
def test_lines_lie_on_the_outline_and_close_around_the_shape(kind) -> None:
    drawn = control_map(kind, square(), NOTHING)
    assert drawn.shape == (SIDE, SIDE, 3)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.array_equal(drawn[..., 0], drawn[..., 2])
    lines = drawn[..., 0] > 0.3
    assert not (lines & ~near_the_outline(4)).any()
    open_ground = (~cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)).astype(np.uint8)
    _, regions = cv2.connectedComponents(open_ground)
    assert regions[128, 128] != regions[5, 5]


@pytest.mark.parametrize("draw", [canny, line_art, scribble])
def test_a_flat_picture_has_no_lines(draw) -> None:
    assert not draw(np.full((SIDE, SIDE, 3), 130, np.uint8)).any()


@pytest.mark.parametrize("draw", [canny, line_art])
def test_colours_of_one_brightness_still_have_an_edge_between_them(draw) -> None:
    red, green = (200, 60, 50), (40, 150, 52)
    assert draw(square(red, green)[..., :3])[near_the_outline(2)].max() > 0.5


def test_line_art_grows_fainter_with_the_contrast() -> None:
    strong, weak = (line_art(square((level,) * 3, (200,) * 3)[..., :3]).max() for level in (100, 185))
    assert strong > 2 * weak > 0


def test_lines_are_as_wide_beside_the_picture_at_any_size() -> None:
    small = line_art(square()[..., :3]).mean()
    large = cv2.resize(square()[..., :3], (4 * SIDE, 4 * SIDE), interpolation=cv2.INTER_NEAREST)
    assert line_art(large).mean() == pytest.approx(small, rel=0.5)


def test_a_scribble_of_a_layer_is_its_strokes_whatever_their_colour() -> None:
    drawn = control_map("scribble", strokes(), NOTHING, drawn=True)
    assert np.array_equal(drawn[..., 0] == 1, strokes()[..., 3] == 255)


def test_transparent_parts_of_the_frame_have_no_edges() -> None:
    picture = np.full((SIDE, SIDE, 4), (30, 60, 90, 255), np.uint8)
    picture[:, 128:] = 0
    assert not control_map("canny", picture, NOTHING).any()
    assert not control_map("lineart", picture, NOTHING).any()


def test_a_tile_map_keeps_colours_and_loses_detail() -> None:
    checks = np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 255
    picture = np.dstack([checks] * 3 + [np.full_like(checks, 255)]).astype(np.uint8)
    blurred = control_map("tile", picture, NOTHING)
    assert blurred.mean() == pytest.approx(0.5, abs=0.01)
    assert blurred.std() < 0.02
    whole = control_map("tile", square(), NOTHING)
    assert np.abs(whole[128, 128] - np.array([200, 60, 50]) / 255).max() < 0.01


def test_an_inpaint_map_is_minus_one_under_the_mask_and_the_picture_elsewhere() -> None:
    free = NOTHING.copy()
    free[100:120, 30:90] = True
    drawn = control_map("inpaint", square(), free)
    assert (drawn[free] == -1).all()
    assert np.allclose(drawn[~free], square()[~free][:, :3] / 255)


def test_a_map_that_is_ready_is_shown_as_it_is_over_black() -> None:
    assert np.allclose(control_map("other", square(), NOTHING, ready=True), square()[..., :3] / 255)
    lines = control_map("canny", strokes(), NOTHING, ready=True)
    assert np.allclose(lines, strokes()[..., 3:] / 255)
    depth = control_map("depth", square(), NOTHING, ready=True)
    assert np.array_equal(depth[..., 0], depth[..., 1])


@pytest.mark.parametrize("kind", ["depth", "other"])
def test_what_cannot_be_drawn_here_is_refused(kind) -> None:
    with pytest.raises(ValueError, match="given"):
        control_map(kind, square(), NOTHING)
