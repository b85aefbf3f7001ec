"""Luma and chroma are orthonormal coordinates, and observations of them fit together."""

import torch

from paintdiff.engine.conditions.observation import Both, Luma, in_range, projected
from paintdiff.engine.tasks.colour_basis import Chroma, colour_basis, from_basis, to_basis

generator = torch.Generator().manual_seed(0)
X = torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64)


def test_the_basis_is_orthonormal_and_its_first_axis_is_luma() -> None:
    basis = colour_basis()
    assert torch.allclose(basis.T @ basis, torch.eye(3, dtype=torch.float64), atol=1e-15)
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    assert torch.allclose(basis[:, 0], weights / weights.norm(), atol=1e-15)
    assert torch.allclose(to_basis(X)[:, :1], Luma().apply(X) / weights.norm(), atol=1e-14)


def test_there_and_back_is_the_same_picture() -> None:
    assert torch.allclose(from_basis(to_basis(X)), X, atol=1e-14)


def test_chroma_is_a_projection_that_does_not_see_luma() -> None:
    given = (torch.rand(1, 1, 5, 4, generator=generator) > 0.5).double()
    chroma = Chroma(given)
    y = chroma.apply(X)
    assert torch.allclose(chroma.apply(chroma.pseudo_inverse(y)), y, atol=1e-14)
    assert torch.allclose(in_range(chroma, in_range(chroma, X)), in_range(chroma, X), atol=1e-14)
    assert Luma().apply(chroma.pseudo_inverse(y)).abs().max() < 1e-14


def test_luma_everywhere_and_chroma_where_given_hold_together() -> None:
    given = (torch.rand(1, 1, 5, 4, generator=generator) > 0.5).double()
    both = Both(Luma(), Chroma(given))
    other = torch.randn(X.shape, generator=generator, dtype=torch.float64)
    out = projected(both, other, both.apply(X))
    assert torch.allclose(Luma().apply(out), Luma().apply(X), atol=1e-14)
    assert torch.allclose(out * given, X * given, atol=1e-14)
    free = (1 - given).expand(2, 1, 5, 4)
    assert torch.allclose(to_basis(out)[:, 1:] * free, to_basis(other)[:, 1:] * free, atol=1e-14)
