"""Tiny random LoRAs, embeddings and autoencoders in the layouts that people share them in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

RANK = 3


def tiny_lora(
    file: Path, unet: nn.Module, texts: tuple[nn.Module, ...] = (), layout: str = "kohya", seed: int = 1
) -> Path:
    """A LoRA for every attention layer of the networks, in the layout "kohya", "diffusers" or "peft" (the U-Net alone).

    That of kohya has alphas, which are not its rank.
    """
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for place, network in enumerate((unet, *texts)):
        for name, layer in _adapted(network, "to_" if place == 0 else "_proj"):
            down, up = torch.randn(RANK, layer.shape[1], generator=generator), torch.randn(
                layer.shape[0], RANK, generator=generator
            )
            tensors |= _named(layout, place, len(texts), name, down * 0.3, up * 0.3)
    save_file({name: x.contiguous() for name, x in tensors.items()}, file)
    return file


def _adapted(network: nn.Module, mark: str) -> Iterator[tuple[str, Tensor]]:
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear) and mark in name and ("attn" in name):
            yield name, module.weight


def _named(layout: str, place: int, encoders: int, name: str, down: Tensor, up: Tensor) -> dict[str, Tensor]:
    if layout == "kohya":
        head = "lora_unet" if place == 0 else "lora_te" if encoders == 1 else f"lora_te{place}"
        path = name if place == 0 else f"text_model.{name.removeprefix('text_model.')}"
        stem = f"{head}_{path.replace('.', '_')}"
        return {
            f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up, f"{stem}.alpha": torch.tensor(RANK / 2.0)
        }  # fmt: skip
    head = "unet" if place == 0 else "text_encoder" if place == 1 else "text_encoder_2"
    path = name if place == 0 else f"text_model.{name.removeprefix('text_model.')}"
    if layout == "peft":
        head, path = "base_model.model", name
    return {f"{head}.{path}.lora_A.weight": down, f"{head}.{path}.lora_B.weight": up}


def tiny_lycoris(file: Path, unet: nn.Module, text: nn.Module, kind: str = "loha") -> Path:
    """A LoHa or LoKr ("lokr") for every layer of U-Net and text encoder, in LyCORIS's names."""
    generator, tensors = torch.Generator().manual_seed(6), {}
    for head, network in (("lora_unet", unet), ("lora_te_text_model", text)):
        for name, layer in network.named_modules():
            if not isinstance(layer, nn.Linear | nn.Conv2d):
                continue
            stem, (out, *inputs) = f"{head}_{name.replace('.', '_')}", layer.weight.shape
            width, halves = torch.Size(inputs).numel(), 2 if inputs[0] % 2 == 0 else 1
            shapes: dict[str, tuple[int, ...]] = {"lokr_w1": (2, halves)}
            shapes["lokr_w2"] = (out // 2, inputs[0] // halves, *inputs[1:])
            if kind == "loha":
                shapes = {f"hada_w{i}_{side}": (out, 2) if side == "a" else (2, width) for i in (1, 2) for side in "ab"}
            tensors |= {f"{stem}.{key}": torch.randn(shape, generator=generator) * 0.2 for key, shape in shapes.items()}
            tensors[f"{stem}.alpha"] = torch.tensor(1.0)
    save_file(tensors, file)
    return file


def tiny_embedding(file: Path, layout: str, widths: tuple[int, ...], count: int = 2, seed: int = 1) -> Path:
    """`count` vectors of textual inversion as "a1111" (emb_params), "diffusers" (the word), "sdxl" (of each width)."""
    generator = torch.Generator().manual_seed(seed)
    vectors = [torch.randn(count, width, generator=generator) for width in widths]
    names: dict[str, Any] = {
        "a1111": ["emb_params"], "diffusers": [f"<{file.stem}>"], "sdxl": ["clip_l", "clip_g"]
    }  # fmt: skip
    save_file(dict(zip(names[layout], vectors, strict=True)), file)
    return file
