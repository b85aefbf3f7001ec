import torch

from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.conditions.constraint import Told
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.space import PixelSpace
from tests.tiny_checkpoints import BlockAutoencoder

CPU = torch.device("cpu")


def soft_strength(side: int) -> torch.Tensor:
    """Kept in the left quarter, joining at 0.5 in the middle half, at 1 in the right quarter."""
    strength = torch.zeros(1, 1, side, side)
    strength[..., side // 4 :] = 0.5
    strength[..., side * 3 // 4 :] = 1.0
    return strength


def test_a_pixel_model_is_told_what_is_active_and_what_is_known() -> None:
    pixels = torch.linspace(-1, 1, 3 * 64).view(1, 3, 8, 8)
    told = Told(MaskedPicture(PixelSpace(8, CPU), pixels, soft_strength(8)))
    for t, first in ((1.0, 6), (0.75, 6), (0.5, 2), (0.0, 2)):
        condition = told.on_condition(Condition(), t)
        expected = torch.zeros(1, 1, 8, 8)
        expected[..., first:] = 1
        assert torch.equal(condition.mask, expected)
        assert torch.equal(condition.known, pixels * (1 - expected))


def test_a_latent_model_is_told_the_cells_and_the_latents_of_the_picture_without_its_masked_pixels() -> None:
    space = LatentSpace(BlockAutoencoder(), 32, CPU)
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    strength = torch.zeros(1, 1, 32, 32)
    strength[..., 3, 8:10] = 1  # two pixels of the second cell
    mask, known = MaskedPicture(space, pixels, strength)(1.0)
    assert mask.shape == (1, 1, 4, 4)
    assert mask.nonzero().tolist() == [[0, 0, 0, 1]]
    assert torch.equal(known, space.from_pixels(pixels * (1 - strength)))
    assert not torch.equal(known[..., 0, 1], torch.zeros(1, 12)), "what else the cell shows is known"


def test_the_masked_picture_is_encoded_again_only_when_the_mask_has_grown() -> None:
    calls = []

    class Counted(BlockAutoencoder):
        def encode(self, pixels: torch.Tensor) -> torch.Tensor:
            calls.append(pixels)
            return super().encode(pixels)

    picture = MaskedPicture(LatentSpace(Counted(), 32, CPU), torch.ones(1, 3, 32, 32), soft_strength(32))
    for t in (1.0, 0.9, 0.6, 0.5, 0.4, 0.1):
        picture(t)
    assert len(calls) == 2
