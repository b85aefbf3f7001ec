"""Tiny random checkpoints of every kind that opens, built with the classes of diffusers and saved by them."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DDPMPipeline,
    DDPMScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    ScoreSdeVePipeline,
    ScoreSdeVeScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UNet2DModel,
)
from diffusers.utils import logging
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

logging.disable_progress_bar()

SIDE = 16  # pixels of the pixel models
CELLS = 8  # latents a side of the latent models
POOLED = 10  # numbers of a prompt in one vector
MERGES = (("r", "e"), ("re", "d</w>"))


def tiny_stable_diffusion(
    folder: Path, mask_channels: bool = False, prediction: str = "epsilon", scheduler: dict[str, Any] | None = None
) -> Path:
    """A Stable Diffusion folder whose autoencoder halves the side twice: 32 x 32 pixels, 8 x 8 x 4 latents.

    (Real ones halve it three times; the factor is read from the config.)
    """
    parts = {
        "unet": stable_diffusion_unet(9 if mask_channels else 4),
        "vae": tiny_autoencoder(),
        "text_encoder": tiny_text_encoder(),
        "tokenizer": tiny_tokenizer(),
        "scheduler": stable_diffusion_scheduler(prediction_type=prediction, **(scheduler or {})),
        "safety_checker": None,
        "feature_extractor": None,
    }
    kind = StableDiffusionInpaintPipeline if mask_channels else StableDiffusionPipeline
    kind(**parts, requires_safety_checker=False).save_pretrained(folder, safe_serialization=True)
    return folder


def tiny_stable_diffusion_xl(
    folder: Path, mask_channels: bool = False, scheduler: dict[str, Any] | None = None, **unet: Any
) -> Path:
    """An SDXL folder for 32 x 32 pixels: two text encoders, the second with a projection, and a U-Net told sizes."""
    parts = {
        "unet": stable_diffusion_xl_unet(9 if mask_channels else 4, **unet),
        "vae": tiny_autoencoder(force_upcast=True),
        "text_encoder": tiny_text_encoder(),
        "text_encoder_2": tiny_text_encoder_with_projection(),
        "tokenizer": tiny_tokenizer(),
        "tokenizer_2": tiny_tokenizer(),
        "scheduler": stable_diffusion_scheduler(**(scheduler or {})),
    }
    kind = StableDiffusionXLInpaintPipeline if mask_channels else StableDiffusionXLPipeline
    kind(**parts).save_pretrained(folder, safe_serialization=True)
    return folder


def stable_diffusion_xl_unet(channels: int, **changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(7)
    config = {
        "sample_size": CELLS, "in_channels": channels, "out_channels": 4, "layers_per_block": 1,
        "block_out_channels": (8, 16), "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "transformer_layers_per_block": (1, 2),
        "cross_attention_dim": 12 + 16, "attention_head_dim": (2, 4), "norm_num_groups": 4,
        "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 4,
        "projection_class_embeddings_input_dim": 6 * 4 + POOLED,
    }  # fmt: skip
    return loud(UNet2DConditionModel(**config | changes))


def tiny_text_encoder_with_projection() -> CLIPTextModelWithProjection:
    torch.manual_seed(8)
    return loud(CLIPTextModelWithProjection(text_config(hidden_size=16, hidden_act="gelu", projection_dim=POOLED)))


def stable_diffusion_scheduler(**changes: Any) -> DDIMScheduler:
    """The levels of Stable Diffusion 1.5."""
    config = {
        "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
    }  # fmt: skip
    return DDIMScheduler(**config | changes)


def stable_diffusion_unet(channels: int, **changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(1)
    config = {
        "sample_size": CELLS, "in_channels": channels, "out_channels": 4, "layers_per_block": 1,
        "block_out_channels": (8, 16), "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "cross_attention_dim": 12, "attention_head_dim": 4,
        "norm_num_groups": 4,
    }  # fmt: skip
    return loud(UNet2DConditionModel(**config | changes))


def tiny_consistency_model(folder: Path) -> Path:
    """An LCM folder for 32 x 32 pixels, whose U-Net is told how strong its guidance is."""
    levels = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    parts = {
        "unet": stable_diffusion_unet(4, time_cond_proj_dim=6), "vae": tiny_autoencoder(),
        "text_encoder": tiny_text_encoder(), "tokenizer": tiny_tokenizer(), "scheduler": LCMScheduler(**levels),
        "safety_checker": None, "feature_extractor": None,
    }  # fmt: skip
    pipeline = LatentConsistencyModelPipeline(**parts, requires_safety_checker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def tiny_autoencoder(**changes: Any) -> AutoencoderKL:
    torch.manual_seed(2)
    config = {
        "block_out_channels": (8, 8, 8), "latent_channels": 4, "norm_num_groups": 4, "sample_size": 4 * CELLS,
        "down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3,
        "scaling_factor": 2.0,
    }  # fmt: skip
    return AutoencoderKL(**config | changes)


def tiny_text_encoder() -> CLIPTextModel:
    torch.manual_seed(3)
    return loud(CLIPTextModel(text_config()))


def text_config(**changes: Any) -> CLIPTextConfig:
    config = {
        "vocab_size": len(vocabulary()), "hidden_size": 12, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 1,
    }  # fmt: skip
    return CLIPTextConfig(**config | changes)


def vocabulary() -> dict[str, int]:
    """Two special tokens, every byte within a word and at its end, and the word "red"."""
    letters = sorted(ByteLevel.alphabet())
    ends, merged = (f"{letter}</w>" for letter in letters), ("".join(pair) for pair in MERGES)
    entries = ["<|startoftext|>", "<|endoftext|>", *letters, *ends, *merged]
    return {entry: i for i, entry in enumerate(entries)}


def tiny_tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer(vocab=vocabulary(), merges=list(MERGES), model_max_length=77)


def tiny_pixel_unet(folder: Path, classes: int | None = None, names: dict[str, str] | None = None) -> Path:
    """A DDPM folder for 16 x 16 pixels, unconditional or of some classes."""
    pipeline = DDPMPipeline(unet=pixel_unet(num_class_embeds=classes), scheduler=DDPMScheduler())
    pipeline.save_pretrained(folder, safe_serialization=True)
    if names is not None:
        index = json.loads((folder / "model_index.json").read_text())
        (folder / "model_index.json").write_text(json.dumps(index | {"id2label": names}))
    return folder


def tiny_score_sde(folder: Path) -> Path:
    """A score-SDE (VE) folder for 16 x 16 pixels in [0, 1]."""
    unet = pixel_unet(time_embedding_type="fourier", center_input_sample=True)
    scheduler = ScoreSdeVeScheduler(sigma_max=50.0)
    ScoreSdeVePipeline(unet=unet, scheduler=scheduler).save_pretrained(folder, safe_serialization=True)
    return folder


def pixel_unet(**changes: Any) -> UNet2DModel:
    torch.manual_seed(4)
    config = {
        "sample_size": SIDE, "layers_per_block": 1, "block_out_channels": (8, 16), "norm_num_groups": 4,
        "attention_head_dim": 4, "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    }  # fmt: skip
    return loud(UNet2DModel(**config | changes))


def loud(network: nn.Module) -> Any:
    """Weights large enough that every input has a clear say in the output."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return network


class BlockAutoencoder:
    """A linear autoencoder: each block of 8 x 8 pixels becomes `channels` numbers, its projections on as many
    orthonormal patterns, the three flat ones first. Decoding is the transpose, so encode(decode(z)) = z exactly.
    """

    factor, scaling = 8, 1.0

    def __init__(self, channels: int = 12, dtype: torch.dtype = torch.float32) -> None:
        self.channels = channels
        patterns = torch.randn(channels, 3, 8, 8, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
        patterns[:3] = torch.eye(3, dtype=torch.float64)[:, :, None, None]
        basis = torch.linalg.qr(patterns.flatten(1).T).Q.T
        self._patterns = basis.view(channels, 3, 8, 8).to(dtype)

    def encode(self, pixels: Tensor) -> Tensor:
        return nn.functional.conv2d(pixels, self._patterns.to(pixels), stride=8) / 8

    def decode(self, latents: Tensor) -> Tensor:
        return nn.functional.conv_transpose2d(8 * latents, self._patterns.to(latents), stride=8)
