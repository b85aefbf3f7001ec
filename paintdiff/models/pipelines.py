"""Which pipelines open, and what each of their parts may be: the names that a model_index.json may give."""

from __future__ import annotations

from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.models.header import shown

# The pipelines of each architecture; those of SD 1 and 2 share theirs.
STABLE_DIFFUSION = (
    "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline",
    "LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline",
)  # fmt: skip
STABLE_DIFFUSION_XL = (
    "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline",
)  # fmt: skip
STABLE_DIFFUSION_3 = (
    "StableDiffusion3Pipeline", "StableDiffusion3Img2ImgPipeline", "StableDiffusion3InpaintPipeline",
)  # fmt: skip
FLUX = ("FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline", "FluxFillPipeline")
PIXELS = ("DDPMPipeline", "DDIMPipeline", "PNDMPipeline", "RePaintPipeline", "ScoreSdeVePipeline")
_CLIP = ("text_encoder", "tokenizer")
NEEDED = {
    STABLE_DIFFUSION: ("unet", "vae", *_CLIP, "scheduler"),
    STABLE_DIFFUSION_XL: ("unet", "vae", *_CLIP, "text_encoder_2", "tokenizer_2", "scheduler"),
    STABLE_DIFFUSION_3: ("transformer", "vae", *_CLIP, "text_encoder_2", "tokenizer_2", "scheduler"),
    FLUX: ("transformer", "vae", *_CLIP, "text_encoder_2", "tokenizer_2", "scheduler"),
    PIXELS: ("unet", "scheduler"),
}
_SCHEDULERS = (
    "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler",
    "FlowMatchEulerDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler", "LCMScheduler", "LMSDiscreteScheduler", "PNDMScheduler", "RePaintScheduler",
    "ScoreSdeVeScheduler", "TCDScheduler", "UniPCMultistepScheduler",
)  # fmt: skip
_TEXT_ENCODERS = ("CLIPTextModel", "CLIPTextModelWithProjection", "T5EncoderModel")
_TOKENIZERS = ("CLIPTokenizer", "CLIPTokenizerFast", "T5Tokenizer", "T5TokenizerFast")
# What a component may be. Nothing else is ever looked up by the name that a file gives.
ALLOWED = {
    "unet": ("UNet2DConditionModel", "UNet2DModel"),
    "transformer": ("SD3Transformer2DModel", "FluxTransformer2DModel"),
    "vae": ("AutoencoderKL",),
    "text_encoder": _TEXT_ENCODERS[:2],
    "text_encoder_2": _TEXT_ENCODERS,
    "text_encoder_3": _TEXT_ENCODERS[2:],
    "tokenizer": _TOKENIZERS[:2],
    "tokenizer_2": _TOKENIZERS,
    "tokenizer_3": _TOKENIZERS[2:],
    "scheduler": _SCHEDULERS,
    "safety_checker": ("StableDiffusionSafetyChecker",),
    "feature_extractor": ("CLIPFeatureExtractor", "CLIPImageProcessor", "CLIPImageProcessorFast"),
    "image_encoder": ("CLIPVisionModelWithProjection",),
}


def check_index(index: dict[str, Any], where: object) -> dict[str, str]:
    """The class of each component that a model_index.json names; `where` is what to call the model in a sentence.

    Raises `UserError` for a pipeline or a component that does not open here.
    """
    pipeline = index.get("_class_name")
    needed = next((parts for names, parts in NEEDED.items() if pipeline in names), None)
    if needed is None or not isinstance(pipeline, str):
        raise UserError(f"The model in {where} is a {shown(pipeline)}, which this version cannot open.")
    components = {}
    for name, entry in index.items():
        if name.startswith("_") or not isinstance(entry, list) or entry == [None, None]:
            continue
        kind = entry[-1] if entry else None
        if kind not in ALLOWED.get(name, ()):
            named = f"{shown(kind)} as {shown(name)}"
            raise UserError(f"The model in {where} names {named}, which this version does not open.")
        components[name] = kind
    for name in needed:
        if name not in components:
            raise UserError(f"The model in {where} has no {name}.")
    return components
