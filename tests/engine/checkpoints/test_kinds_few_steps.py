"""Models distilled to few steps, and what a user may say of a model that says it wrongly itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import LatentConsistencyModelPipeline
from diffusers.schedulers import scheduling_lcm

from paintdiff.engine.assembly import make_condition, predicted
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_defaults import suited
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.engine.side_by_side import PROMPT, ZERO_SNR, close, opened, ours, theirs
from tests.tiny_checkpoints import tiny_consistency_model, tiny_stable_diffusion

W, STEPS, SEED = 8.0, 4, 5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("few")
    return {
        "lcm": tiny_consistency_model(root / "dream"),
        "turbo": tiny_stable_diffusion(root / "sd-turbo"),
        "plain": tiny_stable_diffusion(root / "plain"),
        "pure": tiny_stable_diffusion(root / "pure", prediction="v_prediction", scheduler=ZERO_SNR),
    }


def test_a_consistency_model_paints_as_in_diffusers(folders, monkeypatch) -> None:
    model = opened(folders["lcm"])
    noise = Noise(SEED, model.space.shape)
    fresh = (noise(step) for step in range(1, STEPS + 1))
    monkeypatch.setattr(scheduling_lcm, "randn_tensor", lambda *shape, **options: next(fresh))
    pipeline = theirs(LatentConsistencyModelPipeline, folders["lcm"], safety_checker=None)
    expected = pipeline(
        PROMPT, guidance_scale=W, num_inference_steps=STEPS, latents=noise(0), output_type="latent"
    ).images
    times = [*(model.schedule.time(level) for level in pipeline.scheduler.timesteps.tolist()), 0.0]
    assert times[0] == 1
    assert close(ours(model, noise(0), times, w=1.0, sampler="lcm", guidance=W, seed=SEED), expected)


def test_a_distilled_network_is_told_the_guidance_and_is_asked_once_a_step(folders) -> None:
    engine = DiffusionEngine()
    info = engine.load(str(folders["lcm"]), "cpu")
    assert info.defaults == {"steps": 6, "guidance": 8.0, "sampler": "lcm", "method": "replace"}
    sampling = suited(Sampling(prompt=PROMPT, negative="grey", candidates=1), info.defaults, "renoise", ["steps"])
    frame = Rect(0, 0, 32, 32)
    picture = np.full((32, 32, 4), 200, np.uint8)
    request = Request(
        "renoise", frame, frame, picture, np.full((32, 32), 255, np.uint8), replace(sampling, steps=3),
        str(folders["lcm"]), "cpu",
    )  # fmt: skip
    patches = []
    for guidance in (sampling.guidance, 1.0):
        asked = replace(request, sampling=replace(request.sampling, guidance=guidance, strength=1.0, method="replace"))
        result = engine.generate(asked, lambda progress: None, CancelToken())
        assert result.report.network_evaluations == 3
        patches.append(result.candidates[0].patch)
    assert not np.array_equal(*patches)


def test_a_model_says_in_its_name_that_few_steps_are_enough(folders) -> None:
    assert opened(folders["turbo"]).info.defaults["sampler"] == "ddpm"
    assert opened(folders["plain"]).info.defaults == {"steps": 25, "guidance": 7.0}


@pytest.fixture
def plain(folders) -> Model:
    return opened(folders["plain"])


def test_the_user_may_say_what_the_network_predicts(plain, folders) -> None:
    assert predicted(plain, Sampling()) == "eps"
    assert predicted(plain, Sampling(prediction="v_prediction")) == "v"
    with pytest.raises(UserError, match="pure noise"):
        predicted(opened(folders["pure"]), Sampling(prediction="epsilon"))
    with pytest.raises(UserError, match="neither"):
        predicted(replace(plain, predicts="flow"), Sampling(prediction="epsilon"))


def test_only_a_distilled_network_is_told_the_guidance(plain, folders) -> None:
    assert make_condition(plain, Sampling(guidance=3.0), plain.encode_text).guidance is None
    model = opened(folders["lcm"])
    assert make_condition(model, Sampling(guidance=3.0), model.encode_text).guidance.tolist() == [3.0]
    with pytest.raises(ValueError, match="told"):
        model.network(torch.zeros(model.space.shape), 0.5, model.encode_text(""))
