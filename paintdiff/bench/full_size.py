"""Checkpoints of full size with random weights: what they cost is what real ones cost, and no real one is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from paintdiff.engine.checkpoints.checkpoint import prepare_libraries
from paintdiff.engine.checkpoints.clip_vocabulary import clip_tokenizer

SPREAD = 0.02  # of random weights: small enough that what passes through many layers stays within half precision
TAPE = 1_000_003  # random numbers that are repeated through all weights: drawing a billion would take minutes

SD_UNET: dict[str, Any] = {
    "sample_size": 64, "in_channels": 9, "out_channels": 4, "cross_attention_dim": 768, "attention_head_dim": 8,
}  # fmt: skip
SDXL_UNET: dict[str, Any] = {
    "sample_size": 128, "in_channels": 4, "out_channels": 4, "cross_attention_dim": 2048,
    "block_out_channels": (320, 640, 1280), "attention_head_dim": (5, 10, 20), "use_linear_projection": True,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10), "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4, "sample_size": 512,
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
    "scaling_factor": 0.18215,
}  # fmt: skip
CLIP_L: dict[str, Any] = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
}  # fmt: skip
CLIP_G: dict[str, Any] = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
    "projection_dim": 1280, "hidden_act": "gelu",
}  # fmt: skip
LEVELS: dict[str, Any] = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
}  # fmt: skip


def networks(family: str) -> dict[str, Any]:
    """The networks of "sd15" (with mask channels) or "sdxl" by component, without memory: on the meta device."""
    prepare_libraries()
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    with torch.device("meta"):
        parts: dict[str, Any] = {
            "unet": UNet2DConditionModel(**(SD_UNET if family == "sd15" else SDXL_UNET)),
            "vae": AutoencoderKL(**VAE), "text_encoder": CLIPTextModel(CLIPTextConfig(**CLIP_L)),
        }  # fmt: skip
        if family == "sdxl":
            parts["text_encoder_2"] = CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G))
    return parts


def write_inpainting(folder: Path) -> Path:
    """An inpainting model of Stable Diffusion 1.5 in bfloat16, two gigabytes; returns its folder."""
    parts = {name: _filled(network) for name, network in networks("sd15").items()}
    from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline

    pipeline: Any = StableDiffusionInpaintPipeline(
        **parts, tokenizer=clip_tokenizer(), scheduler=DDIMScheduler(**LEVELS), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _filled(network: nn.Module) -> nn.Module:
    """`network` in main memory, in bfloat16: random weights, scales of one and no offsets."""
    network.to(torch.bfloat16).to_empty(device="cpu")
    tape = torch.randn(TAPE, generator=torch.Generator().manual_seed(0)) * SPREAD
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                repeats = -(-parameter.numel() // TAPE)
                parameter.copy_(tape.repeat(repeats)[: parameter.numel()].view(parameter.shape))
            else:
                parameter.fill_(float(name.endswith("weight")))
        for name, buffer in network.named_buffers():
            if name.endswith("position_ids"):
                buffer.copy_(torch.arange(buffer.shape[-1]).expand(buffer.shape))
    return network


if __name__ == "__main__":  # in a process of its own, whose memory is given back
    write_inpainting(Path(sys.argv[1]))
