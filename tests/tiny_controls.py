"""Tiny random ControlNets and IP-Adapters for the tiny checkpoints, saved as people keep them."""

import inspect
from pathlib import Path

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from tests.tiny_checkpoints import loud

HINT = (8, 8, 16)  # two halvings, as many as the tiny autoencoders make
EMBEDDING, PATCH_WIDTH, TOKENS = 10, 16, 4


def tiny_controlnet(folder: Path, checkpoint: Path, seed: int = 7) -> Path:
    """A diffusers folder with a ControlNet for the U-Net of `checkpoint`, which has a clear say."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel.from_pretrained(checkpoint, subfolder="unet")
    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINT, load_weights_from_unet=False)
    if unet.config.in_channels != 4:
        network = ControlNetModel.from_config(dict(network.config) | {"in_channels": 4})
    loud(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    network.save_pretrained(folder)
    return folder


def tiny_union(folder: Path, checkpoint: Path, kinds: int = 8) -> Path:
    """A diffusers folder with a ControlNet of several kinds for the SDXL U-Net of `checkpoint`."""
    torch.manual_seed(27)
    unet = UNet2DConditionModel.from_pretrained(checkpoint, subfolder="unet")
    known = inspect.signature(ControlNetUnionModel.__init__).parameters
    own = {name: value for name, value in unet.config.items() if name in known}
    width = unet.config.block_out_channels[0]
    network = ControlNetUnionModel(
        **own | {"in_channels": 4, "conditioning_embedding_out_channels": HINT, "num_control_type": kinds,
                 "num_trans_channel": width, "num_proj_channel": width, "num_trans_head": 2}
    )  # fmt: skip
    loud(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    network.save_pretrained(folder)
    return folder


def tiny_ip_adapter(folder: Path, checkpoint: Path, plus: bool = False) -> Path:
    """`folder`/ip-adapter.safetensors for the U-Net of `checkpoint`, with its image encoder beside it."""
    generator = torch.Generator().manual_seed(8)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    unet = UNet2DConditionModel.from_pretrained(checkpoint, subfolder="unet")
    words = unet.config.cross_attention_dim
    weights = _plus_projection(random, words) if plus else {
        "image_proj.proj.weight": random(TOKENS * words, EMBEDDING), "image_proj.proj.bias": random(TOKENS * words),
        "image_proj.norm.weight": random(words), "image_proj.norm.bias": random(words),
    }  # fmt: skip
    number = 1
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            width = unet.get_submodule(name.removesuffix(".processor")).to_q.out_features
            weights[f"ip_adapter.{number}.to_k_ip.weight"] = random(width, words)
            weights[f"ip_adapter.{number}.to_v_ip.weight"] = random(width, words)
            number += 2
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip-adapter.safetensors")
    tiny_image_encoder(folder / "image_encoder")
    return folder / "ip-adapter.safetensors"


def tiny_image_encoder(folder: Path, projection: int = EMBEDDING) -> Path:
    torch.manual_seed(9)
    config = CLIPVisionConfig(
        hidden_size=PATCH_WIDTH, intermediate_size=20, num_hidden_layers=3, num_attention_heads=2, image_size=32,
        patch_size=8, projection_dim=projection,
    )  # fmt: skip
    loud(CLIPVisionModelWithProjection(config)).save_pretrained(folder)
    return folder


def _plus_projection(random, words: int) -> dict[str, torch.Tensor]:
    """A resampler of four layers with one head of 64, as the "plus" adapters have with twelve."""
    inner, hidden = 64, 24
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, TOKENS, hidden), "proj_in.weight": (hidden, PATCH_WIDTH), "proj_in.bias": (hidden,),
        "proj_out.weight": (words, hidden), "proj_out.bias": (words,), "norm_out.weight": (words,),
        "norm_out.bias": (words,),
    }  # fmt: skip
    for i in range(4):
        attention, forward = f"layers.{i}.0", f"layers.{i}.1"
        for norm in ("norm1", "norm2"):
            shapes |= {f"{attention}.{norm}.weight": (hidden,), f"{attention}.{norm}.bias": (hidden,)}
        shapes |= {
            f"{attention}.to_q.weight": (inner, hidden), f"{attention}.to_kv.weight": (2 * inner, hidden),
            f"{attention}.to_out.weight": (hidden, inner), f"{forward}.0.weight": (hidden,),
            f"{forward}.0.bias": (hidden,), f"{forward}.1.weight": (4 * hidden, hidden),
            f"{forward}.3.weight": (hidden, 4 * hidden),
        }  # fmt: skip
    return {f"image_proj.{name}": random(*shape) for name, shape in shapes.items()}
