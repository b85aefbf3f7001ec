"""Our engine beside diffusers' own pipelines, on the same tiny checkpoint, latents, noise and mask."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderKL,
    DiffusionPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_inpaint
from torch import Tensor

from paintdiff.engine.conditions.constraint import All, Constraint, Free, Replacement, Told
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.denoiser import NetworkDenoiser
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.cancel import CancelToken
from tests.tiny_checkpoints import tiny_stable_diffusion

PROMPT, NEGATIVE, W = "a red apple", "grey sky", 4.0
STEPS = 10
# Trailing spacing with a clean end is our own plan: levels 999, 899, ..., 99 and then the picture.
TRAILING = {"timestep_spacing": "trailing", "set_alpha_to_one": True}
ZERO_SNR = TRAILING | {"rescale_betas_zero_snr": True}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {
        "base": tiny_stable_diffusion(root / "base", scheduler=TRAILING),
        "leading": tiny_stable_diffusion(root / "leading"),
        "v": tiny_stable_diffusion(root / "v", prediction="v_prediction", scheduler=ZERO_SNR),
        "inpaint": tiny_stable_diffusion(root / "inpaint", mask_channels=True, scheduler=TRAILING),
    }


@pytest.fixture(autouse=True)
def _posterior_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs draws a sample of the autoencoder's posterior, ours takes the mode: hand theirs the mode too."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def opened(folder: Path) -> Model:
    return load_model(str(folder), "cpu", torch.float32)


def theirs(kind: type[DiffusionPipeline], folder: Path) -> DiffusionPipeline:
    pipeline = kind.from_pretrained(folder, safety_checker=None, requires_safety_checker=False, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def ours(
    model: Model, x_t: Tensor, times: list[float], constraint: Constraint | None = None, w: float = W
) -> Tensor:
    """A deterministic run of the engine's own pieces with guidance and a negative prompt."""
    denoiser = ClassifierFree(
        NetworkDenoiser(model.network, model.schedule, model.predicts), w, model.encode_text(NEGATIVE)
    )
    sampler = make_sampler("ddim", model.schedule, Noise(0, model.space.shape), 0.0)
    condition = model.encode_text(PROMPT)
    with torch.no_grad():
        states: Iterator[State] = run(
            State(x_t, times[0]), times[1:], sampler, denoiser, condition, constraint or Free(), CancelToken()
        )
        return list(states)[-1].x_t


def evenly(start: float = 1.0, steps: int = STEPS) -> list[float]:
    return [start * (steps - i) / steps for i in range(steps + 1)]


def picture() -> np.ndarray:
    """(32, 32, 3) uint8 with soft shapes."""
    rows, columns = np.mgrid[:32, :32] / 31
    waves = [np.sin(3 * rows + columns), np.cos(4 * columns), rows * columns]
    return np.rint(np.stack(waves, axis=2) * 100 + 120).clip(0, 255).astype(np.uint8)


def aligned_mask() -> np.ndarray:
    """(32, 32) uint8, set in whole cells of 4 pixels."""
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 4:20] = 255
    return mask


def close(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() < 2e-4 * b.abs().max())


@pytest.mark.parametrize("kind", ["base", "v", "inpaint"])
def test_latents_and_pictures_pass_the_autoencoder_as_in_diffusers(folders, kind) -> None:
    model = opened(folders[kind])
    vae = AutoencoderKL.from_pretrained(folders[kind], subfolder="vae")
    pixels = torch.from_numpy(picture()).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        latents = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
        back = vae.decode(latents / vae.config.scaling_factor).sample
    assert close(model.space.encode(picture()), latents)
    assert close(model.space.to_pixels(latents), back)


@pytest.mark.parametrize("prompt", ["", PROMPT, "🍎" * 18])
def test_prompts_are_read_as_in_diffusers(folders, prompt) -> None:
    pipeline = theirs(StableDiffusionPipeline, folders["base"])
    expected, _ = pipeline.encode_prompt(prompt, "cpu", 1, False)
    words = opened(folders["base"]).encode_text(prompt)
    assert torch.equal(words.text, expected)
    assert words.text.shape == (1, 77, 12)
    assert words.text_mask.all()


@pytest.mark.parametrize("kind", ["base", "v"])
@pytest.mark.parametrize("w", [1.0, W])
def test_text_to_image_is_that_of_diffusers(folders, kind, w) -> None:
    model = opened(folders[kind])
    noise = Noise(3, model.space.shape)(0)
    expected = theirs(StableDiffusionPipeline, folders[kind])(
        PROMPT, negative_prompt=NEGATIVE, guidance_scale=w, num_inference_steps=STEPS, latents=noise,
        output_type="latent",
    ).images  # fmt: skip
    assert close(ours(model, noise, evenly(), w=w), expected)


def test_text_to_image_over_the_leading_levels_is_that_of_diffusers(folders) -> None:
    """Their default spacing, with its offset, begins at level 901 and ends on level 0, not on a clean picture."""
    model = opened(folders["leading"])
    noise = Noise(3, model.space.shape)(0)
    pipeline = theirs(StableDiffusionPipeline, folders["leading"])
    expected = pipeline(
        PROMPT, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS, latents=noise,
        output_type="latent",
    ).images  # fmt: skip
    levels = [*pipeline.scheduler.timesteps.tolist(), 0]
    assert levels[0] == 901
    times = [model.schedule.time(level) for level in levels]
    assert close(ours(model, noise, times), expected)


def test_image_to_image_is_that_of_diffusers(folders) -> None:
    model = opened(folders["base"])
    original = model.space.encode(picture())
    noise = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(3))
    expected = theirs(StableDiffusionImg2ImgPipeline, folders["base"])(
        PROMPT, image=original, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS, strength=0.5,
        generator=torch.Generator().manual_seed(3), output_type="latent",
    ).images  # fmt: skip
    x_t = model.schedule.alpha(0.5) * original + model.schedule.sigma(0.5) * noise
    assert close(ours(model, x_t, evenly(0.5, STEPS // 2)), expected)


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("kind", ["base", "v"])
def test_inpainting_without_mask_channels_is_that_of_diffusers(folders, kind, strength, monkeypatch) -> None:
    model = opened(folders[kind])
    noise = Noise(3, model.space.shape)(0)
    monkeypatch.setattr(pipeline_stable_diffusion_inpaint, "randn_tensor", lambda *shape, **options: noise)
    expected = their_inpainting(folders[kind], strength)
    original = model.space.encode(picture())
    mask = model.space.strength(aligned_mask(), strength)
    keep = Replacement(original, mask, noise, model.schedule)
    times = evenly(strength, round(STEPS * strength))
    if strength == 1:  # theirs shows the network pure noise in its first step, also where the picture is kept
        x_t = ours(model, noise, times[:2])
        times = times[1:]
    else:
        x_t = model.schedule.alpha(strength) * original + model.schedule.sigma(strength) * noise
    assert close(ours(model, x_t, times, keep), expected)


def test_inpainting_with_mask_channels_is_that_of_diffusers(folders, monkeypatch) -> None:
    """Theirs never puts the known latents back: a model that was trained for masks is told of them alone."""
    model = opened(folders["inpaint"])
    noise = Noise(3, model.space.shape)(0)
    monkeypatch.setattr(pipeline_stable_diffusion_inpaint, "randn_tensor", lambda *shape, **options: noise)
    expected = their_inpainting(folders["inpaint"], 1.0)
    pixels = model.space.pixels.encode(picture())
    told = Told(MaskedPicture(model.space, pixels, model.space.pixels.strength(aligned_mask(), 1.0)))
    assert close(ours(model, noise, evenly(), All([told])), expected)


def their_inpainting(folder: Path, strength: float, output: str = "latent") -> Tensor:
    return theirs(StableDiffusionInpaintPipeline, folder)(
        PROMPT, image=as_pil(picture()), mask_image=as_pil(aligned_mask()), negative_prompt=NEGATIVE, guidance_scale=W,
        num_inference_steps=STEPS, strength=strength, height=32, width=32, output_type=output,
    ).images  # fmt: skip


def as_pil(pixels: np.ndarray):
    from PIL import Image

    return Image.fromarray(pixels)
