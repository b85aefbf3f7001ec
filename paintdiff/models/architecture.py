"""The configs of a checkpoint of one file, told from the shapes of its tensors: it brings none along."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.families import LDM, Kind
from paintdiff.models.header import Header, spoken

VAE = "first_stage_model."
# Where each family keeps its text encoders, in the order in which they are read.
TEXT = {
    Family.SD1: ("cond_stage_model.transformer.text_model.",),
    Family.SD2: ("cond_stage_model.model.",),
    Family.SDXL: ("conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."),
}
HEAD_WIDTH = 64  # of CLIP's attention, and of the U-Net's since SD 2; SD 1 has as many heads at every width
HEADS = 8
FACTOR = 8  # pixels of a latent, a side
MOST_LAYERS = 200  # of one kind
SCALES = {Family.SD1: 0.18215, Family.SD2: 0.18215, Family.SDXL: 0.13025}


def unet_config(header: Header, kind: Kind) -> dict[str, Any]:
    """Of a diffusers UNet2DConditionModel. Raises `UserError` for a U-Net that is built in another way."""
    blocks = _down_blocks(header)
    layers = {len(block) for block in blocks}
    widths = [header.shape(f"{LDM}input_blocks.{block[0]}.0.in_layers.2.weight")[0] for block in blocks]
    depths = [max(_depth(header, f"{LDM}input_blocks.{i}.1") for i in block) for block in blocks]
    if len(layers) != 1 or not any(depths):
        raise UserError(f"{spoken(header.path)} is not a compatible model: its U-Net is built in an unknown way.")
    first, last = header.shape(f"{LDM}input_blocks.0.0.weight"), header.shape(f"{LDM}out.2.weight")
    words = next(info.shape[1] for name, info in header.tensors.items() if name.endswith("attn2.to_k.weight"))
    linear = kind.family is not Family.SD1
    config = {
        "sample_size": kind.side // FACTOR, "in_channels": first[1], "out_channels": last[0],
        "block_out_channels": widths, "layers_per_block": layers.pop(), "cross_attention_dim": words,
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "transformer_layers_per_block": [max(depth, 1) for depth in depths], "use_linear_projection": linear,
        "attention_head_dim": [max(width // HEAD_WIDTH, 1) for width in widths] if linear else HEADS,
    }  # fmt: skip
    if kind.family is Family.SDXL:
        told = header.shape(f"{LDM}label_emb.0.0.weight")[1]
        config |= {
            "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": told,
        }  # fmt: skip
    return config


def vae_config(header: Header, kind: Kind) -> dict[str, Any]:
    """Of a diffusers AutoencoderKL."""
    down = rf"{re.escape(VAE)}encoder\.down\."
    levels, layers = _count(header, rf"{down}(\d+)\."), _count(header, rf"{down}0\.block\.(\d+)\.")
    widths = [header.shape(f"{VAE}encoder.down.{i}.block.0.conv1.weight")[0] for i in range(levels)]
    return {
        "block_out_channels": widths, "layers_per_block": layers, "norm_num_groups": 32,
        "latent_channels": header.shape(f"{VAE}decoder.conv_in.weight")[1], "sample_size": kind.side,
        "down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels,
        "scaling_factor": SCALES[kind.family], "force_upcast": kind.family is Family.SDXL,
    }  # fmt: skip


def text_config(header: Header, prefix: str) -> dict[str, Any]:
    """Of the CLIP text network under `prefix`, one of `TEXT`: OpenAI's in the layout of transformers, or OpenCLIP's.

    SD 2 reads OpenCLIP's last layer but one, normalized: its config has a layer less than its file.
    """
    if prefix.endswith("text_model."):
        words, positions = (f"{prefix}embeddings.{name}_embedding.weight" for name in ("token", "position"))
        layers, wide, act = f"{prefix}encoder.layers.", "mlp.fc1.weight", "quick_gelu"
    else:
        words, positions = f"{prefix}token_embedding.weight", f"{prefix}positional_embedding"
        layers, wide, act = f"{prefix}transformer.resblocks.", "mlp.c_fc.weight", "gelu"
    count, (vocabulary, width) = _count(header, rf"{re.escape(layers)}(\d+)\."), header.shape(words)
    projected = header.shape(f"{prefix}text_projection")
    return {
        "vocab_size": vocabulary, "hidden_size": width, "max_position_embeddings": header.shape(positions)[0],
        "intermediate_size": header.shape(f"{layers}0.{wide}")[0], "hidden_act": act,
        "num_hidden_layers": count - 1 if prefix in TEXT[Family.SD2] else count,
        "num_attention_heads": max(width // HEAD_WIDTH, 1), "projection_dim": projected[1] if projected else width,
        "bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1,
    }  # fmt: skip


def _down_blocks(header: Header) -> list[list[int]]:
    """The numbers of the input blocks that hold residual layers, parted where the picture is halved."""
    blocks: list[list[int]] = [[]]
    for i in range(1, _count(header, rf"{re.escape(LDM)}input_blocks\.(\d+)\.")):
        if f"{LDM}input_blocks.{i}.0.op.weight" in header.tensors:
            blocks.append([])
        elif f"{LDM}input_blocks.{i}.0.in_layers.2.weight" in header.tensors:
            blocks[-1].append(i)
    return [block for block in blocks if block]


def _depth(header: Header, prefix: str) -> int:
    """How many transformer layers one attention block has."""
    return _count(header, rf"{re.escape(prefix)}\.transformer_blocks\.(\d+)\.")


def _count(header: Header, numbered: str) -> int:
    return count_layers(header.path, header.tensors, numbered)


def count_layers(path: Path, names: Iterable[str], numbered: str) -> int:
    """How many layers are numbered, from 0 up, by names that begin with the pattern. Raises `UserError` for gaps."""
    found = (re.match(numbered, name) for name in names)
    numbers = {match[1] for match in found if match}
    if len(numbers) > MOST_LAYERS or numbers != {str(i) for i in range(len(numbers))}:
        raise UserError(f"{spoken(path)} is not a compatible model: some of its layers are missing.")
    return len(numbers)
