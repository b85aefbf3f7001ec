"""SDXL checkpoints, base and inpaint, beside diffusers' own pipelines."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline, StableDiffusionXLPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl_inpaint
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from paintdiff.engine.conditions.constraint import All, Replacement, Told
from paintdiff.engine.conditions.masked_picture import MaskedPicture
from paintdiff.engine.model import load_model
from paintdiff.engine.noise import Noise
from paintdiff.generation.errors import UserError
from tests.engine.side_by_side import (
    NEGATIVE,
    PROMPT,
    STEPS,
    TRAILING,
    ZERO_SNR,
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
from tests.tiny_checkpoints import text_config, tiny_stable_diffusion_xl


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("xl")
    v = {"prediction_type": "v_prediction"} | ZERO_SNR
    # as those are built that were made smaller, SSD-1B say: other layers on the way up than down, nothing in between
    fewer = {
        "layers_per_block": 2, "mid_block_type": None, "transformer_layers_per_block": (1, (2, 1)),
        "reverse_transformer_layers_per_block": ((2, 1, 1), 1),
    }  # fmt: skip
    return {
        "base": tiny_stable_diffusion_xl(root / "base", scheduler=TRAILING),
        "smaller": tiny_stable_diffusion_xl(root / "smaller", scheduler=TRAILING, **fewer),
        "v": tiny_stable_diffusion_xl(root / "v", scheduler=v),
        "inpaint": tiny_stable_diffusion_xl(root / "inpaint", mask_channels=True, scheduler=TRAILING),
    }


@pytest.fixture(autouse=True)
def _posterior_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs draws a sample of the autoencoder's posterior, ours takes the mode: hand theirs the mode too."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


def test_prompts_are_read_by_both_encoders_as_in_diffusers(folders) -> None:
    words = opened(folders["base"]).encode_text(PROMPT)
    text, _, pooled, _ = theirs(StableDiffusionXLPipeline, folders["base"]).encode_prompt(PROMPT, device="cpu")
    torch.testing.assert_close(words.text, text)
    torch.testing.assert_close(words.pooled, pooled)
    assert words.sizes.tolist() == [[32, 32, 0, 0, 32, 32]]


def test_the_empty_prompt_is_zeros_unless_the_checkpoint_says_otherwise(folders, tmp_path) -> None:
    words = opened(folders["base"]).encode_text(" ")
    assert not words.text.any()
    assert not words.pooled.any()
    folder = tiny_stable_diffusion_xl(tmp_path / "spoken")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"force_zeros_for_empty_prompt": False}))
    assert opened(folder).encode_text("").pooled.any()


@pytest.mark.parametrize("kind", ["base", "v", "smaller"])
@pytest.mark.parametrize("w", [1.0, W])
def test_text_to_image_is_that_of_diffusers(folders, kind, w) -> None:
    model = opened(folders[kind])
    noise = Noise(3, model.space.shape)(0)
    expected = theirs(StableDiffusionXLPipeline, folders[kind])(
        PROMPT, negative_prompt=NEGATIVE, guidance_scale=w, num_inference_steps=STEPS, latents=noise,
        output_type="latent",
    ).images  # fmt: skip
    assert close(ours(model, noise, evenly(), w=w), expected)


def test_image_to_image_is_that_of_diffusers(folders) -> None:
    model = opened(folders["base"])
    original = model.space.encode(picture())
    noise = torch.randn(model.space.shape, generator=torch.Generator().manual_seed(3))
    expected = theirs(StableDiffusionXLImg2ImgPipeline, folders["base"])(
        PROMPT, image=original, negative_prompt=NEGATIVE, guidance_scale=W, num_inference_steps=STEPS, strength=0.5,
        generator=torch.Generator().manual_seed(3), output_type="latent", original_size=(32, 32),
        target_size=(32, 32),
    ).images  # fmt: skip
    x_t = model.schedule.alpha(0.5) * original + model.schedule.sigma(0.5) * noise
    assert close(ours(model, x_t, evenly(0.5, STEPS // 2)), expected)


def test_inpainting_by_constraint_is_that_of_diffusers(folders, monkeypatch) -> None:
    model = opened(folders["base"])
    expected, noise = their_inpainting(folders["base"], 0.5, monkeypatch)
    original = model.space.encode(picture())
    keep = Replacement(original, model.space.strength(aligned_mask(), 0.5), noise, model.schedule)
    x_t = model.schedule.alpha(0.5) * original + model.schedule.sigma(0.5) * noise
    assert close(ours(model, x_t, evenly(0.5, STEPS // 2), keep), expected)


def test_inpainting_with_mask_channels_is_that_of_diffusers(folders, monkeypatch) -> None:
    model = opened(folders["inpaint"])
    assert model.mask_channels
    expected, noise = their_inpainting(folders["inpaint"], 1.0, monkeypatch)
    pixels = model.space.pixels.encode(picture())
    told = Told(MaskedPicture(model.space, pixels, model.space.pixels.strength(aligned_mask(), 1.0)))
    assert close(ours(model, noise, evenly(), All([told])), expected)


def their_inpainting(folder: Path, strength: float, monkeypatch) -> tuple[torch.Tensor, torch.Tensor]:
    noise = Noise(3, (1, 4, 8, 8))(0)
    monkeypatch.setattr(pipeline_stable_diffusion_xl_inpaint, "randn_tensor", lambda *shape, **options: noise)
    return theirs(StableDiffusionXLInpaintPipeline, folder)(
        PROMPT, image=as_pil(picture()), mask_image=as_pil(aligned_mask()), negative_prompt=NEGATIVE, guidance_scale=W,
        num_inference_steps=STEPS, strength=strength, height=32, width=32, output_type="latent",
    ).images, noise  # fmt: skip


def test_saved_by_diffusers_and_opened_again_it_gives_the_same_latents(folders, tmp_path) -> None:
    theirs(StableDiffusionXLPipeline, folders["base"]).save_pretrained(tmp_path / "again")
    noise = Noise(3, (1, 4, 8, 8))(0)
    one, other = (ours(opened(folder), noise, evenly(steps=2)) for folder in (folders["base"], tmp_path / "again"))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("part", "encoder", "words"),
    [
        ("text_encoder", CLIPTextModel(text_config(hidden_size=16)), "words of 28 numbers .* write 32"),
        (
            "text_encoder_2", CLIPTextModelWithProjection(text_config(hidden_size=16, projection_dim=12)),
            "told 34 numbers .* give 36",
        ),
    ],
)  # fmt: skip
def test_parts_of_different_models_are_one_clear_sentence(folders, tmp_path, part, encoder, words) -> None:
    folder = shutil.copytree(folders["base"], tmp_path / "mixed")
    encoder.save_pretrained(folder / part)
    with pytest.raises(UserError, match=words) as raised:
        load_model(str(folder), "cpu")
    assert "\n" not in str(raised.value)
