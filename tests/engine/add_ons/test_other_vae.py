"""Another autoencoder than the checkpoint's own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from diffusers.loaders.single_file_utils import DIFFUSERS_TO_LDM_MAPPING
from safetensors.torch import load_file, save_file

from paintdiff.engine.add_ons.other_vae import with_vae
from paintdiff.engine.model import Model, load_model
from paintdiff.generation.errors import UserError
from tests.tiny_checkpoints import loud, tiny_autoencoder, tiny_pixel_unet, tiny_stable_diffusion


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vaes")
    tiny_stable_diffusion(root / "model")
    vae = tiny_autoencoder()
    loud(vae).save_pretrained(root / "vae", safe_serialization=True)
    save_file(load_file(root / "vae" / "diffusion_pytorch_model.safetensors"), root / "diffusers.safetensors")
    ldm = as_ldm(vae)
    save_file(ldm, root / "ldm.safetensors")
    save_file({f"first_stage_model.{name}": x for name, x in ldm.items()}, root / "prefixed.safetensors")
    return root


@pytest.fixture(scope="module")
def model(root) -> Model:
    return load_model(str(root / "model"), "cpu", torch.float32)


def as_ldm(vae: AutoencoderKL) -> dict[str, torch.Tensor]:
    """The weights by the names of the first releases."""
    renamed = {}
    whole = dict(DIFFUSERS_TO_LDM_MAPPING["vae"])
    levels = len(vae.config.block_out_channels)
    for name, x in vae.state_dict().items():
        new = whole.get(name, name)
        new = new.replace("mid_block.resnets.0", "mid.block_1").replace("mid_block.resnets.1", "mid.block_2")
        new = new.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
        new = new.replace("downsamplers.0", "downsample").replace("upsamplers.0", "upsample")
        new = new.replace("conv_shortcut", "nin_shortcut").replace("resnets", "block").replace("down_blocks", "down")
        for i in range(levels):
            new = new.replace(f"up_blocks.{i}.", f"up.{levels - 1 - i}.")
        for theirs, ours in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            new = new.replace(f".{theirs}.", f".{ours}.")
        attention = "mid.attn_1" in new and new.endswith("weight") and x.ndim == 2
        renamed[new] = (x[:, :, None, None] if attention else x).contiguous().clone()
    return renamed


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)


@pytest.mark.parametrize("name", ["vae", "diffusers.safetensors", "ldm.safetensors", "prefixed.safetensors"])
def test_pictures_pass_the_other_autoencoder_as_in_a_pipeline_that_has_it(root, model, name) -> None:
    vae = AutoencoderKL.from_pretrained(root / "vae", local_files_only=True)
    pipeline = StableDiffusionPipeline.from_pretrained(
        root / "model", vae=vae, safety_checker=None, local_files_only=True
    )
    pixels = torch.from_numpy(picture()).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        latents = pipeline.vae.encode(pixels).latent_dist.mode() * pipeline.vae.config.scaling_factor
        back = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
        own = model.space.encode(picture())
        other = with_vae(model, str(root / name))
        torch.testing.assert_close(other.space.encode(picture()), latents)
        torch.testing.assert_close(other.space.to_pixels(latents), back)
    assert not torch.allclose(own, latents, atol=1e-2)
    assert torch.equal(model.space.encode(picture()), own)
    assert other.weights is model.weights


def test_an_autoencoder_of_a_whole_pipeline_can_be_taken(root, model) -> None:
    grey = torch.zeros(1, 3, 32, 32)
    same = with_vae(model, str(root / "model"))
    assert torch.equal(same.space.from_pixels(grey), model.space.from_pixels(grey))


def test_one_that_does_not_go_is_told_in_a_sentence(root, model, tmp_path) -> None:
    def told(source: Path) -> str:
        with pytest.raises(UserError) as error:
            with_vae(model, str(source))
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "is not there" in told(tmp_path / "gone.safetensors")
    wide = tiny_autoencoder(latent_channels=16)
    wide.save_pretrained(tmp_path / "wide", safe_serialization=True)
    assert "16 channels" in told(tmp_path / "wide")
    assert "16 channels" in told(tmp_path / "wide" / "diffusion_pytorch_model.safetensors")
    save_file(as_ldm(wide), tmp_path / "wide.safetensors")
    assert "16 channels" in told(tmp_path / "wide.safetensors")
    tensors = load_file(root / "ldm.safetensors")
    save_file({name: x for name, x in tensors.items() if "decoder.up.1" not in name}, tmp_path / "part.safetensors")
    assert "missing or of another shape" in told(tmp_path / "part.safetensors")
    save_file({name: x * float("nan") for name, x in tensors.items()}, tmp_path / "nan.safetensors")
    assert "not numbers" in told(tmp_path / "nan.safetensors")
    save_file({"x.lora_up.weight": torch.zeros(2, 2)}, tmp_path / "lora.safetensors")
    assert "is no autoencoder" in told(tmp_path / "lora.safetensors")
    torch.save({"x": torch.zeros(1)}, tmp_path / "vae.pt")
    assert "pickle" in told(tmp_path / "vae.pt")
    assert "config.json" in told(tmp_path)


def test_a_model_of_pixels_takes_none(root, tmp_path) -> None:
    pixels = load_model(str(tiny_pixel_unet(tmp_path / "pixels")), "cpu", torch.float32)
    with pytest.raises(UserError, match="takes no other autoencoder"):
        with_vae(pixels, str(root / "vae"))
