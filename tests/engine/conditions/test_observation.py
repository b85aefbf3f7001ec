import numpy as np
import pytest
import torch
from PIL import Image

from paintdiff.engine.conditions.observation import (
    LUMA,
    Both,
    Downsample,
    LowPass,
    Luma,
    Mask,
    in_range,
    projected,
    refuse_contradiction,
    shrinking,
)
from paintdiff.engine.conditions.range_null import always
from paintdiff.generation.errors import UserError

H, W = 6, 7
GENERATOR = torch.Generator().manual_seed(3)
X, OTHER = torch.randn(2, 1, 3, H, W, generator=GENERATOR, dtype=torch.float64)
KEPT = (torch.rand(1, 1, H, W, generator=GENERATOR) < 0.5).double()

OBSERVATIONS = {
    "mask": Mask(KEPT),
    "luma": Luma(),
    "average": Downsample(2, H, W),
    "bicubic": Downsample(2, H, W, "bicubic"),
    "bicubic by 4": Downsample(4, H, W, "bicubic"),
    "low-pass": LowPass(4),
    "low-pass within": LowPass(2, 1 - KEPT),
    "mask and low-pass": Both(Mask(KEPT), LowPass(2, 1 - KEPT)),
    "luma and mask of rows": Both(Luma(), Mask(torch.arange(H, dtype=torch.float64).view(1, 1, H, 1) % 2)),
    "luma and low-pass": Both(Luma(), LowPass(4)),
}


def matrix(function, shape) -> torch.Tensor:
    """The matrix of a linear function of pictures, column by column; pairs are laid one after the other."""
    size = int(torch.Size(shape).numel())
    pulses = torch.eye(size, dtype=torch.float64).view(size, *shape)
    return torch.stack([flat(function(pulse[None])) for pulse in pulses], dim=1)


def flat(y) -> torch.Tensor:
    return torch.cat([flat(part) for part in y]) if isinstance(y, tuple) else y.flatten()


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_projecting_gives_the_nearest_picture_that_is_observed_so(name) -> None:
    """x - A⁺ (A x - y), with A⁺ from an SVD of A written out as a matrix."""
    observation = OBSERVATIONS[name]
    A = matrix(observation.apply, X.shape[1:])
    y = observation.apply(OTHER)
    expected = X.flatten() - torch.linalg.pinv(A, rtol=1e-10) @ (A @ X.flatten() - flat(y))
    torch.testing.assert_close(projected(observation, X, y).flatten(), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(flat(observation.apply(projected(observation, X, y))), flat(y), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["mask", "luma", "average", "bicubic", "bicubic by 4", "low-pass", "low-pass within"])
def test_pseudo_inverse_is_moore_and_penroses(name) -> None:
    observation = OBSERVATIONS[name]
    A = matrix(observation.apply, X.shape[1:])
    inverse = matrix(observation.pseudo_inverse, observation.apply(X).shape[1:])
    for product, expected in ((A @ inverse @ A, A), (inverse @ A @ inverse, inverse)):
        torch.testing.assert_close(product, expected, rtol=0, atol=1e-10)
    for symmetric in (A @ inverse, inverse @ A):
        torch.testing.assert_close(symmetric, symmetric.T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["low-pass", "low-pass within"])
def test_a_low_pass_is_a_projection(name) -> None:
    low_pass = OBSERVATIONS[name]
    once = low_pass.apply(X)
    torch.testing.assert_close(low_pass.apply(once), once)
    assert float((once - X).abs().max()) > 0.1


def test_a_low_pass_within_a_mask_gives_the_mean_of_what_it_may_see() -> None:
    within = torch.zeros(1, 1, H, W, dtype=torch.float64)
    within[..., 0, 0] = within[..., 1, 1] = within[..., 4:, :] = 1
    low = LowPass(2, within).apply(X)
    torch.testing.assert_close(low[..., 0, 0], (X[..., 0, 0] + X[..., 1, 1]) / 2)
    torch.testing.assert_close(low[..., 4, 0], X[..., 4:6, 0:2].mean(dim=(-2, -1)))
    assert not low[..., 2:4, :].any()
    assert not low[..., 0, 1].any()


def test_luma_is_the_weighted_sum_and_grey_keeps_it() -> None:
    luma = Luma().apply(X)
    torch.testing.assert_close(luma[0, 0], sum(w * X[0, c] for c, w in enumerate(LUMA)))
    grey = luma.expand_as(X)
    torch.testing.assert_close(projected(Luma(), grey, luma), grey)


def test_blocks_at_the_edge_may_be_smaller_and_a_block_larger_than_the_picture_is_its_mean() -> None:
    torch.testing.assert_close(Downsample(4, H, W).apply(X)[..., 1, 1], X[..., 4:, 4:].mean(dim=(-2, -1)))
    torch.testing.assert_close(LowPass(32).apply(X), X.mean(dim=(-2, -1), keepdim=True).expand_as(X))


def test_bicubic_shrinking_is_pillows() -> None:
    plane = X[0, 0].float()
    shrunk = Image.fromarray(plane.numpy()).resize((4, 3), Image.Resampling.BICUBIC)
    rows, columns = shrinking(H, 2, "bicubic")[0], shrinking(W, 2, "bicubic")[0]
    ours = (rows @ plane.double() @ columns.T).float()
    torch.testing.assert_close(ours, torch.from_numpy(np.array(shrunk)), rtol=0, atol=1e-5)


def test_observations_that_contradict_each_other_are_refused_by_name() -> None:
    both = Both(Luma(), Mask(KEPT))
    refuse_contradiction(both, both.apply(X))
    with pytest.raises(UserError, match="the brightness and the kept pixels"):
        refuse_contradiction(both, (Luma().apply(OTHER), Mask(KEPT).apply(X)))
    with pytest.raises(UserError, match="the brightness and the kept pixels"):
        always(both, (Luma().apply(OTHER), Mask(KEPT).apply(X)))


def test_observations_that_do_not_commute_are_no_pair() -> None:
    both = Both(Mask(KEPT), LowPass(2))
    with pytest.raises(ValueError, match="commute"):
        refuse_contradiction(both, both.apply(X))


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_dtype_is_kept(name) -> None:
    assert in_range(OBSERVATIONS[name], X.float()).dtype == torch.float32
