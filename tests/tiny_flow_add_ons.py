"""Tiny random LoRAs for SD 3 and FLUX, in the layouts of diffusers, of kohya's trainer and of the first releases."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

RANK, ALPHA = 3, 2.0
_JOINT = {
    "to_out.0": "x_block.attn.proj", "to_add_out": "context_block.attn.proj", "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2", "ff_context.net.0.proj": "context_block.mlp.fc1",
    "norm1.linear": "x_block.adaLN_modulation.1",
}  # fmt: skip
_DOUBLE = {
    "to_out.0": "img_attn.proj", "to_add_out": "txt_attn.proj", "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0", "norm1.linear": "img_mod.lin",
}  # fmt: skip
Pairs = dict[str, tuple[Tensor, Tensor]]  # down and up, with alpha over rank in up, by a layer's name


def tiny_flow_lora(file: Path, transformer: nn.Module, texts: tuple[nn.Module, ...] = (), layout: str = "kohya",
                   seed: int = 1, single: bool = True) -> Path:  # fmt: skip
    """One LoRA, the same numbers in each layout: "diffusers", "kohya" (alphas) or "comfy" (dots, alphas).

    It changes every attention, the layers behind them, what FLUX's single blocks read (unless not `single`) and, in the
    text encoders, what attends.
    """
    g = torch.Generator().manual_seed(seed)
    flux = "single_transformer_blocks.0.proj_out" in dict(transformer.named_modules())
    tensors: dict[str, Tensor] = {}
    for block, names in _blocks(transformer, flux, single).items():
        for theirs, ours in names.items():
            layers = [transformer.get_submodule(each) for each in ours]
            down = torch.randn(RANK, layers[0].in_features, generator=g) * 0.3
            up = torch.randn(sum(each.out_features for each in layers), RANK, generator=g) * 0.3
            if layout == "diffusers":
                rows = torch.split(up * ALPHA / RANK, [each.out_features for each in layers])
                for name, part in zip(ours, rows, strict=True):
                    tensors |= _pair(f"transformer.{name}", down, part, "lora_A", "lora_B")
                continue
            name = f"{block}.{theirs}".strip(".")
            kohya = f"lora_unet_{name.replace('.', '_')}"
            tensors |= _alphas(kohya if layout == "kohya" else f"diffusion_model.{name}", down, up, layout)
    for place, encoder in enumerate(texts):
        for name, layer in encoder.named_modules():
            if not isinstance(layer, nn.Linear) or not name.endswith(("q_proj", "v_proj", "out_proj")):
                continue
            name = f"text_model.{name.removeprefix('text_model.')}"
            down = torch.randn(RANK, layer.in_features, generator=g) * 0.3
            up = torch.randn(layer.out_features, RANK, generator=g) * 0.3
            if layout == "diffusers":
                head = ("text_encoder", "text_encoder_2")[place]
                tensors |= _pair(f"{head}.{name}", down, up * ALPHA / RANK, "lora_A", "lora_B")
                continue
            kohya = f"lora_te{place + 1}_{name.replace('.', '_')}"
            comfy = f"text_encoders.{('clip_l', 'clip_g')[place]}.transformer.{name}"
            tensors |= _alphas(kohya if layout == "kohya" else comfy, down, up, layout)
    save_file({name: x.contiguous().clone() for name, x in tensors.items()}, file)
    return file


def _blocks(transformer: nn.Module, flux: bool, single: bool) -> dict[str, dict[str, tuple[str, ...]]]:
    """By block of the first releases: what they call a layer, and diffusers' layers whose rows lie in it."""
    there = {name for name, module in transformer.named_modules() if isinstance(module, nn.Linear)}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for i in range(2):
        own = f"transformer_blocks.{i}"
        if f"{own}.attn.to_q" not in there:
            continue
        heads = ("img_attn.qkv", "txt_attn.qkv") if flux else ("x_block.attn.qkv", "context_block.attn.qkv")
        names = {
            heads[0]: tuple(f"{own}.attn.to_{each}" for each in "qkv"),
            heads[1]: tuple(f"{own}.attn.add_{each}_proj" for each in "qkv"),
        }
        for ours, theirs in (_DOUBLE if flux else _JOINT).items():
            whole = f"{own}.attn.{ours}" if ours.startswith("to_") else f"{own}.{ours}"
            if whole in there:
                names[theirs] = (whole,)
        found[f"{'double' if flux else 'joint'}_blocks.{i}"] = names
    if flux and single:
        own = "single_transformer_blocks.0"
        linear1 = *(f"{own}.attn.to_{each}" for each in "qkv"), f"{own}.proj_mlp"
        found["single_blocks.0"] = {"linear1": linear1, "linear2": (f"{own}.proj_out",)}
    found[""] = {"final_layer.linear": ("proj_out",)}
    return found


def _pair(name: str, down: Tensor, up: Tensor, first: str, second: str) -> dict[str, Tensor]:
    return {f"{name}.{first}.weight": down, f"{name}.{second}.weight": up}


def _alphas(name: str, down: Tensor, up: Tensor, layout: str) -> dict[str, Tensor]:
    halves = ("lora_down", "lora_up") if layout == "kohya" else ("lora_A", "lora_B")
    return _pair(name, down, up, *halves) | {f"{name}.alpha": torch.tensor(ALPHA)}
