"""CLIP guidance on data for which it is exact: Gaussians of variance 1 and an embedder that is linear."""

import pytest
import torch

from paintdiff.engine.conditions.clip_guidance import ClipGuidance
from paintdiff.engine.conditions.constraint import Free
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.plan import descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.engine.schedule import Flow, VPCosine, VPLinear
from paintdiff.generation.cancel import CancelToken
from tests.engine.gaussian import Gaussian

MEAN = torch.tensor([0.4, -0.2, 0.1], dtype=torch.float64)
MATRIX = torch.tensor([[1.0, 0.5, 0.0], [0.0, -1.0, 2.0]], dtype=torch.float64)  # pictures of 3 numbers into 2
TEXT = torch.tensor([[0.3, 0.2]], dtype=torch.float64)


def white(schedule, mean: torch.Tensor = MEAN) -> Gaussian:
    return Gaussian(mean, torch.ones(3, dtype=torch.float64), schedule)


def guided(schedule, scale: float) -> ClipGuidance:
    return ClipGuidance(white(schedule), lambda x: x @ MATRIX.T, TEXT, scale, lambda x0: x0)


@pytest.mark.parametrize("schedule", [VPLinear(), VPCosine(), Flow()])
@pytest.mark.parametrize("t", [0.0, 0.01, 0.5, 1.0])
def test_the_picture_is_tilted_by_the_dot_product(schedule, t) -> None:
    """N(m, 1) times exp(s b·x) is N(m + s b, 1)."""
    tilted = white(schedule, MEAN + 1.5 * (TEXT @ MATRIX)[0])
    x_t = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(guided(schedule, 1.5)(x_t, t, Condition()).x0, tilted(x_t, t, Condition()).x0)


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "ddpm"])
def test_every_sampler_then_ends_where_the_tilted_data_would(sampler) -> None:
    schedule = VPCosine()

    def draw(step: int, part: int = 0) -> torch.Tensor:
        return torch.randn(400, 3, generator=torch.Generator().manual_seed(step), dtype=torch.float64)

    def sampled(denoiser) -> torch.Tensor:
        start, *times = descending(1.0, 20)
        state = State(draw(0), start)
        moves = make_sampler(sampler, schedule, draw)
        *_, last = run(state, times, moves, denoiser, Condition(), Free(), CancelToken())
        return last.x_t

    end = sampled(guided(schedule, 1.5))
    torch.testing.assert_close(end, sampled(white(schedule, MEAN + 1.5 * (TEXT @ MATRIX)[0])))
    assert (end.mean(0) - MEAN - 1.5 * (TEXT @ MATRIX)[0]).abs().max() < 0.15  # 400 samples


def test_the_gradient_goes_through_the_space_of_the_model() -> None:
    decoder = torch.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, -1.0]], dtype=torch.float64)
    data = white(Flow())
    through = ClipGuidance(data, lambda x: x @ MATRIX.T, TEXT, 1.0, lambda x0: x0 @ decoder.T)
    x_t, t = torch.zeros(1, 3, dtype=torch.float64), 0.5
    moved = through(x_t, t, Condition()).x0 - data(x_t, t, Condition()).x0
    torch.testing.assert_close(moved, 0.5 * TEXT @ MATRIX @ decoder)


def test_at_scale_0_nothing_is_asked() -> None:
    def embed(pixels):
        raise AssertionError("asked")

    x_t = torch.zeros(1, 3, dtype=torch.float64)
    silent = ClipGuidance(white(Flow()), embed, TEXT, 0.0, lambda x0: x0)
    assert torch.equal(silent(x_t, 0.5, Condition()).x0, white(Flow())(x_t, 0.5, Condition()).x0)
