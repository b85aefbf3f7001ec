"""Tiny checkpoints in one file, in the layout of the first releases: diffusers' networks under the old names."""

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from paintdiff.engine.checkpoints.clip_vocabulary import OPENAI_PAD, OPENCLIP_PAD, clip_tokenizer
from tests.tiny_checkpoints import loud, stable_diffusion_scheduler

Tensors = dict[str, Tensor]
WORDS = 64  # numbers of a word: one attention head of CLIP
LAYERS = 1  # of each block


def sd1(mask_channels: bool = False) -> dict[str, Any]:
    """The parts of an SD 1 pipeline whose shapes are those of a real one but for their widths."""
    unet = _unet(mask_channels, block_out_channels=(32, 64), attention_head_dim=8)
    return _parts(unet, [_openai()], [OPENAI_PAD])


def sd2(mask_channels: bool = False, prediction: str = "epsilon") -> dict[str, Any]:
    unet = _unet(mask_channels, block_out_channels=(64, 128), attention_head_dim=(1, 2), use_linear_projection=True)
    encoder = loud(CLIPTextModel(_text(hidden_act="gelu")))
    return _parts(unet, [encoder], [OPENCLIP_PAD], prediction_type=prediction)


def sdxl(mask_channels: bool = False, **levels: Any) -> dict[str, Any]:
    unet = _unet(
        mask_channels, block_out_channels=(64, 128), attention_head_dim=(1, 2), use_linear_projection=True,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2), cross_attention_dim=2 * WORDS, addition_embed_type="text_time",
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=6 * 256 + WORDS, sample_size=128,
    )  # fmt: skip
    second = loud(CLIPTextModelWithProjection(_text(hidden_act="gelu", projection_dim=WORDS)))
    return _parts(unet, [_openai(), second], [OPENAI_PAD, OPENCLIP_PAD], **levels)


def save_folder(parts: dict[str, Any], folder: Path) -> Path:
    """`parts` as diffusers keeps them."""
    large, inpaints = "text_encoder_2" in parts, parts["unet"].config.in_channels == 9
    if large:
        pipeline = (StableDiffusionXLInpaintPipeline if inpaints else StableDiffusionXLPipeline)(**parts)
    else:
        kind = StableDiffusionInpaintPipeline if inpaints else StableDiffusionPipeline
        pipeline = kind(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def save_single(parts: dict[str, Any], path: Path, **more: Tensor) -> Path:
    """The same weights in one file; `more` are tensors that only mark something."""
    attended = [block.startswith("CrossAttn") for block in parts["unet"].config.up_block_types]
    names = {name: _unet_name(name, attended) for name in parts["unet"].state_dict()}
    tensors = {f"model.diffusion_model.{names[name]}": t for name, t in parts["unet"].state_dict().items()}
    for name, tensor in parts["vae"].state_dict().items():
        old = vae_name(name, len(parts["vae"].config.block_out_channels))
        narrow = "attn_1" in old and tensor.ndim == 2  # its attention was made of convolutions
        tensors[f"first_stage_model.{old}"] = tensor[:, :, None, None] if narrow else tensor
    tensors |= _texts(parts)
    save_file({name: tensor.contiguous() for name, tensor in (tensors | more).items()}, path)
    return path


def _texts(parts: dict[str, Any]) -> Tensors:
    first = parts["text_encoder"]
    if "text_encoder_2" in parts:
        openai = _under("conditioner.embedders.0.transformer.text_model.", first.state_dict())
        return openai | _under("conditioner.embedders.1.model.", _open_clip(parts["text_encoder_2"]))
    if first.config.hidden_act == "gelu":
        return _under("cond_stage_model.model.", _open_clip(first, extra=True))
    return _under("cond_stage_model.transformer.text_model.", first.state_dict())


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _parts(unet: Any, encoders: list[nn.Module], pads: list[str], **levels: Any) -> dict[str, Any]:
    torch.manual_seed(12)
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32, 32), latent_channels=4, sample_size=8 * unet.config.sample_size,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        scaling_factor=0.13025 if len(encoders) == 2 else 0.18215, force_upcast=len(encoders) == 2,
    )  # fmt: skip
    parts = {"unet": unet, "vae": vae, "scheduler": stable_diffusion_scheduler(**levels)}
    for ending, encoder, pad in zip(("", "_2"), encoders, pads, strict=False):
        parts |= {f"text_encoder{ending}": encoder, f"tokenizer{ending}": clip_tokenizer(pad)}
    return parts


def _unet(mask_channels: bool, **changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(11)
    config = {
        "sample_size": 64, "in_channels": 9 if mask_channels else 4, "out_channels": 4, "layers_per_block": LAYERS,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "cross_attention_dim": WORDS,
    }  # fmt: skip
    return UNet2DConditionModel(**config | changes)


def _openai() -> CLIPTextModel:
    torch.manual_seed(13)
    return loud(CLIPTextModel(_text(hidden_act="quick_gelu")))


def _text(**changes: Any) -> CLIPTextConfig:
    config = {
        "vocab_size": 49408, "hidden_size": WORDS, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 1, "max_position_embeddings": 77, "bos_token_id": 49406, "eos_token_id": 49407,
    }  # fmt: skip
    return CLIPTextConfig(**config | changes)


_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
_TOP = {
    "conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0",
    "conv_out": "out.2",
}  # fmt: skip


def _unet_name(name: str, attended: list[bool]) -> str:
    """`attended`: which of the blocks on the way up read the prompt."""
    for new, old in _TOP.items():
        if name.startswith(f"{new}."):
            return old + name.removeprefix(new)
    layers = "resnets|attentions|downsamplers|upsamplers"
    match = re.match(rf"(down|up|mid)_blocks?(?:\.(\d+))?\.({layers})\.(\d+)\.(.*)", name)
    assert match, name
    way, block, what, number, rest = match[1], int(match[2] or 0), match[3], int(match[4]), match[5]
    if what == "resnets":
        layer, _, last = rest.partition(".")
        rest = f"{_RESNET[layer]}.{last}"
    if way == "mid":
        return f"middle_block.{ {'resnets': 2 * number, 'attentions': 1}[what]}.{rest}"
    if way == "down":
        if what == "downsamplers":
            return f"input_blocks.{(block + 1) * (LAYERS + 1)}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{block * (LAYERS + 1) + number + 1}.{int(what == 'attentions')}.{rest}"
    if what == "upsamplers":  # after the attention, where the block has one
        return f"output_blocks.{block * (LAYERS + 1) + LAYERS}.{1 + attended[block]}.{rest}"
    return f"output_blocks.{block * (LAYERS + 1) + number}.{int(what == 'attentions')}.{rest}"


_VAE = (
    (r"\.conv_norm_out\.", ".norm_out."), (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."), (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.resnets\.", ".block."), (r"\.downsamplers\.0\.", ".downsample."), (r"\.upsamplers\.0\.", ".upsample."),
    (r"\.conv_shortcut\.", ".nin_shortcut."), (r"\.group_norm\.", ".norm."), (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."), (r"\.down_blocks\.", ".down."),
)  # fmt: skip


def vae_name(name: str, levels: int) -> str:
    for new, old in _VAE:
        name = re.sub(new, old, name)
    return re.sub(r"\.up_blocks\.(\d+)\.", lambda match: f".up.{levels - 1 - int(match[1])}.", name)


_OPEN_CLIP = (
    ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
    ("self_attn.out_proj", "attn.out_proj"), ("encoder.layers.", "transformer.resblocks."),
    ("final_layer_norm", "ln_final"), ("embeddings.token_embedding", "token_embedding"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
)  # fmt: skip


def _open_clip(network: nn.Module, extra: bool = False) -> Tensors:
    """`extra`: a layer more than is read, as in the files of SD 2."""
    own = {name.removeprefix("text_model."): tensor for name, tensor in network.state_dict().items()}
    tensors = {}
    for name, tensor in own.items():
        if name == "text_projection.weight":
            tensors["text_projection"] = tensor.T
        elif ".q_proj." in name:
            parts = [own[name.replace(".q_proj.", f".{letter}_proj.")] for letter in "qkv"]
            old = name.replace("encoder.layers.", "transformer.resblocks.")
            tensors[re.sub(r"self_attn\.q_proj\.(\w+)", r"attn.in_proj_\1", old)] = torch.cat(parts)
        elif ".k_proj." not in name and ".v_proj." not in name:
            for new, old in _OPEN_CLIP:
                name = name.replace(new, old)
            tensors[name] = tensor
    if extra:
        count = network.config.num_hidden_layers
        last, more = f"resblocks.{count - 1}.", f"resblocks.{count}."
        tensors |= {name.replace(last, more): torch.randn(t.shape) for name, t in tensors.items() if last in name}
        tensors["text_projection"] = torch.randn(WORDS, WORDS)
    return tensors
