"""The flow, its loss and the sheet's sampler, against what is known in closed form."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from paintdiff.training.diffusion import (
    CONTINUATION_WEIGHT,
    SMALLEST_T,
    Batch,
    draw_times,
    fill,
    noised,
    task_weight,
    velocity_loss,
)


def batch(count: int = 4, size: int = 8, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.rand(count, 3, size, size, generator=generator) * 2 - 1
    mask = torch.zeros(count, 1, size, size)
    mask[..., 2:6, 2:6] = 1
    return Batch(x0, mask, torch.ones(count, 5, dtype=torch.int64), torch.zeros(count, 4, size, size))


def test_the_loss_of_x0_is_the_error_of_the_velocity() -> None:
    """GIVEN t above the floor THEN |x0 - x0_hat|^2 / t^2 is |v - v_hat|^2 v_hat = (x_t - x0_hat) / t."""
    given = batch()
    given = replace(given, mask=torch.ones_like(given.mask))
    t = torch.tensor([0.1, 0.3, 0.7, 1.0])
    eps, x0_hat = torch.randn_like(given.x0), torch.randn_like(given.x0)
    v = eps - given.x0
    v_hat = (noised(given.x0, eps, t) - x0_hat) / t.view(-1, 1, 1, 1)
    expected = (v - v_hat).square().mean((1, 2, 3))
    torch.testing.assert_close(velocity_loss(x0_hat, given, t), expected)


def test_the_loss_counts_a_kept_pixel_a_tenth() -> None:
    given, t = batch(count=1), torch.tensor([1.0])
    inside, outside = given.x0.clone(), given.x0.clone()
    inside[..., 3, 3] += 1
    outside[..., 0, 0] += 1
    ratio = velocity_loss(outside, given, t) / velocity_loss(inside, given, t)
    torch.testing.assert_close(ratio, torch.tensor([0.1]))


def test_the_weight_stops_growing_near_the_clean_picture() -> None:
    given = batch(count=2)
    losses = velocity_loss(given.x0 + 0.1, given, torch.tensor([SMALLEST_T, SMALLEST_T / 100]))
    torch.testing.assert_close(losses[0], losses[1])


def test_continuation_counts_more_than_things_and_whole_pictures() -> None:
    given = batch(count=3)
    given.tokens[:] = torch.tensor([[1, 0, 0, 0, 0], [1, 5, 0, 0, 0], [1, 0, 0, 0, 0]])
    given.mask[2] = 1
    assert task_weight(given).tolist() == [CONTINUATION_WEIGHT, 1, 1]


def test_times_are_logit_normal_and_mostly_noisy() -> None:
    t = draw_times(20_000, torch.Generator().manual_seed(0))
    assert t.min() > 0
    assert t.max() < 1
    logits = torch.logit(t)
    assert abs(logits.mean() - 0.5) < 0.03
    assert abs(logits.std() - 1.1) < 0.03


class KnowsTheAnswer(nn.Module):
    """A network that predicts one picture whatever it is shown, red with a prompt and grey without."""

    def encode_text(self, tokens: Tensor) -> Tensor:
        return tokens.float()[..., None]

    def forward(
        self, x_t: Tensor, t: Tensor, mask: Tensor, known: Tensor, text: Tensor, text_mask: Tensor, reference: Tensor
    ) -> Tensor:
        prompted = (text_mask.sum(1) > 1).float().view(-1, 1, 1, 1)
        return torch.tensor([0.5, 0.0, 0.0]).view(1, 3, 1, 1).expand_as(x_t) * prompted


def test_a_fill_ends_at_what_the_network_predicts_and_keeps_the_rest() -> None:
    given = batch(count=2)
    given.tokens[1, 1:] = 0
    filled = fill(KnowsTheAnswer(), given, steps=4, guidance=1.5, seed=0)  # type: ignore[arg-type]
    inside = given.mask.expand_as(filled) == 1
    torch.testing.assert_close(filled[~inside], given.x0[~inside])
    torch.testing.assert_close(filled[0, :, 3, 3], torch.tensor([0.75, 0.0, 0.0]))
    torch.testing.assert_close(filled[1, :, 3, 3], torch.zeros(3))
