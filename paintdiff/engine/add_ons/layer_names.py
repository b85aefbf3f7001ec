"""Which layers of a model a LoRA file speaks of, whoever trained it and however it calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.generation.model_card import Family

Layers = dict[str, nn.Module]  # by their names, with _ for every dot
_DENOISERS = (
    "lora_unet_", "lora_transformer_", "lycoris_", "unet.", "transformer.", "model.diffusion_model.",
    "diffusion_model.", "base_model.model.",
)  # fmt: skip
# A text encoder is called by its place in the checkpoint, or by what it is.
_ENCODERS = (
    (r"lora_te1?_|text_encoder\.|text_encoders\.clip_l\.transformer\.", "clip", 0),
    (r"lora_te2_|text_encoder_2\.|text_encoders\.clip_g\.transformer\.", "", 1),
    (r"lora_te3_|text_encoders\.t5xxl\.transformer\.", "t5", -1), (r"text_encoder_3\.", "", 2),
)  # fmt: skip
# What remains of the first release's names of SDXL's layers when its blocks are numbered as in diffusers.
_ALIASES = (
    (r"^input_blocks_0_0$", "conv_in"), (r"^out_2$", "conv_out"), (r"^time_embed_0$", "time_embedding_linear_1"),
    (r"^time_embed_2$", "time_embedding_linear_2"), (r"^label_emb_0_0$", "add_embedding_linear_1"),
    (r"^label_emb_0_2$", "add_embedding_linear_2"), (r"^input_blocks_", "down_blocks_"),
    (r"^middle_block_", "mid_block_"), (r"^output_blocks_", "up_blocks_"), (r"in_layers_2$", "conv1"),
    (r"out_layers_3$", "conv2"), (r"emb_layers_1$", "time_emb_proj"), (r"skip_connection$", "conv_shortcut"),
    (r"downsamplers_0_op$", "downsamplers_0_conv"),
)  # fmt: skip
# What the first releases of SD 3 and FLUX call their layers, and those of diffusers whose rows lie in it in this order.
_QKV, _ADDED = ("to_q", "to_k", "to_v"), ("add_q_proj", "add_k_proj", "add_v_proj")
_SAID_FIRST = (
    (r"double_blocks_(\d+)_img_attn_qkv", "transformer_blocks_{}_attn_", _QKV),
    (r"double_blocks_(\d+)_img_attn_proj", "transformer_blocks_{}_attn_", ("to_out_0",)),
    (r"double_blocks_(\d+)_img_mlp_0", "transformer_blocks_{}_ff_", ("net_0_proj",)),
    (r"double_blocks_(\d+)_img_mlp_2", "transformer_blocks_{}_ff_", ("net_2",)),
    (r"double_blocks_(\d+)_img_mod_lin", "transformer_blocks_{}_", ("norm1_linear",)),
    (r"double_blocks_(\d+)_txt_attn_qkv", "transformer_blocks_{}_attn_", _ADDED),
    (r"double_blocks_(\d+)_txt_attn_proj", "transformer_blocks_{}_attn_", ("to_add_out",)),
    (r"double_blocks_(\d+)_txt_mlp_0", "transformer_blocks_{}_ff_context_", ("net_0_proj",)),
    (r"double_blocks_(\d+)_txt_mlp_2", "transformer_blocks_{}_ff_context_", ("net_2",)),
    (r"double_blocks_(\d+)_txt_mod_lin", "transformer_blocks_{}_", ("norm1_context_linear",)),
    (r"single_blocks_(\d+)_linear1", "single_transformer_blocks_{}_",
     (*(f"attn_{name}" for name in _QKV), "proj_mlp")),
    (r"single_blocks_(\d+)_linear2", "single_transformer_blocks_{}_", ("proj_out",)),
    (r"single_blocks_(\d+)_modulation_lin", "single_transformer_blocks_{}_", ("norm_linear",)),
    (r"joint_blocks_(\d+)_x_block_attn_qkv", "transformer_blocks_{}_attn_", _QKV),
    (r"joint_blocks_(\d+)_x_block_attn_proj", "transformer_blocks_{}_attn_", ("to_out_0",)),
    (r"joint_blocks_(\d+)_x_block_attn2_qkv", "transformer_blocks_{}_attn2_", _QKV),
    (r"joint_blocks_(\d+)_x_block_attn2_proj", "transformer_blocks_{}_attn2_", ("to_out_0",)),
    (r"joint_blocks_(\d+)_x_block_mlp_fc1", "transformer_blocks_{}_ff_", ("net_0_proj",)),
    (r"joint_blocks_(\d+)_x_block_mlp_fc2", "transformer_blocks_{}_ff_", ("net_2",)),
    (r"joint_blocks_(\d+)_x_block_adaLN_modulation_1", "transformer_blocks_{}_", ("norm1_linear",)),
    (r"joint_blocks_(\d+)_context_block_attn_qkv", "transformer_blocks_{}_attn_", _ADDED),
    (r"joint_blocks_(\d+)_context_block_attn_proj", "transformer_blocks_{}_attn_", ("to_add_out",)),
    (r"joint_blocks_(\d+)_context_block_mlp_fc1", "transformer_blocks_{}_ff_context_", ("net_0_proj",)),
    (r"joint_blocks_(\d+)_context_block_mlp_fc2", "transformer_blocks_{}_ff_context_", ("net_2",)),
    (r"joint_blocks_(\d+)_context_block_adaLN_modulation_1", "transformer_blocks_{}_", ("norm1_context_linear",)),
    (r"x_embedder_proj", "", ("pos_embed_proj",)), (r"img_in", "", ("x_embedder",)),
    (r"txt_in", "", ("context_embedder",)), (r"final_layer_linear", "", ("proj_out",)),
    (r"final_layer_adaLN_modulation_1", "", ("norm_out_linear",)),
    (r"time_in_in_layer|t_embedder_mlp_0", "time_text_embed_timestep_embedder_", ("linear_1",)),
    (r"time_in_out_layer|t_embedder_mlp_2", "time_text_embed_timestep_embedder_", ("linear_2",)),
    (r"vector_in_in_layer|y_embedder_mlp_0", "time_text_embed_text_embedder_", ("linear_1",)),
    (r"vector_in_out_layer|y_embedder_mlp_2", "time_text_embed_text_embedder_", ("linear_2",)),
    (r"guidance_in_in_layer", "time_text_embed_guidance_embedder_", ("linear_1",)),
    (r"guidance_in_out_layer", "time_text_embed_guidance_embedder_", ("linear_2",)),
)  # fmt: skip
_SWAPPED = "adaLN_modulation_1"  # of the last: scale and shift stand the other way round in diffusers


@dataclass(frozen=True, eq=False)
class Place:
    """A layer in one of a model's networks, and which rows of what the file says are its own; none: all of them."""

    network: Any
    name: str
    layer: nn.Module
    rows: tuple[slice, ...] = ()


class LayerNames:
    """Finds layers of a model by what a file calls them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._layers = {id(each): _layers(each) for each in (parts.denoiser, *parts.text_encoders)}

    def renamed(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same tensors where kohya's names of SDXL's blocks, the first release's, are those of diffusers."""
        if self._parts.family is not Family.SDXL:
            return dict(tensors)
        from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers

        own = {key: x for key, x in tensors.items() if key.startswith("lora_unet_")}
        rest = {key: x for key, x in tensors.items() if key not in own}
        return rest | _maybe_map_sgm_blocks_to_diffusers(own, self._parts.denoiser.config)

    def places(self, name: str) -> tuple[Place, ...]:
        """The layers that the file's `name` stands for: one, several that lie in one there, or none that is here."""
        network, inside = self._network(name)
        if network is None:
            return ()
        layers = self._layers[id(network)]
        inside = inside.replace(".", "_").replace("_processor_", "_")
        for theirs, ours in _ALIASES if self._parts.family is Family.SDXL else ():
            inside = re.sub(theirs, ours, inside)
        if inside in layers:
            return (Place(network, inside, layers[inside]),)
        return _stacked(network, layers, inside)

    def _network(self, name: str) -> tuple[Any, str]:
        """The network that a name begins with, and the rest of the name."""
        encoders = self._parts.text_encoders
        for pattern, kind, place in _ENCODERS:
            match = re.match(pattern, name)
            if match is None:
                continue
            fits = -len(encoders) <= place < len(encoders)
            said = encoders[place] if fits else None
            is_t5 = said is not None and type(said).__name__.startswith("T5")
            if (kind == "t5" and not is_t5) or (kind == "clip" and is_t5):
                said = None
            return said, name[match.end() :]
        for prefix in _DENOISERS:
            if name.startswith(prefix):
                return self._parts.denoiser, name.removeprefix(prefix)
        return self._parts.denoiser, name


def _layers(network: nn.Module) -> Layers:
    """The layers that a LoRA can change, also where another one lies over them already."""
    found: Layers = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d) and ".lora_" not in name:
            plain = name.removesuffix(".base_layer").replace(".", "_")
            found[plain] = module
            found[plain.removeprefix("text_model_")] = module
            found[f"text_model_{plain}"] = module
    return found


def _stacked(network: Any, layers: Layers, name: str) -> tuple[Place, ...]:
    """The layers whose rows lie in the one that the first releases of SD 3 and FLUX call so."""
    for pattern, head, tails in _SAID_FIRST:
        match = re.fullmatch(pattern, name)
        if match is None:
            continue
        names = [head.format(*match.groups()) + tail for tail in tails]
        if not all(each in layers for each in names):
            return ()
        if len(names) == 1:
            layer = layers[names[0]]
            return (Place(network, names[0], layer, _swapped(layer) if name.endswith(_SWAPPED) else ()),)
        ends = [0]
        for each in names:
            ends.append(ends[-1] + shape_of(layers[each])[0])
        return tuple(
            Place(network, each, layers[each], (slice(ends[i], ends[i + 1]),)) for i, each in enumerate(names)
        )
    return ()


def _swapped(layer: nn.Module) -> tuple[slice, ...]:
    """Second half, first half; none for a layer of another kind, which makes more than scale and shift."""
    assert isinstance(layer, nn.Linear)
    half = layer.in_features
    return (slice(half, 2 * half), slice(0, half)) if layer.out_features == 2 * half else ()


def shape_of(layer: nn.Module) -> tuple[int, ...]:
    """The shape of the layer's weight, also where it is kept in another, as quantized ones are."""
    if isinstance(layer, nn.Linear):
        return layer.out_features, layer.in_features
    assert isinstance(layer, nn.Conv2d)
    return tuple(layer.weight.shape)
