"""Enlarged colours end at the edges of the sharper picture."""

import cv2
import numpy as np

from paintdiff.image.guided import guided_upsample


def two_fields() -> tuple[np.ndarray, np.ndarray]:
    """A fine guide (160, 160) with a slanted edge, and the colours (160, 160, 3) of its two sides."""
    y, x = np.mgrid[:160, :160]
    left = x + y / 3 < 97
    return np.where(left, 60.0, 190.0).astype(np.float32), np.where(left[..., None], (40.0, -20, 0), (-30, 10, 25))


def test_a_colour_ends_where_the_guide_has_its_edge() -> None:
    fine, truth = two_fields()
    small, guide = (cv2.resize(np.float32(each), (16, 16), interpolation=cv2.INTER_AREA) for each in (truth, fine))
    plain = cv2.resize(small, (160, 160), interpolation=cv2.INTER_CUBIC)
    error = np.abs(guided_upsample(small, guide, fine) - truth).mean()
    assert error < np.abs(plain - truth).mean() / 4


def test_on_a_flat_guide_it_is_plain_smooth_enlarging() -> None:
    ramp = np.tile(np.linspace(-40, 40, 8, dtype=np.float32)[:, None], (8, 1, 3))
    out = guided_upsample(ramp, np.full((8, 8), 100, np.float32), np.full((64, 64), 100, np.float32))
    assert (np.diff(out[32, :, 0]) >= -1e-4).all()
    assert np.abs(out[32, 16:48, 0] - np.linspace(-40, 40, 64)[16:48]).max() < 6


def test_values_as_fine_as_the_guide_stay_and_finer_ones_are_averaged() -> None:
    values = np.random.default_rng(0).normal(size=(12, 12, 3)).astype(np.float32)
    guide = np.zeros((12, 12), np.float32)
    assert np.array_equal(guided_upsample(values, guide, guide), values)
    smaller = guided_upsample(values, guide, np.zeros((6, 6), np.float32))
    assert np.allclose(smaller, values.reshape(6, 2, 6, 2, 3).mean(axis=(1, 3)), atol=1e-6)
