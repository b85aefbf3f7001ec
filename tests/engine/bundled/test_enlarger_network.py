import pytest
import torch
from torch.nn import functional as F

from paintdiff.engine.bundled.enlarger_network import EnlargerConfig, EnlargerNetwork
from tests.tiny_model import randomized

TINY = EnlargerConfig(widths=(8, 16), blocks=(1, 1, 1))


def inputs(side: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """small, known and mask, of which the right half is to be painted."""
    generator = torch.Generator().manual_seed(1)
    small = torch.rand(2, 3, side, side, generator=generator) * 2 - 1
    mask = torch.zeros(2, 1, 2 * side, 2 * side)
    mask[..., side:] = 1
    known = (torch.rand(2, 3, 2 * side, 2 * side, generator=generator) * 2 - 1) * (1 - mask)
    return small, known, mask


def test_it_begins_as_bicubic_interpolation() -> None:
    small, known, mask = inputs()
    large = EnlargerNetwork(TINY)(small, known, mask)
    assert torch.equal(large, F.interpolate(small, scale_factor=2, mode="bicubic", align_corners=False))


@pytest.mark.parametrize("which", range(3))
def test_each_of_its_inputs_has_a_say(which) -> None:
    network, given = randomized(EnlargerNetwork(TINY), 0), inputs()
    before = network(*given)
    given[which][0, :, 4, 4] += 0.5
    after = network(*given)
    assert not torch.equal(after[0], before[0])
    torch.testing.assert_close(after[1], before[1])


def test_a_part_of_a_picture_is_enlarged_as_the_whole_is() -> None:
    network, (small, known, mask) = randomized(EnlargerNetwork(TINY), 0), inputs(64)
    whole = network(small, known, mask)
    part = network(small[..., 8:56, 8:56], known[..., 16:112, 16:112], mask[..., 16:112, 16:112])
    torch.testing.assert_close(part[..., 32:64, 32:64], whole[..., 48:80, 48:80], rtol=1e-3, atol=1e-3)


def test_it_computes_in_the_precision_of_its_weights_and_answers_in_float32() -> None:
    network, given = randomized(EnlargerNetwork(TINY), 0), inputs()
    exact = network(*given).detach()
    rough = network.to(torch.bfloat16)(*given).detach()
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).abs().mean()) < 0.05 * float(exact.abs().mean())
