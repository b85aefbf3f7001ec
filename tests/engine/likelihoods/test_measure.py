"""How likely a picture or a patch is, asked of the engine as the window and the command line do."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that answers softly: the way along a rough one takes thousands of steps."""
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    weights = load_file(folder / "model.safetensors")
    weights["leave.weight"] *= 0.1
    save_file(weights, folder / "model.safetensors")
    return str(folder)


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str) -> Request:
    """A frame of 20 x 32, which the model sees at 10 x 16; the map covers 4 x 5 cells of it."""
    frame = Rect(0, 0, 32, 20)
    picture = np.random.default_rng(0).integers(0, 256, (20, 32, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((20, 32), np.uint8)
    change_map[4:12, 10:20] = 255
    return Request("inpaint", frame, frame, picture, change_map, Sampling(prompt="a dog"), model, "cpu", feather=0)


def patch(asked: Request, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).integers(0, 256, asked.picture.shape, np.uint8)
    made[..., 3] = asked.change_map
    return made


def measured(engine: DiffusionEngine, asked: Request, *patches: np.ndarray) -> tuple[Likelihood, ...]:
    return engine.likelihood(asked, patches, lambda progress: None, CancelToken())


@pytest.fixture(scope="module")
def plain(engine, model) -> Likelihood:
    """That of the request as it is, measured once."""
    return measured(engine, request(model))[0]


def test_each_patch_is_scored_within_the_map_alone(engine, model) -> None:
    asked = request(model)
    seen: list[Progress] = []
    both = engine.likelihood(asked, (patch(asked, 1), patch(asked, 2)), seen.append, CancelToken())
    assert both[0].log_p != both[1].log_p
    for found in both:
        assert found.dimensions == 4 * 5 * 3
        assert found.bits_per_dim == pytest.approx(-found.log_p / found.dimensions / math.log(2))
        assert 0 < found.standard_error < 1
        assert found.evaluations > 32
        assert found.surprise is not None
        assert found.surprise.shape == (20, 32)
        assert found.surprise.dtype == np.float32
        assert found.surprise.max() > 0
        assert (found.surprise[16:] == 0).all()
        assert (found.surprise >= 0).all()
    assert seen[0].stage == "loading"
    steps = [progress.step for progress in seen[1:]]
    assert steps == sorted(steps)
    assert (steps[-1], seen[-1].steps, seen[-1].stage) == (200, 200, "measuring")


def test_the_picture_itself_is_scored_without_patches_and_the_whole_frame_without_a_map(engine, model, plain) -> None:
    asked = request(model)
    (nothing_new,) = measured(engine, asked, np.zeros_like(asked.picture))
    assert plain.log_p == nothing_new.log_p
    (whole,) = measured(engine, replace(asked, change_map=np.zeros_like(asked.change_map)))
    assert whole.dimensions == 10 * 16 * 3


def test_the_number_depends_on_the_picture_and_the_prompt_but_not_on_the_seed(engine, model, plain) -> None:
    asked = request(model)
    (again,) = measured(engine, replace(asked, sampling=replace(asked.sampling, seed=9, guidance=7.0)))
    (other,) = measured(engine, replace(asked, sampling=replace(asked.sampling, prompt="a cat")))
    assert plain.log_p == again.log_p != other.log_p


def test_measuring_leaves_the_model_in_its_own_precision(model) -> None:
    engine = DiffusionEngine()
    engine.load(model, "cpu")
    weights = engine._model.weights.to(torch.bfloat16)
    (half,) = measured(engine, request(model))
    assert next(weights.parameters()).dtype == torch.bfloat16
    weights.to(torch.float32)
    (full,) = measured(engine, request(model))
    assert half.log_p == full.log_p, "the same weights, computed in float32"


def test_it_can_be_cancelled_and_works_again(engine, model, plain) -> None:
    asked, cancel = request(model), CancelToken()
    with pytest.raises(Cancelled):
        engine.likelihood(asked, (), lambda progress: cancel.cancel() if progress.step > 10 else None, cancel)
    assert measured(engine, asked)[0].log_p == plain.log_p
