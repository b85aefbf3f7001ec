"""Edits as the engine makes them: back to the picture's own noise, and out again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress, Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.tiny_checkpoints import tiny_pixel_unet, tiny_stable_diffusion
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    quiet(folder / "model.safetensors", "leave.weight")
    return str(folder)


def quiet(path: Path, name: str) -> None:
    """Let a random network answer softly: a rough one leads many pictures to the same noise."""
    weights = load_file(path)
    weights[name] *= 0.1
    save_file(weights, path, {"format": "pt"})


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, side: int = 16, whole: bool = False, **sampling) -> Request:
    frame = Rect(0, 0, side, side)
    picture = np.random.default_rng(0).integers(60, 200, (side, side, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.full((side, side), 255 * whole, np.uint8)
    change_map[4:12, 5:14] = 255
    settings = {"prompt": "a dog", "source": "a dog", "steps": 10, "guidance": 1.0, "candidates": 1} | sampling
    return Request("edit", frame, frame, picture, change_map, Sampling(**settings), model, "cpu", feather=0)


def generated(engine: DiffusionEngine, asked: Request) -> Result:
    return engine.generate(asked, lambda progress: None, CancelToken())


def painted(engine: DiffusionEngine, asked: Request) -> np.ndarray:
    return over(asked.picture, generated(engine, asked).candidates[0].patch)[..., :3].astype(int)


def away(engine: DiffusionEngine, asked: Request) -> float:
    """How far the painted pixels come out from what they were: root mean square, levels."""
    error = painted(engine, asked) - asked.picture[..., :3]
    return float(np.sqrt((error[asked.change_map > 0] ** 2).mean()))


@pytest.mark.parametrize(
    "changed", [{}, {"whole": True}, {"strength": 0.6}, {"whole": True, "spacing": "log_snr"}]
)
def test_an_edit_to_what_is_already_there_gives_the_picture_back(engine, model, changed) -> None:
    assert away(engine, request(model, **changed)) < 2


def test_so_does_one_by_the_adaptive_solver(engine, model) -> None:
    assert away(engine, request(model, sampler="adaptive", strength=0.3)) < 5, "half precision is noise to it"


def test_another_prompt_changes_the_picture_and_leaves_the_kept_pixels(engine, model) -> None:
    asked = request(model, prompt="a red apple", guidance=4.0)
    other = painted(engine, asked)
    assert np.array_equal(other[asked.change_map == 0], asked.picture[asked.change_map == 0, :3])
    assert not np.array_equal(other, painted(engine, request(model)))
    assert not np.array_equal(other, painted(engine, replace(asked, sampling=replace(asked.sampling, source=""))))


def test_an_edit_has_one_outcome_but_variations(engine, model) -> None:
    assert len(generated(engine, request(model, candidates=3)).candidates) == 1
    varied = generated(engine, request(model, candidates=3, variation=0.3)).candidates
    assert len({candidate.patch.tobytes() for candidate in varied}) == 3


def test_every_sampler_edits_by_a_walk_that_can_be_turned_around(engine, model) -> None:
    by_ddim = painted(engine, request(model, sampler="ddim", eta=1.0))
    assert np.array_equal(by_ddim, painted(engine, request(model, sampler="ddpm")))


def test_a_model_without_mask_channels_is_turned_around_whole(engine, tmp_path) -> None:
    folder = tiny_pixel_unet(tmp_path / "ddpm")
    quiet(folder / "unet" / "diffusion_pytorch_model.safetensors", "conv_out.weight")
    settings = {"prompt": "", "source": "", "strength": 0.6}  # near t = 1 a random network has no picture to tell of
    assert away(engine, request(str(folder), whole=True, **settings)) < 2
    asked = request(str(folder), **settings)
    assert away(engine, asked) < 6, "kept pixels go a straight way to their code, not quite their own"
    assert away(engine, replace(asked, mode="renoise")) > 20


def test_a_latent_model_edits_too(engine, tmp_path) -> None:
    folder = str(tiny_stable_diffusion(tmp_path / "sd"))
    asked = request(folder, side=32, whole=True, steps=3)
    here = painted(engine, asked)
    there = painted(engine, replace(asked, sampling=replace(asked.sampling, prompt="red", guidance=5.0)))
    assert not np.array_equal(here, there)


def test_it_can_be_cancelled_while_it_encodes(engine, model) -> None:
    cancel, seen = CancelToken(), []

    def report(progress: Progress) -> None:
        seen.append(progress.stage)
        if progress.stage == "encoding":
            cancel.cancel()

    with pytest.raises(Cancelled):
        engine.generate(request(model), report, cancel)
    assert seen == ["loading", "encoding"]


def test_a_window_of_several_is_edited_like_the_others(engine, model) -> None:
    asked = request(model, side=40, whole=True)
    asked = replace(asked, windows=(Rect(0, 0, 24, 40), Rect(16, 0, 24, 40)))
    assert painted(engine, asked).shape == (40, 40, 3)
