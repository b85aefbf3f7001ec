"""The whole engine on tiny checkpoints: every mode and method, through an autoencoder and in pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.noise import Noise
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Result
from paintdiff.generation.sampling import AUTO, LANPAINT, METHODS, NATIVE, RANGE_NULL, REPAINT, REPLACE, Sampling
from paintdiff.image.blending import over
from paintdiff.image.gamut import luma
from paintdiff.image.geometry import Rect
from paintdiff.image.smooth_fill import filled
from tests.tiny_checkpoints import tiny_pixel_unet, tiny_score_sde, tiny_stable_diffusion

TRAILING = {"timestep_spacing": "trailing", "set_alpha_to_one": True}  # our own plan of times
ZERO_SNR = TRAILING | {"rescale_betas_zero_snr": True}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("checkpoints")
    made = {
        "base": tiny_stable_diffusion(root / "base", scheduler=TRAILING),
        "inpaint": tiny_stable_diffusion(root / "inpaint", mask_channels=True, scheduler=TRAILING),
        "v": tiny_stable_diffusion(root / "v", prediction="v_prediction", scheduler=ZERO_SNR),
        "inpaint v": tiny_stable_diffusion(root / "inpaint v", True, "v_prediction", ZERO_SNR),
        "pixels": tiny_pixel_unet(root / "pixels"),
        "classes": tiny_pixel_unet(root / "classes", 5),
        "exploding": tiny_score_sde(root / "exploding"),
    }
    return {name: str(folder) for name, folder in made.items()}


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, mode: str = "inpaint", height: int = 32, width: int = 32, **sampling) -> Request:
    """Noise with a rectangle of the mask in the middle; the whole picture for the modes that take it all."""
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((height, width), np.uint8)
    change_map[height // 4 : height * 3 // 4, width // 4 : width * 3 // 4] = 255
    scale = 1
    if mode in ("colorize", "upscale"):
        change_map[:] = 255
    if mode == "upscale":
        scale, picture = 2, np.ascontiguousarray(picture[: height // 2, : width // 2].repeat(2, 0).repeat(2, 1))
    frame = Rect(0, 0, width, height)
    chosen = Sampling(**{"steps": 2, "candidates": 1, "prompt": "1"} | sampling)
    return Request(mode, frame, frame, picture, change_map, chosen, model, "cpu", feather=0, scale=scale)


def generated(engine: DiffusionEngine, asked: Request) -> Result:
    return engine.generate(asked, lambda _progress: None, CancelToken())


def check(asked: Request, result: Result) -> Candidate:
    """What must hold of every result; returns its first candidate."""
    kept = asked.change_map == 0
    for candidate in result.candidates:
        assert candidate.patch.shape == (*asked.frame.shape, 4)
        assert candidate.patch.dtype == np.uint8
        assert np.array_equal(over(asked.picture, candidate.patch)[kept], asked.picture[kept])
    assert result.report.kept_pixels == np.count_nonzero(kept)
    assert result.report.kept_pixels_changed == 0
    return result.candidates[0]


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        *((model, mode) for model in ("base", "inpaint", "exploding") for mode in MODES),
        ("v", "inpaint"), ("v", "colorize"), ("pixels", "inpaint"), ("classes", "inpaint"), ("classes", "colorize"),
    ],
)  # fmt: skip
def test_every_mode_works_on_every_kind_of_checkpoint(engine, folders, model, mode) -> None:
    asked = request(folders[model], mode, 40, 56, strength=0.7 if mode == "renoise" else 1.0)
    patch = check(asked, generated(engine, asked)).patch
    painted = asked.change_map > 0
    assert (patch[..., 3] > 0)[painted].all()
    changed = patch[painted][:, :3] != asked.picture[painted][:, :3]
    assert changed.mean() > 0.5
    if mode == "colorize":
        assert np.abs(luma(patch) - luma(asked.picture)).max() <= 1
    if mode == "upscale":
        sums = [x[..., :3].reshape(20, 2, 28, 2, 3).sum(axis=(1, 3), dtype=int) for x in (patch, asked.picture)]
        assert np.array_equal(*sums)


@pytest.mark.parametrize("method", [REPLACE, REPAINT, RANGE_NULL, LANPAINT, NATIVE, AUTO])
@pytest.mark.parametrize("model", ["base", "inpaint"])
def test_every_mask_method_works_through_an_autoencoder_and_has_a_say(engine, folders, model, method) -> None:
    asked = request(folders[model], method=method)
    if (model, method) == ("base", NATIVE):
        with pytest.raises(UserError, match="no mask channels"):
            generated(engine, asked)
        return
    patch = check(asked, generated(engine, asked)).patch
    other = request(folders[model], method=REPAINT if method == REPLACE else REPLACE)
    assert not np.array_equal(patch, generated(engine, other).candidates[0].patch)
    assert set(METHODS) >= {method}


@pytest.mark.parametrize("kind", ["v", "inpaint v"])
def test_an_inpainting_is_that_of_diffusers_down_to_the_picture(folders, kind, monkeypatch) -> None:
    """The whole engine beside the whole pipeline: prompts, guidance, mask, autoencoder, bytes.

    Theirs is handed the posterior's mode and the picture as we fill it. With mask channels it does not put the kept
    latents back after a step, as ours does: its callback does it here. (At zero terminal SNR both show the network
    nothing but noise in the first step; otherwise theirs hides the kept part in it too.)
    """
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    monkeypatch.setattr("paintdiff.engine.hardware.device.fastest_dtype", lambda device: torch.float32)
    asked = request(
        folders[kind], prompt="a red apple", negative="grey", guidance=4.0, sampler="ddim", steps=10, seed=7,
        method=NATIVE if kind == "inpaint v" else REPLACE, tone="free",
    )  # fmt: skip
    patch = check(asked, generated(DiffusionEngine(), asked)).patch
    painted, noise = asked.change_map > 0, Noise(7, (1, 4, 8, 8))(0)
    shown = filled(asked.picture[..., :3], painted)
    model = load_model(folders[kind], "cpu")
    original, mask = model.space.encode(shown), model.space.strength(asked.change_map, 1.0)

    def put_back(pipeline, i: int, level: int, values: dict) -> dict:
        t = 0.9 - i / 10
        noised = model.schedule.alpha(t) * original + model.schedule.sigma(t) * noise
        return {"latents": torch.lerp(noised, values["latents"], mask)}

    pipeline = StableDiffusionInpaintPipeline.from_pretrained(
        folders[kind], safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        "a red apple", image=Image.fromarray(shown), mask_image=Image.fromarray(asked.change_map),
        negative_prompt="grey", guidance_scale=4.0, num_inference_steps=10, strength=1.0, height=32, width=32,
        output_type="np", latents=noise, callback_on_step_end=put_back,
    ).images[0]  # fmt: skip
    assert np.abs(patch[painted][:, :3] - 255 * theirs[painted]).max() < 0.51


@pytest.mark.parametrize("model", ["base", "inpaint", "v", "pixels"])
def test_what_lies_under_a_full_mask_has_no_say_at_full_strength(engine, folders, model) -> None:
    """Neither through the noise of the last level, nor by resampling, nor through the encoder's wide view."""
    for side in (32, 50):
        asked = request(folders[model], "inpaint", side, side, method=NATIVE if model == "inpaint" else REPLACE)
        other = asked.picture.copy()
        other[asked.change_map > 0, :3] = 255 - other[asked.change_map > 0, :3]
        one, two = (generated(engine, replace(asked, picture=picture)) for picture in (asked.picture, other))
        assert np.array_equal(one.candidates[0].patch, two.candidates[0].patch)


@pytest.mark.parametrize("model", ["base", "inpaint", "pixels", "exploding"])
def test_what_is_kept_has_a_say(engine, folders, model) -> None:
    asked = request(folders[model], method=REPLACE if model != "inpaint" else NATIVE)
    other = asked.picture.copy()
    other[:8, :, :3] ^= 255
    one, two = (generated(engine, replace(asked, picture=picture)) for picture in (asked.picture, other))
    assert not np.array_equal(one.candidates[0].patch, two.candidates[0].patch)


def test_the_prompt_of_a_model_without_words_costs_no_second_evaluation(engine, folders) -> None:
    asked = [request(folders["pixels"], prompt=prompt, method=REPLACE) for prompt in ("", "a cat")]
    one, two = (generated(engine, each) for each in asked)
    assert one.report.network_evaluations == 2
    assert np.array_equal(one.candidates[0].patch, two.candidates[0].patch)


def test_another_class_and_another_negative_class_have_a_say(engine, folders) -> None:
    patches = [
        generated(engine, request(folders["classes"], prompt=prompt, negative=negative)).candidates[0].patch
        for prompt, negative in (("1", ""), ("2", ""), ("1", "3"), ("", ""))
    ]
    for i, one in enumerate(patches):
        for other in patches[i + 1 :]:
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("model", ["inpaint", "exploding"])
def test_every_kind_of_checkpoint_says_how_likely_a_picture_is(engine, folders, model) -> None:
    asked = request(folders[model])
    (found,) = engine.likelihood(asked, (), lambda _progress: None, CancelToken())
    cells = 4 * 4 * 4 if model == "inpaint" else 3 * 16 * 16  # what the mask covers given the rest, or the whole
    assert found.dimensions == cells
    assert np.isfinite(found.bits_per_dim)
    assert found.surprise is not None
    assert found.surprise.shape == (32, 32)
    assert np.isfinite(found.surprise).all()


@st.composite
def requests(draw: st.DrawFn, models: dict[str, str]) -> Request:
    model = draw(st.sampled_from(["base", "inpaint", "v", "exploding"]))
    methods = [method for method in METHODS if method != NATIVE or model == "inpaint"]
    height, width = draw(st.integers(1, 48)), draw(st.integers(1, 48))
    frame = Rect(draw(st.integers(-20, 20)), draw(st.integers(-20, 20)), width, height)
    canvas = Rect(0, 0, draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    inside = np.zeros(frame.shape, bool)
    if not frame.intersected(canvas).empty:
        inside[frame.intersected(canvas).slices_in(frame)] = True
    picture = rng.integers(0, 256, (height, width, 4), np.uint8) * inside[..., None].astype(np.uint8)
    change_map = rng.integers(0, 256, frame.shape).astype(np.uint8)
    change_map[rng.random(frame.shape) < draw(st.floats(0, 1))] = draw(st.sampled_from([0, 255]))
    change_map[~inside] = 255
    sampling = Sampling(
        prompt=draw(st.text(max_size=10)), steps=draw(st.integers(1, 2)),
        guidance=draw(st.sampled_from([0.0, 1.0, 7.5])), strength=draw(st.floats(0, 1)),
        seed=draw(st.integers(0, 2**32 - 1)), candidates=1,
        sampler=draw(st.sampled_from(["dpmpp_2m", "ddim", "ddpm"])), method=draw(st.sampled_from(methods)),
    )  # fmt: skip
    feather = draw(st.integers(0, 8))
    return Request("inpaint", frame, canvas, picture, change_map, sampling, models[model], "cpu", feather)


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_size_and_any_mask_give_whole_patches_that_keep_what_is_kept(folders, data) -> None:
    asked = data.draw(requests(folders))
    engine = ENGINES.setdefault(asked.model, DiffusionEngine())
    first, second = generated(engine, asked), generated(engine, asked)
    check(asked, first)
    assert np.array_equal(first.candidates[0].patch, second.candidates[0].patch)


ENGINES: dict[str, DiffusionEngine] = {}  # one for each model: loading takes longer than a run
