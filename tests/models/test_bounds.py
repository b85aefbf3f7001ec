"""What configs may ask for: everything that released models do, and not more."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel, UNet2DModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from paintdiff.generation.errors import UserError
from paintdiff.models.bounds import check_network, check_scheduler
from paintdiff.models.families import Part, identify
from paintdiff.models.header import Header, TensorInfo

PATH = Path("model/config.json")
SD1 = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}
SD2 = SD1 | {"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True}
SDXL = {
    "sample_size": 128, "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20], "use_linear_projection": True,
    "block_out_channels": [320, 640, 1280], "transformer_layers_per_block": [1, 2, 10],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
VAE = {
    "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 512,
    "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
}  # fmt: skip
SD3 = {
    "sample_size": 128, "num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536,
    "joint_attention_dim": 4096, "pooled_projection_dim": 2048, "out_channels": 16, "pos_embed_max_size": 192,
}  # fmt: skip
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768}
CLIP_G = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32,
    "projection_dim": 1280,
}  # fmt: skip
T5 = {"d_model": 4096, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "d_kv": 64, "feed_forward_proj": "gated-gelu"}
EYES = {
    "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
    "patch_size": 14, "projection_dim": 768,
}  # fmt: skip


def diffusers_network(kind: Any, config: dict[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    with torch.device("meta"):
        network = kind.from_config(config)
    return network, json.loads(network.to_json_string())


def transformers_network(kind: Any, config: Any) -> tuple[nn.Module, dict[str, Any]]:
    with torch.device("meta"):
        return kind._from_config(config), json.loads(config.to_json_string(use_diff=False))


RELEASED = {
    "SD 1": (Part.DENOISER, lambda: diffusers_network(UNet2DConditionModel, SD1)),
    "SD 1 inpainting": (Part.DENOISER, lambda: diffusers_network(UNet2DConditionModel, SD1 | {"in_channels": 9})),
    "SD 2": (Part.DENOISER, lambda: diffusers_network(UNet2DConditionModel, SD2)),
    "LCM": (Part.DENOISER, lambda: diffusers_network(UNet2DConditionModel, SD1 | {"time_cond_proj_dim": 256})),
    "SDXL": (Part.DENOISER, lambda: diffusers_network(UNet2DConditionModel, SDXL)),
    "DDPM": (Part.DENOISER, lambda: diffusers_network(UNet2DModel, {"sample_size": 32})),
    "SD 3": (Part.DENOISER, lambda: diffusers_network(SD3Transformer2DModel, SD3)),
    "FLUX": (Part.DENOISER, lambda: diffusers_network(FluxTransformer2DModel, {"guidance_embeds": True})),
    "FLUX Fill": (
        Part.DENOISER, lambda: diffusers_network(FluxTransformer2DModel, {"in_channels": 384, "out_channels": 64})
    ),
    "autoencoder": (Part.VAE, lambda: diffusers_network(AutoencoderKL, VAE)),
    "CLIP-L": (Part.TEXT_ENCODER, lambda: transformers_network(CLIPTextModel, CLIPTextConfig(**CLIP_L))),
    "CLIP-G": (Part.TEXT_ENCODER, lambda: transformers_network(CLIPTextModelWithProjection, CLIPTextConfig(**CLIP_G))),
    "T5-XXL": (Part.TEXT_ENCODER, lambda: transformers_network(T5EncoderModel, T5Config(**T5))),
    "safety checker": (
        Part.SAFETY_CHECKER,
        lambda: transformers_network(StableDiffusionSafetyChecker, CLIPConfig(projection_dim=768, vision_config=EYES)),
    ),
}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] * (name in ("SDXL", "SD 2", "LCM", "SD 1 inpainting", "FLUX Fill")))
    for name in RELEASED
])  # fmt: skip
def test_every_released_architecture_is_within_bounds(name) -> None:
    part, build = RELEASED[name]
    network, config = build()
    tensors = {name: TensorInfo("F16", tuple(x.shape), 0, 0) for name, x in network.state_dict().items()}
    header = Header(PATH.parent / "model.safetensors", tensors, {}, 0)
    assert identify(header).part is part
    check_network(PATH, config, header)
    for change in ({"num_layers": 10**6}, {"layers_per_block": 10**6}, {"sample_size": 10**6}, {"in_channels": 10**6}):
        with pytest.raises(UserError, match="not a compatible model"):
            check_network(PATH, config | change, header)


@pytest.mark.parametrize(
    "config",
    [
        {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"},
        {"trained_betas": None, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
        {"trained_betas": [0.1] * 1000},
        {"lambda_min_clipped": float("-inf"), "sample_max_value": 1.0, "dynamic_thresholding_ratio": 0.995},
        {"shift": 3.0, "base_image_seq_len": 256, "max_image_seq_len": 4096, "base_shift": 0.5, "max_shift": 1.15},
        {"sigma_min": 0.01, "sigma_max": 1348.0, "num_train_timesteps": 2000, "snr": 0.15, "sampling_eps": 1e-5},
        {"original_inference_steps": 50, "timestep_scaling": 10.0},
        {},
    ],
)
def test_the_schedulers_of_released_models_are_within_bounds(config) -> None:
    check_scheduler(Path("model/scheduler_config.json"), config)
