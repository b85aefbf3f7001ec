"""Every kind of checkpoint from a request to a proven patch, in the modes that a painter uses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from paintdiff.engine.checkpoints.stable_diffusion import vae_dtype
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.model_defaults import suited
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.engine.side_by_side import picture
from tests.tiny_checkpoints import tiny_consistency_model, tiny_stable_diffusion_xl
from tests.tiny_flow_checkpoints import tiny_flux, tiny_stable_diffusion_3

KINDS = ("xl", "xl-inpaint", "lcm", "sd3", "flux", "flux-fill")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("kinds")
    return {
        "xl": tiny_stable_diffusion_xl(root / "xl"),
        "xl-inpaint": tiny_stable_diffusion_xl(root / "xl-inpaint", mask_channels=True),
        "lcm": tiny_consistency_model(root / "lcm"),
        "sd3": tiny_stable_diffusion_3(root / "sd3"),
        "flux": tiny_flux(root / "flux"),
        "flux-fill": tiny_flux(root / "flux-fill", fills=True),
    }


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def asked(engine: DiffusionEngine, folder: Path, mode: str, **settings) -> Request:
    """A request over 40 x 36 pixels, of which an ellipse is to be painted."""
    rows, columns = np.mgrid[:36, :40]
    change_map = np.where((rows - 18) ** 2 / 100 + (columns - 22) ** 2 / 144 < 1, 255, 0).astype(np.uint8)
    pixels = np.dstack([picture(40)[:36], np.full((36, 40), 255, np.uint8)])
    own = {"prompt": "a red apple", "negative": "grey", "candidates": 1, "steps": 2, **settings}
    sampling = suited(Sampling(**own), engine.load(str(folder), "cpu").defaults, mode, own)
    frame = Rect(0, 0, 40, 36)
    return Request(mode, frame, frame, pixels, change_map, sampling, str(folder), "cpu")


def done(engine: DiffusionEngine, request: Request) -> Result:
    return engine.generate(request, lambda progress: None, CancelToken())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_paints_what_the_mask_covers_and_keeps_the_rest(folders, engine, kind) -> None:
    request = asked(engine, folders[kind], "inpaint")
    result = done(engine, request)
    patch = result.candidates[0].patch
    assert result.report.kept_pixels_changed == 0
    assert patch[18, 22, 3] == 255
    assert not patch[request.change_map == 0].any()
    other = done(engine, asked(engine, folders[kind], "inpaint", prompt="a cat"))
    assert not np.array_equal(patch, other.candidates[0].patch), "the prompt has a say"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_sends_a_picture_part_of_the_way_back(folders, engine, kind) -> None:
    request = asked(engine, folders[kind], "renoise", strength=0.5)
    once, again = (done(engine, request) for _ in range(2))
    assert once.candidates[0].patch.any()
    assert np.array_equal(once.candidates[0].patch, again.candidates[0].patch)


def test_an_autoencoder_that_overflows_in_half_precision_computes_in_float32() -> None:
    assert vae_dtype({"force_upcast": True}, torch.float16) is torch.float32
    assert vae_dtype({"force_upcast": True}, torch.bfloat16) is torch.bfloat16
    assert vae_dtype({}, torch.float16) is torch.float16
