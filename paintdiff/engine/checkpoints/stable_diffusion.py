"""Checkpoints of the Stable Diffusion 1, 2 and XL families, base and inpaint, as models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from paintdiff.engine.checkpoints.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoints.checkpoint import Checkpoint, prepare_libraries
from paintdiff.engine.checkpoints.clip_text import ClipText
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.prompt_weighting import TextReader
from paintdiff.engine.checkpoints.unet_call import UNetCall
from paintdiff.engine.denoiser import Predicts
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import discrete
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.families import few_steps
from paintdiff.models.pipelines import STABLE_DIFFUSION_XL
from paintdiff.models.usual import usual_sampling

PREDICTIONS: dict[str, Predicts] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}
# Inputs of a UNet2DConditionModel that no checkpoint of these families has.
MORE_INPUTS = ("class_embed_type", "num_class_embeds", "encoder_hid_dim_type")
SIZES = 6  # numbers that SDXL is told of a picture


def load_stable_diffusion(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for parts that are missing, damaged or do not belong together."""
    large = checkpoint.pipeline in STABLE_DIFFUSION_XL
    encoders = ("text_encoder", "text_encoder_2") if large else ("text_encoder",)
    where, unet = f"The model in {checkpoint.folder}", checkpoint.config("unet")
    if checkpoint.components["unet"] != "UNet2DConditionModel":
        raise UserError(f"{where} has a {checkpoint.components['unet']} as its unet, which reads no prompt.")
    check_configs(where, unet, checkpoint.config("vae"), [checkpoint.config(name) for name in encoders])
    prediction_type(checkpoint.config("scheduler"))
    prepare_libraries()
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    tokenizers, networks, vae = load_around(checkpoint, encoders, dtype)
    denoiser = checkpoint.load("unet", UNet2DConditionModel, dtype)
    parts = Parts(
        checkpoint.name, unet_family(unet), denoiser, vae, tokenizers, networks, checkpoint.config("scheduler"),
        checkpoint.index, _few_steps(checkpoint, unet),
    )  # fmt: skip
    return stable_diffusion(parts, device)


def load_around(
    checkpoint: Checkpoint, encoders: Sequence[str], dtype: torch.dtype
) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    """(tokenizers, text encoders, autoencoder) of a folder: all but its denoiser. Raises `UserError`."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    tokenizers = tuple(
        checkpoint.tokenizer(name.replace("text_encoder", "tokenizer"), CLIPTokenizer) for name in encoders
    )
    kinds = (CLIPTextModel, CLIPTextModelWithProjection)
    networks = tuple(
        checkpoint.load(name, kind, dtype) for name, kind in zip(encoders, kinds, strict=False)
    )
    vae = checkpoint.load("vae", AutoencoderKL, vae_dtype(checkpoint.config("vae"), dtype))
    return tokenizers, networks, vae


def stable_diffusion(parts: Parts, device: torch.device) -> Model:
    """The model that `parts` make up, which are still to be placed on `device`.

    Raises ValueError for noise levels that we do not know.
    """
    unet = parts.denoiser
    for network in (*parts.text_encoders, parts.vae, unet):
        network.requires_grad_(False).eval()
    autoencoder, schedule = KLAutoencoder(parts.vae), discrete(parts.scheduler)
    size = int(unet.config["sample_size"]) * autoencoder.factor
    mask_channels = unet.config["in_channels"] > autoencoder.channels
    usual = usual_sampling(parts.family, parts.few_steps, parts.name, reads_guidance(unet.config), mask_channels)
    info = ModelInfo(parts.name, device.type, size, mask_channels=mask_channels, defaults=usual, family=parts.family)
    return Model(
        info, schedule, LatentSpace(autoencoder, size, device), UNetCall(unet, schedule, mask_channels),
        prediction_type(parts.scheduler), reader(parts, size, device), mask_channels, weights=unet, parts=parts,
        reads_guidance=reads_guidance(unet.config),
    )  # fmt: skip


def reader(parts: Parts, size: int, device: torch.device) -> ClipText:
    """What reads the prompts of a model that works at `size` pixels: one encoder, or the two of SDXL side by side.

    SDXL is also told that it looks at a whole picture of that size (Podell et al. 2023, 2.1 and 2.2).
    """
    pairs = zip(parts.tokenizers, parts.text_encoders, strict=True)
    readers = tuple(TextReader(tokenizer, network, parts.penultimate) for tokenizer, network in pairs)
    if parts.family is not Family.SDXL:
        return ClipText(readers)
    whole = torch.tensor([[size, size, 0, 0, size, size]], dtype=torch.float32, device=device)
    zeros = bool(parts.settings.get("force_zeros_for_empty_prompt", True))
    return ClipText(readers, pooled=True, sizes=whole, zeros=zeros)


def unet_family(config: Mapping[str, Any]) -> Family:
    """SDXL is told sizes, and SD 2 reads the wider words of OpenCLIP."""
    if config.get("addition_embed_type") == "text_time":
        return Family.SDXL
    return Family.SD2 if config.get("cross_attention_dim") == 1024 else Family.SD1


def reads_guidance(config: Mapping[str, Any]) -> bool:
    """Whether the network is told w, having been distilled to give the guided answer (Luo et al. 2023, LCM)."""
    return config.get("time_cond_proj_dim") is not None


def vae_dtype(config: Mapping[str, Any], dtype: torch.dtype) -> torch.dtype:
    """What an autoencoder computes in beside a network of `dtype`: those that overflow in half precision say so."""
    return torch.float32 if dtype == torch.float16 and config.get("force_upcast") else dtype


def prediction_type(scheduler: Mapping[str, Any]) -> Predicts:
    """What the network of a scheduler_config.json predicts. Raises ValueError for a word we do not know."""
    word = scheduler.get("prediction_type", "epsilon")
    if word not in PREDICTIONS:
        raise ValueError(f"prediction type {word!r} is not known")
    return PREDICTIONS[word]


def _few_steps(checkpoint: Checkpoint, unet: Mapping[str, Any]) -> str:
    """LCM, Turbo, Hyper, Lightning or "", by what the folder says of itself."""
    scheduler = checkpoint.components["scheduler"]
    return "LCM" if reads_guidance(unet) or scheduler == "LCMScheduler" else few_steps(checkpoint.name)


def check_configs(where: str, unet: Mapping[str, Any], vae: Mapping[str, Any], texts: Sequence[dict[str, Any]]) -> None:
    """Raise `UserError` unless the parts fit together, before time and memory go into loading them.

    `where` begins the sentence.
    """
    large = len(texts) > 1
    for name in MORE_INPUTS:
        if unet.get(name) is not None:
            raise UserError(f"{where} wants more than a prompt ({name}), which this version cannot give it.")
    if unet.get("addition_embed_type") != ("text_time" if large else None):
        raise UserError(
            f"{where} has addition_embed_type {unet.get('addition_embed_type')!r}, which does not go with {len(texts)} "
            "text encoder(s)."
        )
    latent = vae.get("latent_channels", 4)
    if unet.get("in_channels") not in (latent, 2 * latent + 1) or unet.get("out_channels") != latent:
        raise UserError(
            f"{where} has a unet of {unet.get('in_channels')} channels in and {unet.get('out_channels')} out, which "
            f"does not go with an autoencoder of {latent}."
        )
    written = sum(text.get("hidden_size", 0) for text in texts)
    if unet.get("cross_attention_dim") != written:
        raise UserError(
            f"{where} has a unet that reads words of {unet.get('cross_attention_dim')} numbers and text encoders "
            f"that write {written}."
        )
    if large:
        told = SIZES * unet.get("addition_time_embed_dim", 0) + texts[1].get("projection_dim", 512)
        if unet.get("projection_class_embeddings_input_dim") != told:
            raise UserError(
                f"{where} has a unet that is told {unet.get('projection_class_embeddings_input_dim')} numbers of a "
                f"picture, where its second text encoder and the sizes give {told}."
            )
    if not isinstance(unet.get("sample_size"), int):
        raise UserError(f"{where} does not say how large its pictures are (sample_size of the unet).")
