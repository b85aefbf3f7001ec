import numpy as np
import pytest
import torch

from paintdiff.engine.checkpoints.sketch import Sketch
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import tiny_stable_diffusion

MIX = np.array([[40.0, 0, 10, 5], [0, 30, -10, 5], [10, 10, 20, -5]], np.float32)


def decoded(latents: torch.Tensor) -> np.ndarray:
    """A decoder that is linear, four pixels to a cell."""
    colours = np.einsum("kc,chw->hwk", MIX, latents[0].numpy()) + 127
    return colours.repeat(4, axis=0).repeat(4, axis=1).astype(np.float32)


def test_one_decoded_picture_is_enough_to_see_others() -> None:
    generator = torch.Generator().manual_seed(0)
    seen, other = (torch.randn(1, 4, 8, 8, generator=generator) * 0.5 for _ in range(2))
    shown = Sketch(seen, decoded(seen))(other)
    assert shown.shape == (32, 32, 3)
    blocks = shown.reshape(8, 4, 8, 4, 3)[:, 1:3, :, 1:3].mean((1, 3))
    truth = decoded(other)[::4, ::4]
    assert np.corrcoef(blocks.ravel(), truth.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("flat", [0.0, 255.0])
def test_a_picture_of_one_colour_gives_that_colour(flat) -> None:
    latents = torch.ones(1, 4, 8, 8)
    assert Sketch(latents, np.full((32, 32, 3), flat, np.float32))(latents) == pytest.approx(flat, abs=0.5)


def test_a_latent_models_run_can_be_looked_through(tmp_path) -> None:
    folder = tiny_stable_diffusion(tmp_path / "latent")
    engine, frame = DiffusionEngine(), Rect(0, 0, 32, 32)
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    picture[..., 3] = 255
    asked = Request(
        "inpaint", frame, frame, picture, np.full((32, 32), 255, np.uint8), Sampling(steps=6, candidates=1),
        str(folder), "cpu",
    )  # fmt: skip
    candidate = engine.generate(asked, lambda progress: None, CancelToken()).candidates[0]
    previews = [moment.preview for moment in candidate.trajectory.moments[1:]]
    assert len(previews) == 6
    assert all(preview.dtype == np.uint8 and preview.shape[2] == 4 for preview in previews)
