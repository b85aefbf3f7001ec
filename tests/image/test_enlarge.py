"""Enlarging invents nothing: shrunk again, the picture is what it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paintdiff.image.enlarge import block_sums, enlarge, with_block_sums


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(), (3,), (4,)]), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 2, 3, 4]),
    st.sampled_from(["noise", "extremes", "smooth"]), st.integers(0, 2**16),
)  # fmt: skip
def test_every_block_has_the_mean_of_its_pixel(channels, height, width, scale, kind, seed) -> None:
    rng = np.random.default_rng(seed)
    shape = (height, width, *channels)
    pixels = rng.integers(0, 256, shape).astype(np.uint8)
    if kind == "extremes":
        pixels = rng.choice(np.array([0, 255], np.uint8), shape)
    if kind == "smooth":
        pixels = (np.indices(shape).sum(axis=0) * 7 % 256).astype(np.uint8)
    if channels == (4,):
        pixels[..., 3] = 255
    large = enlarge(pixels, scale)
    assert large.shape == (height * scale, width * scale, *channels)
    assert (block_sums(large, scale) == pixels.astype(int) * scale**2).all()


def test_a_smooth_picture_is_enlarged_smoothly() -> None:
    ramp = np.tile(np.linspace(20, 220, 32).astype(np.uint8), (8, 1))
    steps = np.diff(enlarge(ramp, 4)[16].astype(int))
    assert steps.min() >= -1
    assert steps.max() <= 4


def test_colours_do_not_bleed_out_of_transparent_pixels() -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[4:12, 4:12] = (200, 40, 90, 255)
    large = enlarge(pixels, 4)
    seen = large[..., 3] > 0
    assert (block_sums(large[..., 3], 4) == pixels[..., 3].astype(int) * 16).all()
    assert np.abs(large[seen][:, :3].astype(int) - (200, 40, 90)).max() <= 1


@pytest.mark.parametrize("scale", [2, 4])
def test_bands_of_a_tall_picture_meet_without_a_seam(scale, monkeypatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    whole = enlarge(pixels, scale)
    monkeypatch.setattr("paintdiff.image.enlarge._BAND", 210)
    assert np.array_equal(enlarge(pixels, scale), whole)


def test_values_beyond_the_range_lose_contrast_and_not_their_mean() -> None:
    values = np.array([[-500, 900], [300, -100]], np.float32)
    for total in (0, 1, 510, 1019, 1020):
        out = with_block_sums(values, np.array([[total]], np.int32))
        assert out.sum() == total
