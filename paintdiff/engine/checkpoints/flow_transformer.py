"""Checkpoints that flow in straight lines: Stable Diffusion 3 and FLUX, with FLUX Fill, from diffusers folders."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.checkpoints.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoints.checkpoint import Checkpoint, prepare_libraries
from paintdiff.engine.checkpoints.flow_text import ClipAndT5, PairAndT5, T5Text
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.prompt_weighting import TextReader
from paintdiff.engine.checkpoints.stable_diffusion import vae_dtype
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import Flow
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.families import few_steps
from paintdiff.models.usual import usual_sampling

PATCH = 2  # latents along a token's side
SD3_WORDS, FLUX_WORDS, SCHNELL_WORDS = 256, 512, 256  # tokens of T5 that each was trained on
LEVELS = 1000  # SD 3 reads sigma as one of so many


def load_stable_diffusion_3(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for parts that are missing, damaged or do not belong together."""
    _check(checkpoint, "SD3Transformer2DModel")
    prepare_libraries()
    from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
    from transformers import CLIPTextModelWithProjection

    clips = ("text_encoder", "text_encoder_2")
    t5 = ("text_encoder_3",) if "text_encoder_3" in checkpoint.components else ()
    encoders = tuple(checkpoint.load(name, CLIPTextModelWithProjection, dtype) for name in clips)
    return stable_diffusion_3(
        _parts(checkpoint, Family.SD3, SD3Transformer2DModel, clips, encoders, t5, dtype), device
    )


def load_flux(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for parts that are missing, damaged or do not belong together."""
    _check(checkpoint, "FluxTransformer2DModel")
    prepare_libraries()
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
    from transformers import CLIPTextModel

    encoders = (checkpoint.load("text_encoder", CLIPTextModel, dtype),)
    return flux(
        _parts(
            checkpoint, Family.FLUX, FluxTransformer2DModel, ("text_encoder",), encoders, ("text_encoder_2",), dtype
        ),
        device,
    )


def stable_diffusion_3(parts: Parts, device: torch.device) -> Model:
    """The model that `parts` make up, which are still to be placed on `device`: two CLIPs, and T5 or not."""
    config = parts.denoiser.config
    size = int(config["sample_size"]) * _factor(parts)
    schedule = Flow(_shift(parts.scheduler, size // (_factor(parts) * int(config["patch_size"]))))
    one, other = (TextReader(parts.tokenizers[i], parts.text_encoders[i], penultimate=True) for i in range(2))
    t5 = len(parts.text_encoders) == 3
    detail = T5Text(parts.tokenizers[2], parts.text_encoders[2], SD3_WORDS) if t5 else None
    words = PairAndT5((one, other), detail, int(config["joint_attention_dim"]), SD3_WORDS)
    return _model(parts, device, size, schedule, Sd3Call(parts.denoiser, schedule), words)


def flux(parts: Parts, device: torch.device) -> Model:
    """The model that `parts` make up, which are still to be placed on `device`: CLIP and T5."""
    config, side = parts.denoiser.config, int(parts.vae.config["sample_size"])
    size = side - side % (PATCH * _factor(parts))
    schedule = Flow(_shift(parts.scheduler, size // (_factor(parts) * PATCH)))
    length = FLUX_WORDS if config["guidance_embeds"] else SCHNELL_WORDS
    detail = T5Text(parts.tokenizers[1], parts.text_encoders[1], length)
    words = ClipAndT5(parts.tokenizers[0], parts.text_encoders[0], detail)
    fills = config["in_channels"] > PATCH**2 * int(parts.vae.config["latent_channels"])
    network = FluxCall(parts.denoiser, schedule, _factor(parts) if fills else 0)
    return _model(parts, device, size, schedule, network, words, fills, bool(config["guidance_embeds"]))


def _parts(
    checkpoint: Checkpoint, family: Family, kind: type, clips: tuple[str, ...], encoders: tuple[Any, ...],
    t5: tuple[str, ...], dtype: torch.dtype,
) -> Parts:  # fmt: skip
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPTokenizer, T5EncoderModel, T5Tokenizer

    wide = torch.float32 if dtype == torch.float16 else dtype  # T5's numbers are too large for float16
    details = tuple(checkpoint.load(name, T5EncoderModel, wide) for name in t5)
    names = [name.replace("text_encoder", "tokenizer") for name in (*clips, *t5)]
    kinds = (CLIPTokenizer,) * len(clips) + (T5Tokenizer,) * len(t5)
    tokenizers = tuple(checkpoint.tokenizer(name, each) for name, each in zip(names, kinds, strict=True))
    vae = checkpoint.load("vae", AutoencoderKL, vae_dtype(checkpoint.config("vae"), dtype))
    return Parts(
        checkpoint.name, family, checkpoint.load("transformer", kind, dtype), vae, tokenizers, (*encoders, *details),
        checkpoint.config("scheduler"), checkpoint.index, few_steps(checkpoint.name),
    )  # fmt: skip


def _model(
    parts: Parts, device: torch.device, size: int, schedule: Flow, network: Sd3Call | FluxCall,
    words: Callable[[str], Condition], fills: bool = False, reads_guidance: bool = False,
) -> Model:  # fmt: skip
    for each in (*parts.text_encoders, parts.vae, parts.denoiser):
        each.requires_grad_(False).eval()
    usual = usual_sampling(parts.family, parts.few_steps, parts.name, reads_guidance, fills)
    info = ModelInfo(parts.name, device.type, size, mask_channels=fills, defaults=usual)
    space = LatentSpace(KLAutoencoder(parts.vae), size, device)
    return Model(
        info, schedule, space, network, "flow", words, fills, weights=parts.denoiser, parts=parts,
        reads_guidance=reads_guidance,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sd3Call:
    """SD 3's transformer as a `Network`: its own precision inside, float32 outside."""

    transformer: Any  # SD3Transformer2DModel
    schedule: Flow

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        text, pooled = _told(condition, len(x_t), self.transformer.dtype)
        sigma = torch.full((len(x_t),), LEVELS * self.schedule.sigma(t), device=x_t.device)
        return self.transformer(
            x_t.to(self.transformer.dtype), encoder_hidden_states=text, pooled_projections=pooled, timestep=sigma
        ).sample.float()


@dataclass(frozen=True, eq=False)
class FluxCall:
    """FLUX's transformer as a `Network`: its own precision inside, float32 outside; a token is 2 x 2 latents.

    `mask_side`: FLUX Fill reads a mask in pixels, so many along the side of a latent, 0 for one that reads none. It is
    told the mask of whole latents, for these are what is painted anew.
    """

    transformer: Any  # FluxTransformer2DModel
    schedule: Flow
    mask_side: int = 0

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        count, dtype = len(x_t), self.transformer.dtype
        text, pooled = _told(condition, count, dtype)
        guidance = None
        if self.transformer.config["guidance_embeds"]:
            if condition.guidance is None:
                raise ValueError("a network that was distilled with guidance needs to be told it")
            guidance = condition.guidance.expand(count)
        packed = self.transformer(
            torch.cat([packed_tokens(part) for part in self._shown(x_t, condition)], dim=2).to(dtype),
            encoder_hidden_states=text, pooled_projections=pooled, guidance=guidance,
            timestep=torch.full((count,), self.schedule.sigma(t), device=x_t.device),
            img_ids=places(x_t), txt_ids=torch.zeros(text.shape[1], 3, device=x_t.device),
        ).sample.float()  # fmt: skip
        height, width = (side // PATCH for side in x_t.shape[-2:])
        return F.pixel_shuffle(packed.transpose(1, 2).unflatten(2, (height, width)), PATCH)

    def _shown(self, x_t: Tensor, condition: Condition) -> tuple[Tensor, ...]:
        """Noisy latents, and for FLUX Fill the latents of the masked picture and the mask of each latent's pixels."""
        if not self.mask_side:
            return (x_t,)
        if condition.mask is None or condition.known is None:
            raise ValueError("a network with mask channels needs mask and known")
        mask = condition.mask.expand(len(x_t), self.mask_side**2, -1, -1)
        return x_t, condition.known.expand(len(x_t), -1, -1, -1), mask


def packed_tokens(latents: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, h w / 4, 4 C): each token holds its 2 x 2 latents, channel after channel."""
    return F.pixel_unshuffle(latents, PATCH).flatten(2).transpose(1, 2)


def places(latents: Tensor) -> Tensor:
    """(h w / 4, 3): 0, row and column of each token."""
    height, width = (side // PATCH for side in latents.shape[-2:])
    rows = torch.arange(height, device=latents.device, dtype=torch.float32).repeat_interleave(width)
    columns = torch.arange(width, device=latents.device, dtype=torch.float32).repeat(height)
    return torch.stack([torch.zeros_like(rows), rows, columns], dim=1)


def _told(condition: Condition, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    if condition.text is None or condition.pooled is None:
        raise ValueError("a flow transformer needs text and its pooled vector")
    return condition.text.to(dtype).expand(count, -1, -1), condition.pooled.to(dtype).expand(count, -1)


def _factor(parts: Parts) -> int:
    """Pixels of a latent, a side."""
    return 2 ** (len(parts.vae.config["block_out_channels"]) - 1)


def _shift(scheduler: Mapping[str, Any], tokens: int) -> float:
    """How far towards noise the levels are moved (Esser et al. 2024, 5.3.2), for `tokens` along a picture's side.

    FLUX moves them further for a larger picture: the logarithm grows in a line with the number of its tokens.
    """
    if not scheduler.get("use_dynamic_shifting"):
        return float(scheduler.get("shift", 1.0))
    few, many = scheduler.get("base_image_seq_len", 256), scheduler.get("max_image_seq_len", 4096)
    low, high = scheduler.get("base_shift", 0.5), scheduler.get("max_shift", 1.15)
    return math.exp(low + (high - low) * (tokens**2 - few) / (many - few))


def _check(checkpoint: Checkpoint, kind: str) -> None:
    """Raise `UserError` unless the parts fit together, before time and memory go into loading them."""
    where, named = f"The model in {checkpoint.folder}", checkpoint.components
    if named["transformer"] != kind or named["scheduler"] != "FlowMatchEulerDiscreteScheduler":
        raise UserError(
            f"{where} has a {named['transformer']} and a {named['scheduler']}, where {kind} and "
            "FlowMatchEulerDiscreteScheduler are expected."
        )
    flux = kind == "FluxTransformer2DModel"
    clips = ("text_encoder",) if flux else ("text_encoder", "text_encoder_2")
    detail = "text_encoder_2" if flux else "text_encoder_3"
    check_flow_configs(
        where, Family.FLUX if flux else Family.SD3, checkpoint.config("transformer"), checkpoint.config("vae"),
        [checkpoint.config(name) for name in clips], checkpoint.config(detail) if detail in named else None,
    )  # fmt: skip


def check_flow_configs(
    where: str, family: Family, config: Mapping[str, Any], vae: Mapping[str, Any], clips: Sequence[Mapping[str, Any]],
    t5: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    """Raise `UserError` unless the parts with these configs fit together; `where` begins the sentence."""
    latent, factor = int(vae.get("latent_channels", 4)), 2 ** (len(vae.get("block_out_channels", [0])) - 1)
    flux = family is Family.FLUX
    fits = (PATCH**2 * latent, PATCH**2 * (2 * latent + factor**2)) if flux else (latent,)
    if config.get("in_channels") not in fits:
        raise UserError(
            f"{where} has a transformer of {config.get('in_channels')} channels in, which does not go with an "
            f"autoencoder of {latent}."
        )
    if not isinstance(vae.get("sample_size") if flux else config.get("sample_size"), int):
        raise UserError(f"{where} does not say how large its pictures are (sample_size).")
    if t5 is not None and t5.get("d_model") != config.get("joint_attention_dim"):
        name = "text_encoder_2" if flux else "text_encoder_3"
        raise UserError(f"{where} has a transformer that does not read the words that its {name} writes.")
    key = "hidden_size" if flux else "projection_dim"
    pooled = sum(int(clip.get(key, 0)) for clip in clips)
    if pooled != config.get("pooled_projection_dim"):
        raise UserError(
            f"{where} has a transformer that reads {config.get('pooled_projection_dim')} numbers of a prompt, and "
            f"CLIP encoders that write {pooled}."
        )
