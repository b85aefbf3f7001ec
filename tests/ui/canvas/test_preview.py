"""What of a coarse preview is shown."""

import numpy as np

from paintdiff.ui.canvas.preview import where_changed


def test_kept_pixels_are_left_to_the_document_and_changed_ones_are_all_shown() -> None:
    change_map = np.zeros((64, 64), np.uint8)
    change_map[30:33, 8:40] = 7
    coarse = np.full((16, 16, 4), 255, np.uint8)
    shown = where_changed(coarse, change_map)
    for y, x in np.argwhere(change_map):
        assert shown[y // 4, x // 4, 3] == 255
    assert not shown[:6].any()
    assert not shown[10:].any()
    assert coarse.all(), "the preview itself is left as it is"


def test_a_fine_preview_is_cut_to_the_pixel() -> None:
    change_map = np.random.default_rng(0).integers(0, 2, (20, 30), np.uint8)
    shown = where_changed(np.full((20, 30, 4), 9, np.uint8), change_map)
    assert np.array_equal(shown[..., 3] > 0, change_map > 0)
