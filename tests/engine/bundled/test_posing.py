"""Each seed's own drawing: it differs, and stays whole."""

import cv2
import numpy as np

from paintdiff.engine.bundled.posing import posed


def cross_with_a_hole() -> np.ndarray:
    """Thin arms and a hole: what a sharp bend would tear or close."""
    alpha = np.zeros((128, 128), np.uint8)
    alpha[8:120, 58:70] = alpha[50:78, 14:114] = 255
    alpha[58:70, 44:52] = 0
    return np.dstack([alpha // 255 * colour for colour in (200, 0, 0)] + [alpha])


def pieces(solid: np.ndarray) -> int:
    return cv2.connectedComponents(solid.astype(np.uint8), connectivity=4)[0] - 1


def test_a_thing_stands_differently_for_each_seed() -> None:
    square = np.zeros((128, 128, 4), np.uint8)
    square[20:108, 20:108] = (200, 0, 0, 255)
    one, again, other = (posed(square, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert (one != other).any(-1).mean() > 0.02
    for stands in (one, other):
        assert 0.6 < (stands[..., 3] > 128).sum() / (square[..., 3] > 128).sum() < 1.6
        assert not stands[[0, -1]].any()
        assert not stands[:, [0, -1]].any()


def test_nothing_tears_and_no_hole_closes() -> None:
    for seed in range(60):
        solid = posed(cross_with_a_hole(), np.random.default_rng(seed))[..., 3] > 128
        assert pieces(solid) == 1
        assert pieces(~solid) == 2


def test_a_round_thing_is_turned_and_stays_round() -> None:
    y, x = np.mgrid[:128, :128] - 63.5
    alpha = np.where(x * x + y * y < 50**2, 255, 0).astype(np.uint8)
    marked = np.dstack([np.where(x > 0, alpha, 0).astype(np.uint8), np.zeros((128, 128, 2), np.uint8), alpha])
    stand = [posed(marked, np.random.default_rng(seed)) for seed in range(10)]
    for stands in stand:
        ys, xs = np.nonzero(stands[..., 3] > 128)
        assert abs(np.ptp(xs) - np.ptp(ys)) <= 2
    assert not np.array_equal(stand[0], stand[1])


def test_nothing_stays_nothing() -> None:
    assert not posed(np.zeros((16, 16, 4), np.uint8), np.random.default_rng(0)).any()
