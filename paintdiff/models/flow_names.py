"""What the tensors of SD 3 and FLUX transformers are called in files of one piece, and by diffusers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from paintdiff.generation.model_card import Family
from paintdiff.models.header import Header

_QKV = ("to_q", "to_k", "to_v")
_ADDED = ("add_q_proj", "add_k_proj", "add_v_proj")
# Layers outside of the blocks. A "/" after a name: shift and scale stand in it the other way round.
_TOP = {
    Family.FLUX: {
        "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
        "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
        "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
        "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
        "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
        "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
        "txt_in": "context_embedder", "img_in": "x_embedder",
        "final_layer.linear": "proj_out", "final_layer.adaLN_modulation.1": "norm_out.linear/",
    },
    Family.SD3: {
        "t_embedder.mlp.0": "time_text_embed.timestep_embedder.linear_1",
        "t_embedder.mlp.2": "time_text_embed.timestep_embedder.linear_2",
        "y_embedder.mlp.0": "time_text_embed.text_embedder.linear_1",
        "y_embedder.mlp.2": "time_text_embed.text_embedder.linear_2",
        "x_embedder.proj": "pos_embed.proj", "context_embedder": "context_embedder",
        "final_layer.linear": "proj_out", "final_layer.adaLN_modulation.1": "norm_out.linear/",
    },
}  # fmt: skip
_DOUBLE = {
    "img_mod.lin": ("norm1.linear",), "txt_mod.lin": ("norm1_context.linear",),
    "img_attn.qkv": tuple(f"attn.{name}" for name in _QKV), "txt_attn.qkv": tuple(f"attn.{name}" for name in _ADDED),
    "img_attn.norm.query_norm": ("attn.norm_q",), "img_attn.norm.key_norm": ("attn.norm_k",),
    "txt_attn.norm.query_norm": ("attn.norm_added_q",), "txt_attn.norm.key_norm": ("attn.norm_added_k",),
    "img_attn.proj": ("attn.to_out.0",), "txt_attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",), "img_mlp.2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",), "txt_mlp.2": ("ff_context.net.2",),
}  # fmt: skip
_SINGLE = {
    "modulation.lin": ("norm.linear",), "linear1": (*(f"attn.{name}" for name in _QKV), "proj_mlp"),
    "linear2": ("proj_out",), "norm.query_norm": ("attn.norm_q",), "norm.key_norm": ("attn.norm_k",),
}  # fmt: skip
_JOINT = {
    "x_block.adaLN_modulation.1": ("norm1.linear",), "context_block.adaLN_modulation.1": ("norm1_context.linear",),
    "x_block.attn.qkv": tuple(f"attn.{name}" for name in _QKV),
    "context_block.attn.qkv": tuple(f"attn.{name}" for name in _ADDED),
    "x_block.attn.ln_q": ("attn.norm_q",), "x_block.attn.ln_k": ("attn.norm_k",),
    "context_block.attn.ln_q": ("attn.norm_added_q",), "context_block.attn.ln_k": ("attn.norm_added_k",),
    "x_block.attn.proj": ("attn.to_out.0",), "context_block.attn.proj": ("attn.to_add_out",),
    "x_block.attn2.qkv": tuple(f"attn2.{name}" for name in _QKV), "x_block.attn2.proj": ("attn2.to_out.0",),
    "x_block.attn2.ln_q": ("attn2.norm_q",), "x_block.attn2.ln_k": ("attn2.norm_k",),
    "x_block.mlp.fc1": ("ff.net.0.proj",), "x_block.mlp.fc2": ("ff.net.2",),
    "context_block.mlp.fc1": ("ff_context.net.0.proj",), "context_block.mlp.fc2": ("ff_context.net.2",),
}  # fmt: skip
_BLOCKS = {
    "double_blocks": ("transformer_blocks", _DOUBLE), "single_blocks": ("single_transformer_blocks", _SINGLE),
    "joint_blocks": ("transformer_blocks", _JOINT),
}  # fmt: skip
_BLOCK = re.compile(r"(double_blocks|single_blocks|joint_blocks)\.(\d+)\.(.+)\.(weight|bias|scale)")
_T5_BLOCK = re.compile(r"enc\.blk\.(\d+)\.(\w+)\.weight")
_T5_TOP = {"token_embd.weight": "shared.weight", "enc.output_norm.weight": "encoder.final_layer_norm.weight"}
_T5_LAYERS = {
    "attn_q": "0.SelfAttention.q", "attn_k": "0.SelfAttention.k", "attn_v": "0.SelfAttention.v",
    "attn_o": "0.SelfAttention.o", "attn_rel_b": "0.SelfAttention.relative_attention_bias",
    "attn_norm": "0.layer_norm", "ffn_gate": "1.DenseReluDense.wi_0", "ffn_up": "1.DenseReluDense.wi_1",
    "ffn_down": "1.DenseReluDense.wo", "ffn_norm": "1.layer_norm",
}  # fmt: skip
SCALES = (".scale_weight", ".weight_scale")  # what ComfyUI keeps beside scaled float8 weights


@dataclass(frozen=True)
class Rows:
    """A tensor of a network as a file has it: the rows from `begin` to `end` of the tensor `name`.

    `turned`: its halves stand the other way round. `scale` names the number that all of it is multiplied by, or is "".
    """

    name: str
    begin: int
    end: int
    rest: tuple[int, ...]
    turned: bool = False
    scale: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.end - self.begin, *self.rest


def rows_of(header: Header, family: Family) -> dict[str, Rows]:
    """Where the tensors of diffusers' transformer of `family` lie in a denoiser's `header`, in either layout.

    Tensors of other names are passed over.
    """
    found = {}
    for name, whole in plain_rows(header).items():
        for new, begin, end, turned in _renamed(header, name, family):
            found[new] = replace(whole, begin=begin, end=end, turned=turned)
    return found


def plain_rows(header: Header) -> dict[str, Rows]:
    """All tensors of `header` whole and by their own names."""
    found = {}
    for name, info in header.tensors.items():
        if info.shape and not name.endswith(SCALES):
            layer = name.removesuffix(".weight")
            scale = next((f"{layer}{ending}" for ending in SCALES if f"{layer}{ending}" in header.tensors), "")
            found[name] = Rows(name, 0, info.shape[0], info.shape[1:], scale=scale)
    return found


def t5_rows(header: Header) -> dict[str, Rows]:
    """The tensors of a T5 encoder by the names of transformers, as which .safetensors files have them; .gguf files
    have those of llama.cpp."""
    found = {}
    for name, rows in plain_rows(header).items():
        match = _T5_BLOCK.fullmatch(name)
        if match and match[2] in _T5_LAYERS:
            name = f"encoder.block.{match[1]}.layer.{_T5_LAYERS[match[2]]}.weight"
        found[_T5_TOP.get(name, name)] = rows
    return found


def _renamed(header: Header, name: str, family: Family) -> Iterator[tuple[str, int, int, bool]]:
    """(name, first row, row after the last, turned) of each tensor that the tensor `name` holds."""
    count = header.tensors[name].shape[0]
    if name.startswith(("transformer_blocks.", "single_transformer_blocks.", "time_text_embed.", "pos_embed.")):
        yield name, 0, count, False
        return
    match = _BLOCK.fullmatch(name)
    if match is None:
        yield from _outside(header, name, family)
        return
    blocks, table = _BLOCKS[match[1]]
    ending = match[4].replace("scale", "weight")
    parts = table.get(match[3], ())
    turned = match[3] == "context_block.adaLN_modulation.1" and _is_last(header, int(match[2]))
    # in FLUX's single blocks what follows the three is wider than they are
    first = header.shape("img_in.weight") or (0,)
    width = first[0] if len(parts) == 4 else count // max(len(parts), 1)
    for i, part in enumerate(parts):
        end = count if i == len(parts) - 1 else (i + 1) * width
        yield f"{blocks}.{match[2]}.{part}.{ending}", min(i * width, count), min(end, count), turned


def _outside(header: Header, name: str, family: Family) -> Iterator[tuple[str, int, int, bool]]:
    count = header.tensors[name].shape[0]
    stem, _, ending = name.rpartition(".")
    new = _TOP[family].get(stem, "")
    if name == "pos_embed":
        yield "pos_embed.pos_embed", 0, count, False
    elif any(name.startswith("transformer_blocks.0.") for name in header.tensors):
        yield name, 0, count, False  # by the names of diffusers
    elif new:
        yield f"{new.rstrip('/')}.{ending}", 0, count, new.endswith("/")


def _is_last(header: Header, block: int) -> bool:
    return f"joint_blocks.{block + 1}.x_block.attn.qkv.weight" not in header.tensors
