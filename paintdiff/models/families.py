"""What a weights file is, told from the names and shapes of its tensors: the family, and which part of a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from paintdiff.generation.model_card import Family
from paintdiff.models.header import Header

LDM = "model.diffusion_model."  # where a checkpoint of one file keeps its denoiser


class Part(StrEnum):
    """Which part of a model a file holds; the values are words for a sentence."""

    WHOLE = "checkpoint"
    DENOISER = "denoiser"
    LORA = "LoRA"
    VAE = "autoencoder"
    TINY_VAE = "tiny autoencoder"
    EMBEDDING = "textual inversion"
    CONTROLNET = "ControlNet"
    IP_ADAPTER = "IP-Adapter"
    TEXT_ENCODER = "text encoder"
    REFINER = "refiner"
    SAFETY_CHECKER = "safety checker"
    UNKNOWN = "unknown"


class Layout(StrEnum):
    """Whose names the tensors have: those of the first releases (A1111, ComfyUI), of diffusers, or of LoRA trainers."""

    LDM = "LDM"
    DIFFUSERS = "diffusers"
    KOHYA = "kohya"
    PEFT = "peft"
    OTHER = ""


@dataclass(frozen=True)
class Kind:
    """What a file is. `inpaints`: its denoiser reads a mask and the masked picture.

    `predicts` is "epsilon", "v_prediction", "flow", or "" where nothing tells: SD 2 comes with either of the first two
    in the same shapes. `few_steps` is LCM, Turbo, Hyper, Lightning or ""; `side` the pixels it was trained at, 0 if
    not known; `zero_snr`: it says that its last noise level is pure noise.
    """

    part: Part
    family: Family = Family.UNKNOWN
    layout: Layout = Layout.OTHER
    inpaints: bool = False
    predicts: str = ""
    few_steps: str = ""
    side: int = 0
    zero_snr: bool = False


def identify(header: Header) -> Kind:
    """What the file is; `Part.UNKNOWN` where nothing tells. Takes the names and shapes at their word."""
    names = header.tensors
    if any(mark in name for name in names for mark in _ADAPTED) or _any_starts(header, *_KOHYA):
        return _lora(header)
    if any(name.startswith("ip_adapter.") or ".to_k_ip." in name for name in names):
        return Kind(Part.IP_ADAPTER, _by_context(_width(header, "to_k_ip.weight")))
    if _any_starts(header, "controlnet_", "control_model.", "input_hint_block.", "zero_convs."):
        ldm = _any_starts(header, "control_model.", "input_hint_block.", "zero_convs.")
        return Kind(Part.CONTROLNET, _unet_family(header), Layout.LDM if ldm else Layout.DIFFUSERS)
    for prefix in (LDM, ""):
        denoiser = _ldm_denoiser(header, prefix)
        if denoiser is not None:
            return denoiser
    return _diffusers_denoiser(header) or _small_part(header)


def few_steps(name: str) -> str:
    """LCM, Turbo, Hyper or Lightning where a file or model name says so, else ""."""
    lowered = name.lower()
    for word, pattern in _FEW_STEPS.items():
        if re.search(pattern, lowered):
            return word
    return ""


def predicts_v(name: str) -> bool:
    """Whether a file or model name says that the network predicts v."""
    return re.search(r"v[-_ ]?pred|768[-_ ]?v(?![a-z])|v2-1_768", name.lower()) is not None


_ADAPTED = (
    ".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".lora.down.", ".lora.up.", "_lora.down.", "_lora.up.",
    ".hada_w1_a", ".lokr_w1", ".lora_linear_layer.", "_lora1.down.", "_lora2.down.",
)  # fmt: skip
_FEW_STEPS = {
    "LCM": r"lcm", "Lightning": r"lightning", "Turbo": r"turbo",
    "Hyper": r"(?<![a-z])hyper(?![a-z])|hyper-?sd",
}  # fmt: skip
_KOHYA = ("lora_unet_", "lora_te_", "lora_te1_", "lora_te2_", "lora_te3_", "lycoris_")
_BY_WIDTH = {3072: Family.FLUX, 1536: Family.SD3, 2432: Family.SD3}  # numbers of a token, by which alone they differ
_SIDES = {Family.SD1: 512, Family.SDXL: 1024, Family.SD3: 1024, Family.FLUX: 1024}
# Words that tools write into the metadata of what they save (modelspec.architecture, ss_base_model_version).
_NAMED = (
    ("stable-diffusion-xl", Family.SDXL), ("sdxl", Family.SDXL), ("stable-diffusion-v3", Family.SD3),
    ("stable-diffusion-3", Family.SD3), ("sd3", Family.SD3), ("flux", Family.FLUX),
    ("stable-diffusion-v2", Family.SD2), ("sd_v2", Family.SD2), ("stable-diffusion-v1", Family.SD1),
    ("sd_v1", Family.SD1),
)  # fmt: skip


def _lora(header: Header) -> Kind:
    names = header.tensors
    kohya = _any_starts(header, *_KOHYA)
    layout = Layout.KOHYA if kohya else Layout.PEFT
    family = _named_family(header)
    if family is Family.UNKNOWN:
        if any(mark in name for name in names for mark in ("double_blocks", "single_blocks", "single_transformer_")):
            family = Family.FLUX
        elif any("joint_blocks" in name for name in names):
            family = Family.SD3
        elif _any_starts(header, "transformer.transformer_blocks", "lora_transformer_transformer_blocks"):
            widths = {tensor.shape[-1] for name, tensor in names.items() if "attn" in name and "to_q" in name}
            family = next((each for width, each in _BY_WIDTH.items() if width in widths), Family.UNKNOWN)
        elif any(name.startswith(("lora_te2_", "text_encoder_2.")) for name in names):
            family = Family.SDXL
        else:
            family = _by_context(_adapted_width(header))
    return Kind(Part.LORA, family, layout, few_steps=_few_steps_of(header), side=_SIDES.get(family, 0))


def _adapted_width(header: Header) -> int:
    """How many numbers a word has for the layer that a LoRA adapts; 0 where it adapts none that reads words."""
    layer = re.compile(r"attn2[._](processor\.)?to_k")
    half = re.compile(r"lora_down|lora_A|lora\.down|layer\.down|hada_w1_b")
    for name, tensor in header.tensors.items():
        if len(tensor.shape) > 1 and layer.search(name) and half.search(name):
            return tensor.shape[1]
    return 0


def _ldm_denoiser(header: Header, prefix: str) -> Kind | None:
    """The denoiser under `prefix` in the layout of the first releases, if there is one."""
    whole = _any_starts(header, "first_stage_model.", "vae.") and _any_starts(
        header, "cond_stage_model.", "conditioner.", "text_encoders."
    )
    part = Part.WHOLE if whole else Part.DENOISER
    first = header.shape(f"{prefix}input_blocks.0.0.weight")
    if len(first) == 4:
        family, last = _unet_family(header), header.shape(f"{prefix}out.2.weight")
        if family is Family.UNKNOWN:
            return None
        if family is Family.SDXL and _width(header, "attn2.to_k.weight") == 1280:
            part = Part.REFINER
        return _unet(header, part, family, Layout.LDM, first[1], last[0] if last else 4)
    if _any_starts(header, f"{prefix}double_blocks."):
        inputs, outputs = header.shape(f"{prefix}img_in.weight"), header.shape(f"{prefix}final_layer.linear.weight")
        return _transformer(header, part, Family.FLUX, Layout.LDM, inputs, outputs)
    if _any_starts(header, f"{prefix}joint_blocks."):
        return _transformer(header, part, Family.SD3, Layout.LDM)
    return None


def _diffusers_denoiser(header: Header) -> Kind | None:
    first, last = header.shape("conv_in.weight"), header.shape("conv_out.weight")
    if len(first) == 4 and _any_starts(header, "down_blocks.", "mid_block."):
        family = _unet_family(header)
        if family is Family.UNKNOWN:
            return Kind(Part.DENOISER, Family.PIXELS if first[1] == 3 else Family.UNKNOWN, Layout.DIFFUSERS)
        part = Part.REFINER if family is Family.SDXL and _width(header, "attn2.to_k.weight") == 1280 else Part.DENOISER
        return _unet(header, part, family, Layout.DIFFUSERS, first[1], last[0] if last else 4)
    inputs, outputs = header.shape("x_embedder.weight"), header.shape("proj_out.weight")
    if _any_starts(header, "single_transformer_blocks.") and len(inputs) == 2:
        return _transformer(header, Part.DENOISER, Family.FLUX, Layout.DIFFUSERS, inputs, outputs)
    if _any_starts(header, "transformer_blocks.") and "pos_embed.proj.weight" in header.tensors:
        return _transformer(header, Part.DENOISER, Family.SD3, Layout.DIFFUSERS)
    return None


def _unet(header: Header, part: Part, family: Family, layout: Layout, inputs: int, outputs: int) -> Kind:
    inpaints = inputs == 2 * outputs + 1
    predicts = _predicts(header) or ("epsilon" if inpaints or family is not Family.SD2 else "")
    side = _SIDES.get(family, 768 if predicts == "v_prediction" else 512)
    return Kind(
        part, family, layout, inpaints, predicts, _few_steps_of(header), side, zero_snr="ztsnr" in header.tensors
    )


def _transformer(
    header: Header, part: Part, family: Family, layout: Layout, inputs: tuple[int, ...] = (),
    outputs: tuple[int, ...] = (),
) -> Kind:
    """A flow model; one that fills masks reads more than it writes (FLUX Fill: 384 numbers a cell, and 64)."""
    fills = len(inputs) == 2 and len(outputs) == 2 and inputs[1] > 2 * outputs[0]
    return Kind(part, family, layout, fills, "flow", _few_steps_of(header), _SIDES[family])


def _small_part(header: Header) -> Kind:
    names = header.tensors
    if {"emb_params", "clip_l", "clip_g"} & set(names) or (
        len(names) == 1 and all("." not in name and len(tensor.shape) in (1, 2) for name, tensor in names.items())
    ):
        width = max((tensor.shape[-1] for tensor in names.values() if tensor.shape), default=0)
        return Kind(Part.EMBEDDING, Family.SDXL if "clip_g" in names else _by_context(width))
    if any("token_embedding." in name or ".SelfAttention." in name for name in names):
        return Kind(Part.TEXT_ENCODER)
    if "concept_embeds" in names:
        return Kind(Part.SAFETY_CHECKER)
    if _any_starts(header, "first_stage_model.", "encoder.down.", "decoder.up."):
        return Kind(Part.VAE, layout=Layout.LDM)
    if _any_starts(header, "encoder.down_blocks.", "decoder.up_blocks."):
        return Kind(Part.VAE, layout=Layout.DIFFUSERS)
    if _any_starts(header, "encoder.layers.", "decoder.layers.", "taesd_"):
        return Kind(Part.TINY_VAE, layout=Layout.DIFFUSERS)
    return Kind(Part.UNKNOWN)


def _unet_family(header: Header) -> Family:
    """Of a U-Net that reads words, or the copy of one in a ControlNet.

    Told from how it is built, not how large it is: SDXL is told the size of the picture, SD 2 projects linearly, SD 1
    by convolutions.
    """
    if not any("attn2.to_k.weight" in name for name in header.tensors):
        return Family.UNKNOWN
    if any("label_emb." in name or "add_embedding." in name for name in header.tensors):
        return Family.SDXL
    projections = [len(tensor.shape) for name, tensor in header.tensors.items() if name.endswith("proj_in.weight")]
    return Family.SD2 if projections and min(projections) == 2 else Family.SD1


def _by_context(width: int) -> Family:
    """Whose text encoder gives `width` numbers for a word."""
    return {768: Family.SD1, 1024: Family.SD2, 1280: Family.SDXL, 2048: Family.SDXL}.get(width, Family.UNKNOWN)


def _width(header: Header, ending: str) -> int:
    """The last axis of the first tensor whose name ends so, 0 for none."""
    shapes = (tensor.shape for name, tensor in header.tensors.items() if name.endswith(ending))
    return next((shape[-1] for shape in shapes if shape), 0)


def _any_starts(header: Header, *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name in header.tensors)


def _words(header: Header) -> Iterator[str]:
    """What the file is called, by whoever saved it and by whoever keeps it."""
    yield header.path.name
    for key in ("modelspec.title", "ss_output_name", "ss_sd_model_name"):
        yield header.metadata.get(key, "")[:1000]


def _few_steps_of(header: Header) -> str:
    if "time_embedding.cond_proj.weight" in header.tensors:  # reads how strong its guidance is: distilled as LCM is
        return "LCM"
    return next((word for word in map(few_steps, _words(header)) if word), "")


def _predicts(header: Header) -> str:
    """What the network predicts, as far as the file says; "" where it does not."""
    said = header.metadata.get("modelspec.prediction_type", "").lower()
    if said in ("v", "v_prediction", "v-prediction") or "v_pred" in header.tensors:
        return "v_prediction"
    if said in ("epsilon", "eps"):
        return "epsilon"
    return "v_prediction" if any(map(predicts_v, _words(header))) else ""


def _named_family(header: Header) -> Family:
    for key in ("modelspec.architecture", "ss_base_model_version"):
        said = header.metadata.get(key, "").lower()
        for word, family in _NAMED:
            if word in said:
                return family
    return Family.UNKNOWN
