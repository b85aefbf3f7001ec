"""Tiny random Stable Diffusion 3 and FLUX folders, built with the classes of diffusers and saved by them."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxFillPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel, T5TokenizerFast

from tests.tiny_checkpoints import CELLS, POOLED, loud, text_config, tiny_autoencoder, tiny_tokenizer

CHANNELS = 4  # of a latent
DETAIL = 32  # numbers of a word of T5


def tiny_stable_diffusion_3(folder: Path, t5: bool = True) -> Path:
    """An SD 3 folder for 32 x 32 pixels, with T5 or without."""
    torch.manual_seed(21)
    transformer = SD3Transformer2DModel(
        sample_size=CELLS, patch_size=2, in_channels=CHANNELS, num_layers=2, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=DETAIL, caption_projection_dim=16,
        pooled_projection_dim=2 * POOLED, out_channels=CHANNELS, pos_embed_max_size=8,
    )  # fmt: skip
    parts = {
        "transformer": loud(transformer), "vae": _vae(), "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
        "text_encoder": _clip(22), "text_encoder_2": _clip(23), "tokenizer": tiny_tokenizer(),
        "tokenizer_2": tiny_tokenizer(), "text_encoder_3": tiny_t5() if t5 else None,
        "tokenizer_3": tiny_t5_tokenizer() if t5 else None,
    }  # fmt: skip
    StableDiffusion3Pipeline(**parts).save_pretrained(folder, safe_serialization=True, max_shard_size="40KB")
    return folder


def tiny_flux(folder: Path, fills: bool = False, guidance: bool = True, dynamic: bool = True) -> Path:
    """A FLUX folder for 32 x 32 pixels: dev by default, Fill, or without guidance and shift like schnell."""
    torch.manual_seed(24)
    inputs = 4 * (2 * CHANNELS + 16) if fills else 4 * CHANNELS
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=inputs, out_channels=4 * CHANNELS, num_layers=1, num_single_layers=1,
        attention_head_dim=16, num_attention_heads=2, joint_attention_dim=DETAIL, pooled_projection_dim=12,
        guidance_embeds=guidance, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    encoder = loud(CLIPTextModel(text_config()))
    levels = FlowMatchEulerDiscreteScheduler(shift=3.0 if dynamic else 1.0, use_dynamic_shifting=dynamic)
    parts = {
        "transformer": loud(transformer), "vae": _vae(), "scheduler": levels, "text_encoder": encoder,
        "tokenizer": tiny_tokenizer(), "text_encoder_2": tiny_t5(), "tokenizer_2": tiny_t5_tokenizer(),
    }  # fmt: skip
    (FluxFillPipeline if fills else FluxPipeline)(**parts).save_pretrained(folder, safe_serialization=True)
    return folder


def _vae() -> AutoencoderKL:
    return tiny_autoencoder(shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False)


def _clip(seed: int) -> Any:
    torch.manual_seed(seed)
    return loud(CLIPTextModelWithProjection(text_config(projection_dim=POOLED)))


def tiny_t5(width: int = DETAIL) -> Any:
    torch.manual_seed(25)
    config = T5Config(
        vocab_size=64, d_model=width, d_kv=8, d_ff=16, num_layers=1, num_heads=2, dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return loud(T5EncoderModel(config))


def tiny_t5_tokenizer() -> T5TokenizerFast:
    letters = [(letter, -4.0) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), *letters, ("▁red", -2.0)]
    return T5TokenizerFast(vocab=vocab, extra_ids=0, model_max_length=512)
