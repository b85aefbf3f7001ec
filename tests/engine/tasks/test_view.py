import numpy as np
import pytest

from paintdiff.engine.tasks.finish import Preview, kept_pixels, make_patch
from paintdiff.engine.tasks.view import View
from paintdiff.generation.request import Request
from paintdiff.image.geometry import Rect

FRAMES = [(64, 64), (40, 100), (100, 40), (7, 16), (16, 16), (1, 1), (1, 20_000), (20_000, 1), (3, 5), (333, 127)]


@pytest.mark.parametrize(("height", "width"), FRAMES)
def test_any_frame_fits_the_models_square_with_its_longer_side(height, width) -> None:
    view = View(height, width, 16)
    assert max(view.inner_height, view.inner_width) == 16
    assert min(view.inner_height, view.inner_width) >= 1
    square = view.picture(np.full((height, width, 3), 99, np.uint8))
    assert square.shape == (16, 16, 3)
    assert (square == 99).all()
    back = view.back(square.astype(np.float32))
    assert back.shape == (height, width, 3)
    assert (back == 99).all()


def test_shrinking_is_antialiased() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    means = pixels.reshape(32, 8, 32, 8, 3).mean((1, 3))
    assert abs(View(256, 256, 32).picture(pixels) - means).max() <= 1


def test_a_frame_of_the_models_size_is_not_resampled() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    view = View(16, 16, 16)
    assert np.array_equal(view.picture(pixels), pixels)
    assert np.array_equal(view.back(pixels.astype(np.float32)), pixels)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (37, 90), (5, 9), (16, 16), (200, 3)])
def test_a_kept_cell_is_made_of_kept_pixels_alone(height, width) -> None:
    rng = np.random.default_rng(height)
    change_map = np.where(rng.random((height, width)) < 0.1, 255, 0).astype(np.uint8)
    view = View(height, width, 16)
    red = np.zeros((height, width, 3), np.uint8)
    red[change_map > 0] = 255  # only pixels to be repainted are bright
    kept = view.map(change_map) == 0
    assert view.picture(red)[kept].max(initial=0) == 0


@pytest.mark.parametrize(("height", "width"), FRAMES)
def test_a_doubled_view_shows_each_pixel_as_two_by_two(height, width) -> None:
    view, twice = View(height, width, 16), View(height, width, 16).doubled()
    assert (twice.size, twice.inner_height, twice.inner_width) == (32, 2 * view.inner_height, 2 * view.inner_width)
    assert (twice.top, twice.left) == (2 * view.top, 2 * view.left)
    assert twice.doubled().size == 64
    square = np.arange(16 * 16 * 3, dtype=np.float32).reshape(16, 16, 3)
    assert np.array_equal(twice.inner(square.repeat(2, 0).repeat(2, 1))[::2, ::2], view.inner(square))


def test_a_single_marked_pixel_of_a_large_frame_still_reaches_the_model() -> None:
    for x, y in ((0, 0), (511, 511), (17, 300)):
        change_map = np.zeros((512, 512), np.uint8)
        change_map[y, x] = 90
        square = View(512, 512, 16).map(change_map)
        assert square.max() == 90
        assert np.count_nonzero(square) == 1
        assert square[y // 32, x // 32] == 90


def test_what_lies_beside_a_narrow_frame_is_as_free_as_its_freest_pixel() -> None:
    change_map = np.zeros((8, 32), np.uint8)
    change_map[3, 5] = 77
    view = View(8, 32, 16)
    square = view.map(change_map)
    assert (view.top, view.inner_height) == (6, 4)
    assert (square[:6] == 77).all()
    assert (square[10:] == 77).all()


def request(change_map: np.ndarray, canvas: Rect | None = None, feather: int = 4) -> Request:
    height, width = change_map.shape
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (height, width, 4), np.uint8)
    frame = Rect(0, 0, width, height)
    return Request("inpaint", frame, canvas or frame, picture, change_map, feather=feather)


def painted(size: int = 16) -> np.ndarray:
    return np.random.default_rng(2).random((size, size, 3)).astype(np.float32) * 255


def test_a_patch_is_clear_outside_the_map_feathered_inside_and_full_in_the_middle() -> None:
    change_map = np.zeros((60, 60), np.uint8)
    change_map[10:50, 10:50] = 255
    asked = request(change_map)
    patch = make_patch(painted(), View(60, 60, 16), asked)
    assert (patch[change_map == 0] == 0).all()
    assert (patch[20:40, 20:40, 3] == 255).all()
    assert (np.diff(patch[30, 10:17, 3].astype(int)) >= 0).all()
    assert 0 < patch[30, 10, 3] < 128
    assert kept_pixels(asked, patch) == (60 * 60 - 40 * 40, 0)


def test_without_a_feather_the_patch_is_opaque_wherever_the_map_is_set() -> None:
    change_map = np.zeros((30, 30), np.uint8)
    change_map[3:9, 4:20] = 1
    patch = make_patch(painted(), View(30, 30, 16), request(change_map, feather=0))
    assert np.array_equal(patch[..., 3], np.where(change_map > 0, 255, 0))


def test_beyond_the_canvas_the_patch_is_opaque() -> None:
    change_map = np.full((40, 40), 255, np.uint8)
    change_map[:, :20] = 0
    patch = make_patch(painted(), View(40, 40, 16), request(change_map, Rect(0, 0, 24, 40), feather=4))
    assert (patch[:, 32:, 3] == 255).all()
    assert patch[20, 20, 3] < 128


def test_the_proof_counts_a_kept_pixel_that_a_patch_would_change() -> None:
    change_map = np.zeros((8, 8), np.uint8)
    change_map[4:, :] = 255
    asked = request(change_map)
    patch = np.zeros((8, 8, 4), np.uint8)
    patch[2, 3] = 255 - asked.picture[2, 3, 0], 0, 0, 255
    assert kept_pixels(asked, patch) == (32, 1)


@pytest.mark.parametrize(("height", "width"), [(60, 60), (10, 6), (128, 32), (1, 300)])
def test_a_preview_has_the_frames_aspect_and_is_never_larger(height, width) -> None:
    change_map = np.zeros((height, width), np.uint8)
    change_map[:, : (width + 1) // 2] = 255
    asked = request(change_map)
    picture = Preview(View(height, width, 16), asked, asked.frame, asked.picture).picture(painted())
    assert picture.shape[0] <= height
    assert picture.shape[1] <= width
    assert picture.shape[0] / picture.shape[1] == pytest.approx(height / width, rel=0.1) or min(picture.shape[:2]) == 1
    assert picture.dtype == np.uint8
