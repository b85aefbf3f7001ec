"""The bundled model's network: shapes, memory layout and what it starts from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig, preconditioning, shuffle, unshuffle

TINY = FillNetworkConfig(
    vocabulary=50, widths=(16, 32, 32), blocks=(1, 1), tokens_depth=1, heads=2, condition=32, text_width=16,
    text_depth=1, text_heads=2,
)  # fmt: skip


def inputs(count: int = 2, size: int = 32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    known = torch.randn(count, 3, size, size, generator=generator)
    return {
        "x_t": torch.randn(count, 3, size, size, generator=generator),
        "t": torch.linspace(0.2, 1, count),
        "mask": torch.ones(count, 1, size, size),
        "known": known,
    }


def network(seed: int = 0) -> FillNetwork:
    """Random in every layer, also in those that training starts at zero."""
    torch.manual_seed(seed)
    net = FillNetwork(TINY)
    for parameter in net.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return net


@pytest.mark.parametrize("size", [8, 32, 64])
def test_x0_has_the_size_of_x_t_and_is_float32(size: int) -> None:
    net = network()
    tokens = torch.tensor([[1, 7, 9, 0], [1, 0, 0, 0]])
    with torch.autocast("cpu", torch.bfloat16):
        x0 = net(**inputs(size=size), text=net.encode_text(tokens), text_mask=tokens != 0)
    assert x0.shape == (2, 3, size, size)
    assert x0.dtype == torch.float32
    assert x0.isfinite().all()


def test_every_input_matters() -> None:
    net, given = network(), inputs()
    tokens = torch.tensor([[1, 7, 9, 0], [1, 8, 0, 0]])
    text = net.encode_text(tokens)
    before = net(**given, text=text, text_mask=tokens != 0)
    for name, factor in {"x_t": -1, "t": 0.5, "mask": 0, "known": -1}.items():
        after = net(**(given | {name: factor * given[name]}), text=text, text_mask=tokens != 0)
        assert (after - before).abs().max() > 1e-3, name
    other_words = net.encode_text(torch.tensor([[1, 9, 9, 0], [1, 3, 0, 0]]))
    assert (net(**given, text=other_words, text_mask=tokens != 0) - before).abs().max() > 1e-3


def test_padding_rows_do_not_matter() -> None:
    net, given = network(), inputs()
    short, long = torch.tensor([[1, 7], [1, 8]]), torch.tensor([[1, 7, 0, 0, 0], [1, 8, 0, 0, 0]])
    a = net(**given, text=net.encode_text(short), text_mask=short != 0)
    b = net(**given, text=net.encode_text(long), text_mask=long != 0)
    torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_a_new_network_guesses_the_best_linear_x0() -> None:
    given = inputs()
    net, tokens = FillNetwork(TINY), torch.tensor([[1, 0], [1, 0]])
    x0 = net(**given, text=net.encode_text(tokens), text_mask=tokens != 0)
    keep, _ = preconditioning(given["t"])
    torch.testing.assert_close(x0, keep * given["x_t"])


def test_where_it_trusts_a_guess_the_answer_is_the_guess_and_elsewhere_its_own() -> None:
    net = FillNetwork(replace(TINY, reference=True, trust=True))
    text, text_mask = torch.zeros(2, 4, 16), torch.ones(2, 4, dtype=torch.bool)
    reference = torch.zeros(2, 4, 32, 32)
    reference[:, :3, :, :16], reference[:, 3, :, :16] = 0.4 * 0.7, 0.4  # a guess: 0.7 at alpha 0.4
    reference[:, :3, 24:, :], reference[:, 3, 24:, :] = 0.2, 1  # a thing: not to be copied
    told = {"text": text, "text_mask": text_mask}
    own = net(**inputs(), **told)
    torch.nn.init.constant_(net.trust.bias, 20)
    trusting = net(**inputs(), **told, reference=reference)
    torch.testing.assert_close(trusting[:, :, :24, :16], torch.full((2, 3, 24, 16), 0.7))
    torch.testing.assert_close(trusting[:, :, :, 16:], own[:, :, :, 16:])
    torch.testing.assert_close(trusting[:, :, 24:], own[:, :, 24:])


def test_the_linear_guess_has_the_least_error_and_the_rest_its_spread() -> None:
    """GIVEN Gaussian data of deviation 0.5 THEN no other factor is better, and `change` is the error's deviation."""
    generator = torch.Generator().manual_seed(0)
    x0, eps = 0.5 * torch.randn(200_000, generator=generator), torch.randn(200_000, generator=generator)
    for t in (0.1, 0.5, 0.9):
        x_t = (1 - t) * x0 + t * eps
        keep, change = (value.item() for value in preconditioning(torch.tensor([t])))
        best = (x0 * x_t).mean() / x_t.square().mean()
        assert abs(keep - best) < 0.01
        assert abs((x0 - keep * x_t).std() - change) < 0.01


def test_unshuffle_is_pixel_unshuffle_with_whole_pixels_together_and_shuffle_undoes_it() -> None:
    x = torch.randn(2, 3, 8, 6)
    by_channel = F.pixel_unshuffle(x, 2).view(2, 3, 4, 4, 3)
    assert torch.equal(unshuffle(x), by_channel.transpose(1, 2).reshape(2, 12, 4, 3))
    assert torch.equal(shuffle(unshuffle(x)), x)


def test_gradients_stay_channels_last_through_the_shuffles() -> None:
    seen: list[Tensor] = []
    x = torch.randn(2, 16, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    inner = x * 1
    inner.register_hook(seen.append)
    y = shuffle(inner)
    assert y.is_contiguous(memory_format=torch.channels_last)
    y.backward(torch.randn_like(y))
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
