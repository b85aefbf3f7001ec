"""Stable Diffusion 3 and FLUX checkpoints beside diffusers' own pipelines."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import FluxFillPipeline, FluxPipeline, StableDiffusion3Img2ImgPipeline, StableDiffusion3Pipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor
from transformers import CLIPTextModel

from paintdiff.engine.checkpoints.flow_transformer import packed_tokens
from paintdiff.engine.conditions.constraint import All, Replacement, Told
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.generation.errors import UserError
from tests.engine.side_by_side import (
    NEGATIVE,
    PROMPT,
    STEPS,
    W,
    aligned_mask,
    as_pil,
    close,
    evenly,
    opened,
    ours,
    picture,
    theirs,
)
from tests.tiny_checkpoints import text_config, tiny_autoencoder
from tests.tiny_flow_checkpoints import tiny_flux, tiny_stable_diffusion_3, tiny_t5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("flow")
    return {
        "sd3": tiny_stable_diffusion_3(root / "sd3"),
        "without T5": tiny_stable_diffusion_3(root / "small", t5=False),
        "dev": tiny_flux(root / "dev"),
        "schnell": tiny_flux(root / "schnell", guidance=False, dynamic=False),
        "fill": tiny_flux(root / "fill", fills=True),
    }


@pytest.fixture(autouse=True)
def _posterior_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs draws a sample of the autoencoder's posterior, ours takes the mode: hand theirs the mode too."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def times_of(model: Model, sigmas: Tensor) -> list[float]:
    """The times at which our schedule has the levels of a scheduler of theirs."""
    shift = model.schedule.shift
    return [sigma / (shift - (shift - 1) * sigma) for sigma in sigmas.double().tolist()]


@pytest.mark.parametrize("kind", ["sd3", "without T5"])
def test_stable_diffusion_3_reads_prompts_as_in_diffusers(folders, kind) -> None:
    words = opened(folders[kind]).encode_text(PROMPT)
    text, _, pooled, _ = their_sd3(folders[kind]).encode_prompt(PROMPT, PROMPT, PROMPT, "cpu")
    assert close(words.text, text)
    assert close(words.pooled, pooled)


def their_sd3(folder: Path) -> StableDiffusion3Pipeline:
    missing = {} if (folder / "text_encoder_3").is_dir() else {"text_encoder_3": None, "tokenizer_3": None}
    return theirs(StableDiffusion3Pipeline, folder, **missing)


@pytest.mark.parametrize("kind", ["sd3", "without T5"])
def test_stable_diffusion_3_paints_from_text_as_in_diffusers(folders, kind) -> None:
    """In shards: the folder is saved in files of 40 KB."""
    assert list((folders[kind] / "transformer").glob("*-of-*.safetensors"))
    model = opened(folders[kind])
    noise = Noise(3, model.space.shape)(0)
    pipeline = their_sd3(folders[kind])
    expected = pipeline(
        PROMPT, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS, latents=noise,
        output_type="latent", height=32, width=32,
    ).images  # fmt: skip
    times = times_of(model, pipeline.scheduler.sigmas)
    assert times[0] == 1
    assert close(ours(model, noise, times, sampler="euler"), expected)


def test_stable_diffusion_3_changes_a_picture_as_in_diffusers(folders) -> None:
    model = opened(folders["sd3"])
    original = model.space.encode(picture())
    noise = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(3))
    pipeline = theirs(StableDiffusion3Img2ImgPipeline, folders["sd3"])
    expected = pipeline(
        PROMPT, image=original, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS, strength=0.5,
        generator=torch.Generator().manual_seed(3), output_type="latent", height=32, width=32,
    ).images  # fmt: skip
    times = times_of(model, pipeline.scheduler.sigmas)[STEPS // 2 :]
    x_t = model.schedule.alpha(times[0]) * original + model.schedule.sigma(times[0]) * noise
    assert close(ours(model, x_t, times, sampler="euler"), expected)


def test_stable_diffusion_3_keeps_by_constraint_what_is_not_masked(folders) -> None:
    model = opened(folders["sd3"])
    original = model.space.encode(picture())
    mask = model.space.strength(aligned_mask(), 1.0)
    noise = Noise(3, model.space.shape)(0)
    keep = Replacement(original, mask, noise, model.schedule)
    x0 = ours(model, noise, evenly(steps=4), keep, sampler="euler")
    kept = (mask == 0).expand_as(x0)
    torch.testing.assert_close(x0[kept], original[kept])
    assert not torch.allclose(x0[~kept], original[~kept])


@pytest.mark.parametrize("kind", ["dev", "schnell"])
def test_flux_reads_prompts_as_in_diffusers(folders, kind) -> None:
    words = opened(folders[kind]).encode_text(PROMPT)
    length = 512 if kind == "dev" else 256
    text, pooled, _ = theirs(FluxPipeline, folders[kind]).encode_prompt(PROMPT, PROMPT, max_sequence_length=length)
    assert close(words.text, text)
    assert close(words.pooled, pooled)


@pytest.mark.parametrize("kind", ["dev", "schnell"])
def test_flux_paints_from_text_as_in_diffusers(folders, kind) -> None:
    model = opened(folders[kind])
    assert model.reads_guidance == (kind == "dev")
    noise = Noise(3, model.space.shape)(0)
    expected = theirs(FluxPipeline, folders[kind])(
        PROMPT, guidance_scale=W, num_inference_steps=STEPS, latents=packed_tokens(noise), output_type="latent",
        height=32, width=32, max_sequence_length=512 if kind == "dev" else 256,
    ).images  # fmt: skip
    found = ours(model, noise, evenly(), w=1.0, sampler="euler", guidance=W)
    assert close(packed_tokens(found), expected)


def test_flux_fill_fills_a_mask_as_in_diffusers(folders) -> None:
    model = opened(folders["fill"])
    assert model.mask_channels
    noise = Noise(3, model.space.shape)(0)
    expected = theirs(FluxFillPipeline, folders["fill"])(
        PROMPT, image=as_pil(picture()), mask_image=as_pil(aligned_mask()), guidance_scale=30.0,
        num_inference_steps=STEPS, latents=packed_tokens(noise), output_type="latent", height=32, width=32,
    ).images  # fmt: skip
    pixels = model.space.pixels.encode(picture())
    told = All([Told(MaskedPicture(model.space, pixels, model.space.pixels.strength(aligned_mask(), 1.0)))])
    found = ours(model, noise, evenly(), told, w=1.0, sampler="euler", guidance=30.0)
    assert close(packed_tokens(found), expected)


def test_each_asks_for_the_steps_and_guidance_that_it_was_made_for(folders) -> None:
    wanted = {kind: opened(folders[kind]).info.defaults for kind in ("sd3", "dev", "schnell", "fill")}
    assert [wanted[kind]["guidance"] for kind in wanted] == [4.5, 3.5, 1.0, 30.0]
    assert wanted["schnell"]["steps"] == 4
    assert {each["sampler"] for each in wanted.values()} == {"euler"}


def test_parts_that_do_not_fit_together_are_one_clear_sentence(folders, tmp_path) -> None:
    """Each sound in itself, but of different models."""
    foreign = shutil.copytree(folders["sd3"], tmp_path / "foreign")
    shutil.rmtree(foreign / "transformer")
    shutil.copytree(folders["dev"] / "transformer", foreign / "transformer")
    index = json.loads((foreign / "model_index.json").read_text())
    index["transformer"] = ["diffusers", "FluxTransformer2DModel"]
    (foreign / "model_index.json").write_text(json.dumps(index))
    refused(foreign, "SD3Transformer2DModel and")
    narrow = shutil.copytree(folders["dev"], tmp_path / "narrow")
    tiny_t5(width=16).save_pretrained(narrow / "text_encoder_2")
    refused(narrow, "does not read the words")
    pooled = shutil.copytree(folders["dev"], tmp_path / "pooled")
    CLIPTextModel(text_config(hidden_size=16)).save_pretrained(pooled / "text_encoder")
    refused(pooled, "reads 12 numbers of a prompt, and CLIP encoders that write 16")
    latent = shutil.copytree(folders["dev"], tmp_path / "latent")
    tiny_autoencoder(latent_channels=8).save_pretrained(latent / "vae")
    refused(latent, "autoencoder of 8")


def refused(folder: Path, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        load_model(str(folder), "cpu")
    assert "\n" not in str(raised.value)
