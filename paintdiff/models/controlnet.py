"""What a ControlNet is, told from its header and its name before it is loaded: which family, which kind of picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paintdiff.generation.controls import CANNY, DEPTH, INPAINT, LINEART, OTHER, SCRIBBLE, TILE
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.describe import network_weights
from paintdiff.models.families import Layout, Part, identify
from paintdiff.models.header import Header, read_header, read_object, spoken
from paintdiff.models.screening import check_files, home, refuse_pickle

CONFIG, CLASSES = "config.json", ("ControlNetModel", "ControlNetUnionModel")
# Which of its kinds a ControlNet of several is told, as xinsir's for SDXL count them; the later ones are not in all.
SEVERAL = {DEPTH: 1, SCRIBBLE: 2, CANNY: 3, LINEART: 3, TILE: 6, INPAINT: 7}
PREFIX = "control_model."  # of all names in a file of the first releases; some files leave it out
HEADS_OF_SD1, HEAD_WIDTH = 8, 64
# What shapes do not tell and a config may; all else is taken from the shapes.
SAID = (
    "act_fn", "addition_time_embed_dim", "attention_head_dim", "controlnet_conditioning_channel_order",
    "downsample_padding", "flip_sin_to_cos", "freq_shift", "global_pool_conditions", "mid_block_scale_factor",
    "norm_eps", "norm_num_groups", "num_attention_heads", "num_trans_head", "resnet_time_scale_shift",
    "upcast_attention",
)  # fmt: skip
_WORDS = (
    (CANNY, r"canny"), (LINEART, r"line[-_ ]?art|lineart|mlsd|(?<![a-z])lines?(?![a-z])|softedge|hed(?![a-z])"),
    (SCRIBBLE, r"scribble|sketch|pidinet"), (DEPTH, r"depth|midas|zoe"), (TILE, r"tile|blur(?!r)"),
    (INPAINT, r"inpaint"),
)  # fmt: skip


@dataclass(frozen=True)
class ControlNetFile:
    """A ControlNet on disk. `config` is that of diffusers' ControlNetModel, `weights` its file or files.

    `kinds` is how many kinds of pictures one network of several reads (ControlNetUnionModel), 0 for one of one kind.
    """

    path: Path
    family: Family
    layout: Layout
    config: dict[str, Any]
    weights: tuple[Path, ...]
    kinds: int = 0


def guess_kind(path: str) -> str:
    """What picture the ControlNet reads, by its name and those of the folders around it; OTHER where nothing tells."""
    for part in reversed(Path(path).parts[-4:]):
        for kind, pattern in _WORDS:
            if re.search(pattern, part.lower()):
                return kind
    return OTHER


def read_controlnet(path: Path) -> ControlNetFile:
    """Look at a diffusers folder or a .safetensors file. Raises `UserError` for what is no ControlNet that opens."""
    refuse_pickle(path)
    if path.is_dir():
        check_files(path, home(path))
        config, weights = _said(path / CONFIG), network_weights(path)
        if not weights:
            raise UserError(f"{spoken(path)} holds no ControlNet: no complete set of .safetensors files is there.")
        headers = [read_header(each) for each in weights]
        tensors = {name: tensor for header in headers for name, tensor in header.tensors.items()}
        header = Header(path, tensors, {}, sum(each.size for each in headers))
    else:
        header, weights = read_header(path), [path]
        beside = path.parent / CONFIG
        config = _said(beside) if path.name.startswith("diffusion_pytorch_model") and beside.is_file() else {}
    kind = identify(header)
    if kind.part is not Part.CONTROLNET:
        raise UserError(f"{spoken(path)} is no ControlNet but a file of another kind ({kind.part.value}).")
    derived = config_of(header) | config
    kinds = int(derived.get("num_control_type", 0))
    return ControlNetFile(path, _family(derived), kind.layout, derived, tuple(weights), kinds)


def config_of(header: Header) -> dict[str, Any]:
    """The config of diffusers' ControlNetModel that the shapes of its tensors bear out.

    Raises `UserError` for shapes that are not those of a ControlNet for a U-Net of Stable Diffusion.
    """
    shapes = {name.removeprefix(PREFIX): tensor.shape for name, tensor in header.tensors.items()}
    try:
        ldm = "input_blocks.0.0.weight" in shapes
        blocks = _ldm_blocks(shapes) if ldm else _blocks(shapes)
        first = shapes["input_blocks.0.0.weight" if ldm else "conv_in.weight"]
        hint = _ldm_hint(shapes) if ldm else _hint(shapes)
        words = next((shape[1] for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")), 0)
        added = shapes.get("label_emb.0.0.weight" if ldm else "add_embedding.linear_1.weight")
        middle = _count(shapes, r"middle_block\.1\.transformer_blocks\.(\d+)\." if ldm else
                        r"mid_block\.attentions\.0\.transformer_blocks\.(\d+)\.")  # fmt: skip
        linear = any(name.endswith("proj_in.weight") and len(shape) == 2 for name, shape in shapes.items())
        channels = [block.channels for block in blocks]
        # A block without attention does not use its number; the middle takes that of the last block.
        depths = [block.depth or 1 for block in blocks[:-1]] + [middle or blocks[-1].depth or 1]
        return {
            "in_channels": first[1], "conditioning_channels": hint[0][1], "block_out_channels": channels,
            "conditioning_embedding_out_channels": [shape[0] for shape in hint],
            "down_block_types": ["CrossAttnDownBlock2D" if block.depth else "DownBlock2D" for block in blocks],
            "layers_per_block": blocks[0].layers, "transformer_layers_per_block": depths,
            "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
            "cross_attention_dim": words or 2048, "use_linear_projection": linear,
            "attention_head_dim": [each // HEAD_WIDTH or 1 for each in channels] if linear else HEADS_OF_SD1,
            "addition_embed_type": "text_time" if added else None, "addition_time_embed_dim": 256 if added else None,
            "projection_class_embeddings_input_dim": added[1] if added else None,
        } | _several(shapes)  # fmt: skip
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(
            f"{spoken(header.path)} is not a compatible ControlNet: its tensors are not all there."
        ) from error


def _several(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """What the config of a ControlNet of several kinds says besides; nothing of one kind."""
    if "task_embedding" not in shapes:
        return {}
    kinds, width = shapes["task_embedding"]
    return {
        "num_control_type": kinds, "num_trans_channel": width,
        "num_trans_layer": _count(shapes, r"transformer_layes\.(\d+)\."),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
        "addition_time_embed_dim": shapes["control_add_embedding.linear_1.weight"][1] // kinds,
    }  # fmt: skip


@dataclass(frozen=True)
class _Block:
    """One level of the way down: channels, residual layers, and transformer layers in each (0 without attention)."""

    channels: int
    layers: int
    depth: int


Shapes = dict[str, tuple[int, ...]]


def _blocks(shapes: Shapes) -> list[_Block]:
    return [
        _Block(
            shapes[f"down_blocks.{i}.resnets.0.conv1.weight"][0],
            _count(shapes, rf"down_blocks\.{i}\.resnets\.(\d+)\."),
            _count(shapes, rf"down_blocks\.{i}\.attentions\.0\.transformer_blocks\.(\d+)\."),
        )
        for i in range(_count(shapes, r"down_blocks\.(\d+)\."))
    ]


def _ldm_blocks(shapes: Shapes) -> list[_Block]:
    """The same from a layout that counts layers through: a level ends with the layer that halves the picture."""
    blocks: list[_Block] = []
    layers, channels, depth = 0, 0, 0
    count = _count(shapes, r"input_blocks\.(\d+)\.")
    for i in range(1, count + 1):
        if i == count or f"input_blocks.{i}.0.op.weight" in shapes:
            blocks.append(_Block(channels, layers, depth))
            layers = 0
            continue
        channels = shapes[f"input_blocks.{i}.0.in_layers.2.weight"][0]
        depth = _count(shapes, rf"input_blocks\.{i}\.1\.transformer_blocks\.(\d+)\.")
        layers += 1
    return blocks


def _hint(shapes: Shapes) -> list[tuple[int, ...]]:
    """Shapes of the convolutions that make the picture smaller, the first and each that halves it."""
    start = "controlnet_cond_embedding"
    count = _count(shapes, rf"{start}\.blocks\.(\d+)\.")
    return [shapes[f"{start}.conv_in.weight"], *(shapes[f"{start}.blocks.{i}.weight"] for i in range(1, count, 2))]


def _ldm_hint(shapes: Shapes) -> list[tuple[int, ...]]:
    places = sorted(int(name.split(".")[1]) for name in shapes if re.fullmatch(r"input_hint_block\.\d+\.weight", name))
    convolutions = [shapes[f"input_hint_block.{place}.weight"] for place in places[:-1]]  # the last one only widens
    return [convolutions[0], *convolutions[2::2]]


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the largest number that `pattern` finds at the beginning of a name; 0 for none."""
    found = (re.match(pattern, name) for name in shapes)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _said(path: Path) -> dict[str, Any]:
    """What a config.json says that shapes do not tell. Raises `UserError` for that of another network."""
    config = read_object(path)
    if config.get("_class_name") not in CLASSES:
        raise UserError(f"{spoken(path)} is that of a {config.get('_class_name')!r}, and not of a {CLASSES[0]}.")
    return {name: config[name] for name in SAID if config.get(name) is not None}


def _family(config: dict[str, Any]) -> Family:
    if config["addition_embed_type"] is not None:
        return Family.SDXL
    return Family.SD2 if config["use_linear_projection"] or config["cross_attention_dim"] == 1024 else Family.SD1
