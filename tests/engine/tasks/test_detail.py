import cv2
import numpy as np

from paintdiff.engine.tasks.detail import with_detail


def test_what_an_edit_left_keeps_every_pixel_and_what_it_changed_is_its_own() -> None:
    picture = np.random.default_rng(0).integers(60, 200, (64, 64, 3), np.uint8)
    before = cv2.GaussianBlur(picture, (0, 0), 3)
    edited = before.copy()
    edited[:, 32:] = 255 - before[:, 32:] // 2
    found = with_detail(edited, before, picture, cell=4)
    assert np.array_equal(found[:, :20], picture[:, :20])
    assert np.array_equal(found[:, 44:], edited[:, 44:])


def test_small_changes_are_carried_over_to_the_fine_picture() -> None:
    picture = np.random.default_rng(0).integers(60, 200, (32, 32, 3), np.uint8)
    before = cv2.GaussianBlur(picture, (0, 0), 3)
    found = with_detail(before + 2, before, picture, cell=1)
    assert abs(float((found.astype(int) - picture).mean()) - 2) < 0.3
