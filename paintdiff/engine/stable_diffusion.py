"""Checkpoints of the Stable Diffusion 1 and 2 families, base and inpaint, as models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from paintdiff.engine.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoint import Checkpoint, prepare_libraries
from paintdiff.engine.clip_text import ClipText
from paintdiff.engine.denoiser import Predicts
from paintdiff.engine.latent_space import LatentSpace
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import discrete
from paintdiff.engine.unet_call import UNetCall
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError

PREDICTIONS: dict[str, Predicts] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}
# Inputs of a UNet2DConditionModel beyond picture, time and prompt: each is another family, or a distilled model.
MORE_INPUTS = (
    "class_embed_type", "num_class_embeds", "addition_embed_type", "time_cond_proj_dim", "encoder_hid_dim_type",
)  # fmt: skip


def load_stable_diffusion(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for parts that are missing, damaged or do not belong together."""
    unet_config, vae_config = checkpoint.config("unet"), checkpoint.config("vae")
    scheduler = checkpoint.config("scheduler")
    _check(checkpoint, unet_config, vae_config, checkpoint.config("text_encoder"))
    prepare_libraries()
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(str(_vocabulary(checkpoint).resolve()), local_files_only=True)
    text = checkpoint.load("text_encoder", CLIPTextModel, dtype).requires_grad_(False).eval().to(device)
    autoencoder = KLAutoencoder(checkpoint.load("vae", AutoencoderKL, dtype).to(device))
    unet = checkpoint.load("unet", UNet2DConditionModel, dtype).requires_grad_(False).eval().to(device)
    unet.to(memory_format=torch.channels_last)
    schedule = discrete(scheduler)
    size = int(unet_config["sample_size"]) * autoencoder.factor
    mask_channels = unet_config["in_channels"] > autoencoder.channels
    info = ModelInfo(checkpoint.name, device.type, size, mask_channels=mask_channels)
    return Model(
        info, schedule, LatentSpace(autoencoder, size, device), UNetCall(unet, schedule, mask_channels),
        prediction_type(scheduler), ClipText(tokenizer, text), mask_channels, weights=unet,
    )  # fmt: skip


def _vocabulary(checkpoint: Checkpoint) -> Path:
    """The tokenizer's folder. Raises `UserError` for one without words: it would read every prompt as nothing."""
    folder = checkpoint.part("tokenizer")
    if not (folder / "tokenizer.json").is_file():
        for name in ("vocab.json", "merges.txt"):
            if not (folder / name).is_file():
                raise UserError(f"The model's tokenizer is not whole: {folder / name} is not there.")
    return folder


def prediction_type(scheduler: dict[str, Any]) -> Predicts:
    """What the network of a scheduler_config.json predicts. Raises ValueError for a word we do not know."""
    word = scheduler.get("prediction_type", "epsilon")
    if word not in PREDICTIONS:
        raise ValueError(f"prediction type {word!r} is not known")
    return PREDICTIONS[word]


def _check(checkpoint: Checkpoint, unet: dict[str, Any], vae: dict[str, Any], text: dict[str, Any]) -> None:
    """Raise `UserError` unless the parts fit together, before time and memory go into loading them."""
    where = f"The model in {checkpoint.folder}"
    if checkpoint.components["unet"] != "UNet2DConditionModel":
        raise UserError(f"{where} has a {checkpoint.components['unet']} as its unet, which reads no prompt.")
    for name in MORE_INPUTS:
        if unet.get(name) is not None:
            raise UserError(f"{where} wants more than a prompt ({name}), which this version cannot give it.")
    latent = vae.get("latent_channels", 4)
    if unet.get("in_channels") not in (latent, 2 * latent + 1) or unet.get("out_channels") != latent:
        raise UserError(
            f"{where} has a unet of {unet.get('in_channels')} channels in and {unet.get('out_channels')} out, which "
            f"does not go with an autoencoder of {latent}."
        )
    if unet.get("cross_attention_dim") != text.get("hidden_size"):
        raise UserError(
            f"{where} has a unet that reads words of {unet.get('cross_attention_dim')} numbers and a text encoder "
            f"that writes {text.get('hidden_size')}."
        )
    if not isinstance(unet.get("sample_size"), int):
        raise UserError(f"{where} does not say how large its pictures are (sample_size of the unet).")
