"""The configs of SD 3 and FLUX, and of their text encoders and autoencoders, told from the shapes of tensors alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.architecture import HEAD_WIDTH, count_layers
from paintdiff.models.flow_names import Rows
from paintdiff.models.header import Header, spoken

PATCH = 2  # latents along a token's side
# Of the autoencoders' latents: what they are multiplied by after the shift is taken off.
VAE_SCALES = {
    Family.SD3: {"scaling_factor": 1.5305, "shift_factor": 0.0609},
    Family.FLUX: {"scaling_factor": 0.3611, "shift_factor": 0.1159},
}
SCHNELL_SHIFT = {"shift": 1.0, "use_dynamic_shifting": False}
SHIFTS = {
    Family.SD3: {"shift": 3.0, "use_dynamic_shifting": False},
    Family.FLUX: {
        "shift": 3.0, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15, "base_image_seq_len": 256,
        "max_image_seq_len": 4096,
    },
}  # fmt: skip


def transformer_config(header: Header, rows: Mapping[str, Rows], family: Family, side: int) -> dict[str, Any]:
    """Of diffusers' transformer of `family` that works on latents of `side`, whose tensors lie in `rows`.

    Raises `UserError` for one that lacks what the numbers are told from.
    """

    def shape(name: str) -> tuple[int, ...]:
        if name not in rows:
            raise UserError(f"{spoken(header.path)} is not a compatible model: it has no {name}.")
        return rows[name].shape

    def layers(blocks: str) -> int:
        return count_layers(header.path, rows, rf"{blocks}\.(\d+)\.")

    norm = "transformer_blocks.0.attn.norm_q.weight"
    width = rows[norm].shape[0] if norm in rows else HEAD_WIDTH
    config = {
        "num_layers": layers("transformer_blocks"), "attention_head_dim": width,
        "joint_attention_dim": shape("context_embedder.weight")[1],
        "pooled_projection_dim": shape("time_text_embed.text_embedder.linear_1.weight")[1],
        "num_attention_heads": shape("context_embedder.weight")[0] // width,
    }  # fmt: skip
    if family is Family.FLUX:
        if not width or width % 32:
            raise UserError(f"{spoken(header.path)} is not a compatible model: its attention has heads of {width}.")
        first = width // 8  # of a head tell nothing of the place, and half of the others its row
        return config | {
            "patch_size": 1, "in_channels": shape("x_embedder.weight")[1], "out_channels": shape("proj_out.weight")[0],
            "num_single_layers": layers("single_transformer_blocks"),
            "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in rows,
            "axes_dims_rope": [first, (width - first) // 2, (width - first) // 2],
        }  # fmt: skip
    projection = shape("pos_embed.proj.weight")
    if len(projection) != 4:
        raise UserError(f"{spoken(header.path)} is not a compatible model: its pos_embed.proj is no convolution.")
    twice = {match[1] for name in rows if (match := re.match(r"transformer_blocks\.(\d+)\.attn2\.", name))}
    return config | {
        "sample_size": side, "patch_size": projection[2], "in_channels": projection[1],
        "out_channels": shape("proj_out.weight")[0] // projection[2] ** 2,
        "caption_projection_dim": shape("context_embedder.weight")[0],
        "pos_embed_max_size": math.isqrt(rows["pos_embed.pos_embed"].rest[0]) if "pos_embed.pos_embed" in rows else 0,
        "dual_attention_layers": sorted(map(int, twice)), "qk_norm": "rms_norm" if norm in rows else None,
    }  # fmt: skip


def flow_vae_config(header: Header, family: Family, side: int) -> dict[str, Any]:
    """Of the AutoencoderKL in `header`, which has only its tensors, in either layout, for pictures of `side` pixels."""
    ldm = any(name.startswith(("encoder.down.", "decoder.up.")) for name in header.tensors)
    down, block = (r"encoder\.down\.", r"block") if ldm else (r"encoder\.down_blocks\.", r"resnets")
    levels = count_layers(header.path, header.tensors, rf"{down}(\d+)\.")
    layers = count_layers(header.path, header.tensors, rf"{down}0\.{block}\.(\d+)\.")
    first = "encoder.down.{}.block.0.conv1.weight" if ldm else "encoder.down_blocks.{}.resnets.0.conv1.weight"
    widths, latents = [header.shape(first.format(i)) for i in range(levels)], header.shape("decoder.conv_in.weight")
    if not levels or not layers or not all(widths) or len(latents) != 4:
        raise UserError(f"{spoken(header.path)} is not a compatible model: its autoencoder is not whole.")
    convolved = "quant_conv.weight" in header.tensors
    return {
        "block_out_channels": [width[0] for width in widths], "layers_per_block": layers, "norm_num_groups": 32,
        "latent_channels": latents[1], "sample_size": side, "use_quant_conv": convolved,
        "use_post_quant_conv": convolved, "force_upcast": True,
        "down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels,
    } | VAE_SCALES[family]  # fmt: skip


def clip_config(path: Path, rows: Mapping[str, Rows], act: str) -> dict[str, Any]:
    """Of the CLIP text network whose tensors lie in `rows`; `act` is "quick_gelu" or "gelu"."""
    vocabulary = _shape(rows, "text_model.embeddings.token_embedding.weight")
    positions = _shape(rows, "text_model.embeddings.position_embedding.weight")
    wide = _shape(rows, "text_model.encoder.layers.0.mlp.fc1.weight")
    if len(vocabulary) != 2 or not positions or not wide:
        raise UserError(f"{spoken(path)} is not a compatible model: its CLIP text encoder is not whole.")
    projected = _shape(rows, "text_projection.weight")
    return {
        "vocab_size": vocabulary[0], "hidden_size": vocabulary[1], "max_position_embeddings": positions[0],
        "intermediate_size": wide[0], "hidden_act": act,
        "num_hidden_layers": count_layers(path, rows, r"text_model\.encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(vocabulary[1] // HEAD_WIDTH, 1),
        "projection_dim": projected[0] if projected else vocabulary[1],
        "bos_token_id": vocabulary[0] - 2, "eos_token_id": vocabulary[0] - 1,
    }  # fmt: skip


def t5_config(path: Path, rows: Mapping[str, Rows]) -> dict[str, Any]:
    """Of the T5 encoder whose tensors lie in `rows`."""
    layer = "encoder.block.0.layer."
    words, query = _shape(rows, "shared.weight"), _shape(rows, f"{layer}0.SelfAttention.q.weight")
    heads = _shape(rows, f"{layer}0.SelfAttention.relative_attention_bias.weight")
    wide = _shape(rows, f"{layer}1.DenseReluDense.wi_0.weight")
    if len(words) != 2 or len(heads) != 2 or not query or not wide or not heads[1]:
        raise UserError(f"{spoken(path)} is not a compatible model: its T5 text encoder is not whole.")
    return {
        "vocab_size": words[0], "d_model": words[1], "d_kv": query[0] // heads[1], "d_ff": wide[0],
        "num_layers": count_layers(path, rows, r"encoder\.block\.(\d+)\."), "num_heads": heads[1],
        "relative_attention_num_buckets": heads[0], "feed_forward_proj": "gated-gelu", "dropout_rate": 0.0,
    }  # fmt: skip


def _shape(rows: Mapping[str, Rows], name: str) -> tuple[int, ...]:
    return rows[name].shape if name in rows else ()
