"""A network of a fixed size on pictures of any size: the windows cover everything, and no seam shows."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.tasks.tiling import BATCH, Tiled, window_weight, windows

SIZE = 16
TIMES = (0.0, 0.013, 0.3, 0.5, 0.77, 1.0)


def pointwise(x_t: Tensor, t: float, condition: Condition) -> Tensor:
    assert x_t.shape[-2:] == (SIZE, SIZE)
    assert condition.mask is not None
    assert condition.known is not None
    assert condition.text is not None
    return 2 * x_t - t + condition.mask * 3 + condition.known + condition.text[:, :1, :1, None]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 16), (16, 31), (40, 23), (100, 64)])
@pytest.mark.parametrize("t", TIMES)
def test_a_pointwise_network_gives_what_it_gives_untiled(n, height, width, t) -> None:
    generator = torch.Generator().manual_seed(0)
    x_t = torch.randn(n, 3, height, width, generator=generator, dtype=torch.float64)
    mask = torch.rand(n, 1, height, width, generator=generator, dtype=torch.float64)
    known = torch.randn(1, 3, height, width, generator=generator, dtype=torch.float64)
    text = torch.randn(n, 4, 5, generator=generator, dtype=torch.float64)
    condition = Condition(text, text[..., 0] > 0, mask, known)
    out = Tiled(pointwise, SIZE)(x_t, t, condition)
    assert torch.allclose(out, 2 * x_t - t + mask * 3 + known + text[:, :1, :1, None], atol=1e-12)


@pytest.mark.parametrize("length", range(16, 120))
def test_windows_cover_everything_and_overlap(length) -> None:
    for t in TIMES:
        rows = sorted({top for top, _ in windows(length, SIZE, SIZE, t)})
        assert rows[0] == 0
        assert rows[-1] == length - SIZE
        gaps = [b - a for a, b in pairwise(rows)]
        assert all(0 < gap <= SIZE - 1 for gap in gaps)
        assert len(rows) <= -(-(length - SIZE) // 12) + 1, "moving them takes no more of them"


def test_windows_lie_elsewhere_at_another_time_and_alike_at_the_same() -> None:
    assert windows(100, 100, SIZE, 0.5) == windows(100, 100, SIZE, 0.5)
    assert len({tuple(windows(100, 100, SIZE, t)) for t in TIMES}) > 3


def test_a_picture_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match="15 cells are fewer"):
        windows(15, 40, SIZE, 0.5)


def test_windows_go_through_the_network_a_few_at_a_time() -> None:
    seen = []

    def network(x_t: Tensor, t: float, condition: Condition) -> Tensor:
        seen.append(len(x_t))
        return x_t

    Tiled(network, SIZE)(torch.zeros(2, 3, 64, 64), 0.5, Condition())
    assert max(seen) == BATCH
    assert sum(seen) == 2 * len(windows(64, 64, SIZE, 0.5))


def test_answers_that_disagree_are_blended_without_a_jump() -> None:
    """Windows that each say another grey, the most that they can disagree: neighbouring pixels stay close."""
    count = iter(range(1000))

    def network(x_t: Tensor, t: float, condition: Condition) -> Tensor:
        return torch.stack([torch.full_like(each, next(count) % 2) for each in x_t])

    out = Tiled(network, SIZE)(torch.zeros(1, 1, SIZE, 60), 0.5, Condition())
    assert out.max() > 0.9
    assert out.min() < 0.1
    assert (out[..., 1:] - out[..., :-1]).abs().max() < 0.5
    assert window_weight(SIZE).min() > 0
