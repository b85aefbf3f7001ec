import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paintdiff.engine.checkpoints.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.generation.errors import UserError
from paintdiff.image.smooth_fill import filled
from tests.tiny_checkpoints import BlockAutoencoder, tiny_autoencoder

CPU = torch.device("cpu")


def blocks(channels: int = 12) -> LatentSpace:
    return LatentSpace(BlockAutoencoder(channels), 32, CPU)


def real() -> LatentSpace:
    return LatentSpace(KLAutoencoder(tiny_autoencoder()), 32, CPU)


def noise_picture(seed: int = 0, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def test_a_latent_stands_for_a_cell_of_pixels() -> None:
    assert blocks().shape == (1, 12, 4, 4)
    assert real().shape == (1, 4, 8, 8)
    assert blocks().encode(noise_picture()).shape == blocks().shape
    assert real().decode(torch.zeros(real().shape)).shape == (32, 32, 3)


def test_what_the_patterns_can_show_comes_back_through_a_linear_autoencoder() -> None:
    space = blocks()
    latents = torch.randn(space.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(space.from_pixels(space.to_pixels(latents)), latents)
    flat = np.full((32, 32, 3), (200, 30, 90), np.uint8)
    assert np.abs(space.decode(space.encode(flat)) - flat).max() < 1e-3


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), share=st.floats(0, 1))
def test_a_cell_joins_as_early_as_the_earliest_of_its_pixels(seed, share) -> None:
    rng = np.random.default_rng(seed)
    change_map = (rng.integers(0, 256, (32, 32)) * (rng.random((32, 32)) < share)).astype(np.uint8)
    cells = blocks().strength(change_map, 0.7)
    assert cells.shape == (1, 1, 4, 4)
    for y in range(4):
        for x in range(4):
            largest = change_map[8 * y : 8 * y + 8, 8 * x : 8 * x + 8].max()
            assert float(cells[0, 0, y, x]) == pytest.approx(0.7 * largest / 255)


@pytest.mark.parametrize("space", [blocks(), real()], ids=["blocks", "real"])
def test_nothing_of_what_is_repainted_shows_in_any_latent(space) -> None:
    """A real encoder looks far around a cell: without the filling, the kept cells would remember what was masked."""
    free = np.zeros((32, 32), bool)
    free[5:20, 9:27] = True
    one, other = noise_picture(0), noise_picture(0)
    other[free] = 255 - other[free]
    assert torch.equal(space.encode(one, free), space.encode(other, free))
    assert not torch.equal(space.encode(one), space.encode(other))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99), share=st.floats(0, 1))
def test_filling_keeps_the_known_pixels_and_stays_among_their_colours(height, width, seed, share) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    free = rng.random((height, width)) < share
    out = filled(rgb, free)
    assert out.shape == rgb.shape
    assert np.array_equal(out[~free], rgb[~free])
    if free.all():
        assert (abs(out.astype(int) - 127) <= 1).all()
    else:
        assert out[free].min(initial=255) >= rgb[~free].min()
        assert out[free].max(initial=0) <= rgb[~free].max()


def test_a_hole_in_a_flat_picture_or_a_slope_is_filled_without_an_edge() -> None:
    free = np.zeros((64, 64), bool)
    free[20:40, 10:50] = True
    flat = np.full((64, 64, 3), (200, 30, 90), np.uint8)
    assert np.array_equal(filled(flat, free), flat)
    slope = np.repeat((np.arange(64, dtype=np.uint8) * 3)[:, None, None], 64, axis=1).repeat(3, axis=2)
    steps = np.abs(np.diff(filled(slope, free).astype(int), axis=0))
    assert steps.max() < 40, "of the 60 levels that the hole spans"


def test_pictures_are_differentiable_both_ways() -> None:
    space = real()
    latents = torch.randn(space.shape).requires_grad_()
    space.to_pixels(latents).sum().backward()
    assert latents.grad is not None
    assert latents.grad.abs().sum() > 0
    pixels = torch.randn(1, 3, 32, 32).requires_grad_()
    space.from_pixels(pixels).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


def test_latents_are_scaled_and_shifted_as_the_config_says() -> None:
    plain = tiny_autoencoder()
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        raw = plain.encode(pixels).latent_dist.mode()
        plain.register_to_config(shift_factor=0.3, scaling_factor=1.5)
        torch.testing.assert_close(KLAutoencoder(plain).encode(pixels), (raw - 0.3) * 1.5)
        plain.register_to_config(latents_mean=[1, 2, 3, 4], latents_std=[2, 2, 4, 4])
        mean, deviation = (torch.tensor(v).view(1, 4, 1, 1) for v in ([1, 2, 3, 4], [2, 2, 4, 4]))
        autoencoder = KLAutoencoder(plain)
        latents = autoencoder.encode(pixels)
        torch.testing.assert_close(latents, (raw - mean) * 1.5 / deviation)
        torch.testing.assert_close(autoencoder.decode(latents), plain.decode(raw).sample)


def test_an_autoencoder_that_overflows_in_half_precision_goes_on_in_float32() -> None:
    loud = tiny_autoencoder()
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loud.post_quant_conv.weight *= 1e5
        expected = KLAutoencoder(loud).decode(latents)
        autoencoder = KLAutoencoder(loud.half())
        first, second = autoencoder.decode(latents), autoencoder.decode(latents)
    assert expected.isfinite().all()
    assert first.isfinite().all()
    assert first.dtype == torch.float32
    assert torch.equal(first, second)


def test_a_damaged_autoencoder_is_a_clear_sentence() -> None:
    damaged = tiny_autoencoder()
    with torch.no_grad():
        damaged.decoder.conv_out.bias[0] = float("nan")
        with pytest.raises(UserError, match="autoencoder"):
            KLAutoencoder(damaged).decode(torch.zeros(1, 4, 8, 8))
