"""Frames larger than the model's pictures: scaled, or painted pixel for pixel in overlapping tiles."""

from dataclasses import replace

import numpy as np
import pytest

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.tasks.pixelwise import Pixelwise
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import tiny_stable_diffusion

HEIGHT, WIDTH = 44, 70  # the model's pictures are 32 pixels a side


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


@pytest.fixture(scope="module", params=[False, True], ids=["base", "inpaint"])
def model(request, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_stable_diffusion(tmp_path_factory.mktemp("large") / "model", mask_channels=request.param))


def asked(model: str, **sampling) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((HEIGHT, WIDTH), np.uint8)
    change_map[6:38, 10:61] = 255
    frame = Rect(0, 0, WIDTH, HEIGHT)
    settings = {"steps": 2, "candidates": 1, "prompt": "red", "tone": "free", "large": "tiles"} | sampling
    return Request("inpaint", frame, frame, picture, change_map, Sampling(**settings), model, "cpu", feather=0)


def generated(engine: DiffusionEngine, request: Request) -> Result:
    return engine.generate(request, lambda progress: None, CancelToken())


def test_in_tiles_every_pixel_of_the_map_is_painted_and_no_other(engine, model) -> None:
    request = asked(model)
    patch = generated(engine, request).candidates[0].patch
    assert np.array_equal(patch[..., 3] > 0, request.change_map > 0)
    kept = request.change_map == 0
    assert np.array_equal(over(request.picture, patch)[kept], request.picture[kept])
    scaled = generated(engine, asked(model, large="scale")).candidates[0].patch
    assert not np.array_equal(patch, scaled)


def test_in_tiles_fine_detail_is_made_that_a_scaled_frame_cannot_have(engine, model) -> None:
    def fine(large: str) -> float:
        patch = generated(engine, asked(model, large=large)).candidates[0].patch[8:36, 12:59, :3].astype(float)
        return float(np.abs(np.diff(patch, axis=1)).mean())

    assert fine("tiles") > 1.2 * fine("scale")


def test_a_frame_that_is_no_larger_than_the_model_is_the_same_either_way(engine, model) -> None:
    request = asked(model)
    inner = Rect(0, 0, 32, 32)
    small = replace(
        request, frame=inner, canvas=inner, picture=request.picture[:32, :32].copy(),
        change_map=request.change_map[:32, :32].copy(),
    )  # fmt: skip
    scaled = replace(small, sampling=replace(small.sampling, large="scale"))
    one, other = (generated(engine, each).candidates[0].patch for each in (small, scaled))
    assert np.array_equal(one, other)


def test_pixels_lie_where_they_lay() -> None:
    view = Pixelwise(HEIGHT, WIDTH, 32)
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    square = view.picture(picture)
    assert square.shape[:2] == (48, 72)
    assert np.array_equal(view.back(square.astype(np.float32)), picture)
    change_map = np.zeros((HEIGHT, WIDTH), np.uint8)
    change_map[:, 5] = 200
    grown = view.map(change_map)
    assert np.array_equal(grown[:HEIGHT, :WIDTH], change_map)
    assert (grown[HEIGHT:] == 200).all()
    assert (grown[:, WIDTH:] == 200).all()
