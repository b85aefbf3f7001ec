"""Tiny SD 3 and FLUX models as folders of diffusers and as single files: whole, in parts, in float8 and quantized."""

import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
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
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel

from paintdiff.engine.checkpoints.clip_vocabulary import OPENAI_PAD, OPENCLIP_PAD, clip_tokenizer
from paintdiff.engine.checkpoints.t5_vocabulary import t5_tokenizer
from tests.single_files import vae_name
from tests.tiny_checkpoints import loud

Tensors = dict[str, Tensor]
CHANNELS = 4  # of a latent
LARGE = 128  # numbers of a word of the larger CLIP
SMALL = 64
WORDS = 50_000  # more than each of the vocabularies has


def flux(fills: bool = False, guidance: bool = True) -> dict[str, Any]:
    """The parts of a FLUX pipeline whose shapes are those of a real one but for their widths."""
    torch.manual_seed(41)
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=4 * (2 * CHANNELS + 64) if fills else 4 * CHANNELS, out_channels=4 * CHANNELS,
        num_layers=2, num_single_layers=2, attention_head_dim=32, num_attention_heads=2, joint_attention_dim=SMALL,
        pooled_projection_dim=SMALL, guidance_embeds=guidance, axes_dims_rope=(4, 14, 14),
    )  # fmt: skip
    shift = {"shift": 3.0, "use_dynamic_shifting": True} if guidance else {"shift": 1.0, "use_dynamic_shifting": False}
    return {
        "transformer": loud(transformer), "vae": _vae(0.3611, 0.1159), "text_encoder": _clip(CLIPTextModel, SMALL),
        "tokenizer": clip_tokenizer(), "text_encoder_2": _t5(SMALL), "tokenizer_2": t5_tokenizer(),
        "scheduler": FlowMatchEulerDiscreteScheduler(**shift),
    }  # fmt: skip


def sd3(newer: bool = False, t5: bool = True) -> dict[str, Any]:
    """The parts of an SD 3 pipeline, or of one of SD 3.5, whose attention is normalized and partly doubled."""
    torch.manual_seed(42)
    transformer = SD3Transformer2DModel(
        sample_size=128, patch_size=2, in_channels=CHANNELS, out_channels=CHANNELS, num_layers=2,
        attention_head_dim=32 if newer else 64, num_attention_heads=2, joint_attention_dim=SMALL + LARGE,
        caption_projection_dim=64 if newer else 128, pooled_projection_dim=SMALL + LARGE, pos_embed_max_size=12,
        qk_norm="rms_norm" if newer else None, dual_attention_layers=(0,) if newer else (),
    )  # fmt: skip
    first = _clip(CLIPTextModelWithProjection, SMALL)
    first.text_projection.weight.data = torch.eye(SMALL)  # as SD 3 has it
    return {
        "transformer": loud(transformer), "vae": _vae(1.5305, 0.0609), "text_encoder": first,
        "tokenizer": clip_tokenizer(OPENAI_PAD),
        "text_encoder_2": _clip(CLIPTextModelWithProjection, LARGE, "gelu"),
        "tokenizer_2": clip_tokenizer(OPENCLIP_PAD),
        "text_encoder_3": _t5(SMALL + LARGE) if t5 else None, "tokenizer_3": t5_tokenizer() if t5 else None,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }  # fmt: skip


def save_folder(parts: dict[str, Any], folder: Path) -> Path:
    """`parts` as diffusers keeps them."""
    transformer = parts["transformer"]
    if isinstance(transformer, SD3Transformer2DModel):
        pipeline: Any = StableDiffusion3Pipeline
    else:
        fills = transformer.config.in_channels > 2 * transformer.config.out_channels
        pipeline = FluxFillPipeline if fills else FluxPipeline
    pipeline(**parts).save_pretrained(folder, safe_serialization=True)
    return folder


def save_whole(parts: dict[str, Any], path: Path) -> Path:
    """All parts in one file, as ComfyUI has them."""
    tensors = _under("model.diffusion_model.", denoiser(parts)) | _under("first_stage_model.", autoencoder(parts))
    for name, encoder in text_encoders(parts).items():
        tensors |= _under(f"text_encoders.{name}.transformer.", encoder)
    return save(tensors, path)


def save_parts(parts: dict[str, Any], models: Path, vae: str) -> None:
    """All but the denoiser as files in the folders of ComfyUI."""
    save(autoencoder(parts), models / "vae" / vae)
    for name, encoder in text_encoders(parts).items():
        save(encoder, models / "text_encoders" / f"{name}.safetensors")


def save(tensors: Tensors, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    return path


def text_encoders(parts: dict[str, Any]) -> dict[str, Tensors]:
    """Each by the name that ComfyUI has for it."""
    sd3 = "tokenizer_3" in parts
    names = {"clip_l": "text_encoder", "t5xxl": "text_encoder_3" if sd3 else "text_encoder_2"}
    names |= {"clip_g": "text_encoder_2"} if sd3 else {}
    found = {}
    for name, part in names.items():
        if parts[part] is not None:
            own = parts[part].state_dict()
            own.pop("encoder.embed_tokens.weight", None)
            plain = name != "t5xxl" and not any(each.startswith("text_model.") for each in own)
            found[name] = _under("text_model.", own) if plain else dict(own)
    return found


def autoencoder(parts: dict[str, Any]) -> Tensors:
    """By the names of the first releases."""
    tensors = {}
    for name, tensor in parts["vae"].state_dict().items():
        old = vae_name(name, len(parts["vae"].config.block_out_channels))
        narrow = "attn_1" in old and tensor.ndim == 2  # its attention was made of convolutions
        tensors[old] = tensor[:, :, None, None] if narrow else tensor
    return tensors


def denoiser(parts: dict[str, Any]) -> Tensors:
    """By the names of the first releases."""
    own = dict(parts["transformer"].state_dict())
    is_sd3 = isinstance(parts["transformer"], SD3Transformer2DModel)
    tensors: Tensors = {}
    for name in list(own):
        if name not in own:
            continue
        layer, _, ending = name.rpartition(".")
        for third, (pieces, old) in (_SD3_JOINED if is_sd3 else _FLUX_JOINED).items():
            match = re.fullmatch(third, layer)
            if match:
                joined = [own.pop(f"{match[1]}.{piece}.{ending}") for piece in pieces]
                tensors[f"{_block(match[1], is_sd3)}.{old}.{ending}"] = torch.cat(joined)
                break
        else:
            new = _one(layer, is_sd3, parts["transformer"].config.num_layers)
            tensor = own.pop(name)
            if new.endswith("/"):
                first, second = tensor.chunk(2)
                new, tensor = new[:-1], torch.cat([second, first])
            ending = "scale" if "_norm" in new and not is_sd3 else ending
            tensors["pos_embed" if name == "pos_embed.pos_embed" else f"{new}.{ending}"] = tensor
    return tensors


def in_float8(tensors: Tensors) -> Tensors:
    return {name: tensor.to(torch.float8_e4m3fn) for name, tensor in tensors.items()}


def save_gguf(tensors: Tensors, path: Path, kind: str = "Q8_0", architecture: str = "flux") -> Path:
    """Matrices in blocks of `kind`, where their rows are made of such; written by the package of those who made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    quantized = gguf.GGMLQuantizationType[kind]
    block = gguf.GGML_QUANT_SIZES[quantized][0]
    for name, tensor in tensors.items():
        values = tensor.float().numpy()
        if tensor.ndim == 2 and tensor.shape[1] % block == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, quantized), raw_dtype=quantized)
        else:
            writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def rounded(tensors: Tensors, kind: str = "Q8_0") -> Tensors:
    """What `save_gguf` makes of the numbers, in which diffusers computes with float16."""
    quantized = gguf.GGMLQuantizationType[kind]
    block = gguf.GGML_QUANT_SIZES[quantized][0]
    changed = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and tensor.shape[1] % block == 0:
            blocks = gguf.quants.quantize(tensor.float().numpy(), quantized)
            tensor = torch.from_numpy(gguf.quants.dequantize(blocks, quantized).reshape(tensor.shape)).half().float()
        changed[name] = tensor
    return changed


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _vae(scale: float, shift: float) -> AutoencoderKL:
    torch.manual_seed(43)
    return AutoencoderKL(
        block_out_channels=(32, 32, 32, 32), latent_channels=CHANNELS, sample_size=1024,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=scale,
        shift_factor=shift, use_quant_conv=False, use_post_quant_conv=False, force_upcast=True,
    )  # fmt: skip


def _clip(kind: Any, width: int, act: str = "quick_gelu") -> Any:
    torch.manual_seed(width)
    config = CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=32, num_hidden_layers=2, projection_dim=width,
        num_attention_heads=width // 64, max_position_embeddings=77, bos_token_id=49406, eos_token_id=49407,
        hidden_act=act,
    )  # fmt: skip
    return loud(kind(config))


def _t5(width: int) -> Any:
    torch.manual_seed(44)
    config = T5Config(
        vocab_size=32_128, d_model=width, d_kv=16, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    return loud(T5EncoderModel(config))


_Q = ("attn.to_q", "attn.to_k", "attn.to_v")
_A = ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
_FLUX_JOINED = {
    r"(transformer_blocks\.\d+)\.attn\.to_q": (_Q, "img_attn.qkv"),
    r"(transformer_blocks\.\d+)\.attn\.add_q_proj": (_A, "txt_attn.qkv"),
    r"(single_transformer_blocks\.\d+)\.attn\.to_q": ((*_Q, "proj_mlp"), "linear1"),
    # found by what comes first in the network
    r"(transformer_blocks\.\d+)\.attn\.add_k_proj": (_A, "txt_attn.qkv"),
    r"(single_transformer_blocks\.\d+)\.proj_mlp": ((*_Q, "proj_mlp"), "linear1"),
}
_SD3_JOINED = {
    r"(transformer_blocks\.\d+)\.attn\.to_q": (_Q, "x_block.attn.qkv"),
    r"(transformer_blocks\.\d+)\.attn\.add_[qkv]_proj": (_A, "context_block.attn.qkv"),
    r"(transformer_blocks\.\d+)\.attn2\.to_q": (
        tuple(name.replace("attn", "attn2") for name in _Q), "x_block.attn2.qkv"
    ),
}  # fmt: skip
_ONES = {
    False: {
        "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
        "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
        "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
        "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
        "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
        "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer", "context_embedder": "txt_in",
        "x_embedder": "img_in", "proj_out": "final_layer.linear", "norm_out.linear": "final_layer.adaLN_modulation.1/",
        "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin",
        "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
        "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
        "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj", "ff.net.0.proj": "img_mlp.0",
        "ff.net.2": "img_mlp.2", "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
        "single:norm.linear": "modulation.lin", "single:proj_out": "linear2",
        "single:attn.norm_q": "norm.query_norm", "single:attn.norm_k": "norm.key_norm",
    },
    True: {
        "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
        "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
        "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
        "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2", "context_embedder": "context_embedder",
        "pos_embed": "pos_embed", "pos_embed.proj": "x_embedder.proj", "proj_out": "final_layer.linear",
        "norm_out.linear": "final_layer.adaLN_modulation.1/", "norm1.linear": "x_block.adaLN_modulation.1",
        "norm1_context.linear": "context_block.adaLN_modulation.1",
        "attn.norm_q": "x_block.attn.ln_q", "attn.norm_k": "x_block.attn.ln_k",
        "attn.norm_added_q": "context_block.attn.ln_q", "attn.norm_added_k": "context_block.attn.ln_k",
        "attn2.norm_q": "x_block.attn2.ln_q", "attn2.norm_k": "x_block.attn2.ln_k",
        "attn.to_out.0": "x_block.attn.proj", "attn.to_add_out": "context_block.attn.proj",
        "attn2.to_out.0": "x_block.attn2.proj", "ff.net.0.proj": "x_block.mlp.fc1", "ff.net.2": "x_block.mlp.fc2",
        "ff_context.net.0.proj": "context_block.mlp.fc1", "ff_context.net.2": "context_block.mlp.fc2",
    },
}  # fmt: skip


def _block(name: str, is_sd3: bool) -> str:
    number = name.rsplit(".", 1)[1]
    single = name.startswith("single")
    return f"{'joint_blocks' if is_sd3 else 'single_blocks' if single else 'double_blocks'}.{number}"


def _one(layer: str, is_sd3: bool, blocks: int) -> str:
    """The old name of a layer that is no part of another one; "/" at its end: its halves change places."""
    match = re.fullmatch(r"((?:single_)?transformer_blocks\.(\d+))\.(.+)", layer)
    if match is None:
        return _ONES[is_sd3][layer]
    single = "single:" if layer.startswith("single") else ""
    last = is_sd3 and match[3] == "norm1_context.linear" and int(match[2]) == blocks - 1
    return f"{_block(match[1], is_sd3)}.{_ONES[is_sd3][single + match[3]]}{'/' if last else ''}"
