"""No step in colour where a fill meets what is kept, on the bundled model and through a linear autoencoder."""

import numpy as np
import pytest
import torch
from torch import Tensor

from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.pixel_unet import NoWords
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.job import Job
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import from_config
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import BlockAutoencoder

FRAME = Rect(0, 0, 64, 64)
MASK = np.zeros((64, 64), np.uint8)
MASK[18:46, 14:44] = 255


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def filled(engine: DiffusionEngine, colours: np.ndarray, feather: int) -> np.ndarray:
    picture = np.dstack([colours, np.full(MASK.shape, 255, np.uint8)])
    sampling = Sampling(steps=8, candidates=1)
    request = Request("inpaint", FRAME, FRAME, picture, MASK, sampling, device="cpu", feather=feather)
    patch = engine.generate(request, lambda progress: None, CancelToken()).candidates[0].patch
    return over(picture, patch)[..., :3].astype(float)


def step_across_edge(picture: np.ndarray, true: np.ndarray, mask: np.ndarray = MASK) -> float:
    """Mean of what the colour does across the mask's edge, beyond what it does there in the true picture; 0..255."""
    off, inside = picture - true, mask > 0
    total, count = np.zeros(3), 0
    for axis in (0, 1):
        ahead, behind = np.diff(inside.astype(int), axis=axis) > 0, np.diff(inside.astype(int), axis=axis) < 0
        change = np.diff(off, axis=axis)
        total += change[ahead].sum(axis=0) - change[behind].sum(axis=0)
        count += np.count_nonzero(ahead | behind)
    return float(abs(total / count).max())


@pytest.mark.parametrize("feather", [0, 8])
@pytest.mark.parametrize("colour", [(205, 190, 160), (60, 90, 140)])
def test_on_a_flat_picture_the_fill_begins_in_its_colour(engine, colour, feather) -> None:
    flat = np.full((64, 64, 3), colour, np.uint8)
    assert step_across_edge(filled(engine, flat, feather), flat) < 1


@pytest.mark.parametrize("feather", [0, 8])
def test_on_a_gradient_the_fill_begins_in_its_colour(engine, feather) -> None:
    y, x = np.mgrid[:64, :64]
    sky = np.stack([110 + y, 150 + y, 235 - x // 4], axis=2).astype(np.uint8)
    assert step_across_edge(filled(engine, sky, feather), sky) < 1


def test_a_removed_thing_that_fills_the_mask_leaves_no_outline(engine) -> None:
    picture = np.full((64, 64, 3), (200, 190, 170), np.uint8)
    picture[MASK > 0] = 180, 20, 30
    off = abs(filled(engine, picture, 8) - (200, 190, 170)).max(axis=2)
    assert off[MASK > 0].mean() < 16
    assert off[18:46, 14:17].mean() < 16


def as_kept(x_t: Tensor, t: float, condition: Condition) -> Tensor:
    """A network that has learned flat pictures: every cell is what the kept ones are."""
    kept = 1 - condition.mask
    return ((condition.known * kept).sum((2, 3), keepdim=True) / kept.sum((2, 3), keepdim=True)).expand_as(x_t)


@pytest.mark.parametrize("feather", [0, 8])
@pytest.mark.parametrize("shift", range(8))  # of the mask's edges against the cells
@pytest.mark.parametrize("grey", [255, 128])
def test_through_a_linear_autoencoder_a_flat_picture_stays_flat_across_the_edge(feather, shift, grey) -> None:
    colour, space = (205, 190, 160), LatentSpace(BlockAutoencoder(), 64, torch.device("cpu"))
    words = NoWords(space.device)
    model = Model(
        ModelInfo("linear", "cpu", 64, mask_channels=True, text=False), from_config({"kind": "vp_linear"}), space,
        as_kept, "x0", lambda prompt: words(prompt), True,
    )  # fmt: skip
    change_map = np.roll(MASK // 255 * np.uint8(grey), (shift, shift), axis=(0, 1))
    picture = np.dstack([np.full((64, 64, 3), colour, np.uint8), np.full(MASK.shape, 255, np.uint8)])
    request = Request(
        "inpaint", FRAME, FRAME, picture, change_map, Sampling(steps=4, candidates=1), "linear", "cpu", feather
    )
    job = Job(request, model, model.encode_text, lambda progress: None, CancelToken())
    with torch.no_grad():
        painted = over(picture, job.run().candidates[0].patch)[..., :3].astype(float)
    assert step_across_edge(painted, picture[..., :3].astype(float), change_map) < 1
    assert abs(painted - colour).max() <= 1
