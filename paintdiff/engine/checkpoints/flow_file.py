"""Checkpoints of SD 3 and FLUX that are one file: whole ones, and transformers whose other parts lie elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from paintdiff.engine.checkpoints.checkpoint import Checkpoint, open_checkpoint, prepare_libraries
from paintdiff.engine.checkpoints.clip_vocabulary import OPENAI_PAD, OPENCLIP_PAD, clip_tokenizer
from paintdiff.engine.checkpoints.filling import check_rows, empty, filled, loaded
from paintdiff.engine.checkpoints.flow_transformer import check_flow_configs, flux, stable_diffusion_3
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.stable_diffusion import vae_dtype
from paintdiff.engine.checkpoints.t5_vocabulary import t5_tokenizer
from paintdiff.engine.checkpoints.tensor_file import TensorFile
from paintdiff.engine.model import Model
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.companions import COMPONENTS, Companions, Found, Reads, Role, missing_sentence
from paintdiff.models.families import Kind
from paintdiff.models.flow_architecture import (
    SCHNELL_SHIFT,
    SHIFTS,
    clip_config,
    flow_vae_config,
    t5_config,
    transformer_config,
)
from paintdiff.models.flow_names import Rows, plain_rows, rows_of, t5_rows
from paintdiff.models.header import Header, spoken
from paintdiff.models.storage import FLOAT8, denoiser_of, stored_as

CELL = 8  # pixels of a latent, a side
CLIPS = (Role.CLIP_L, Role.CLIP_G)
VOCABULARIES = {Role.CLIP_L: 49_408, Role.CLIP_G: 49_408, Role.T5: 32_100}


@dataclass(frozen=True, eq=False)
class Piece:
    """One network that is to be made from a file; `given` are weights that the file does not say."""

    kind: Any
    config: Mapping[str, Any]
    header: Header
    rows: Mapping[str, Rows]
    given: Mapping[str, Tensor] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `UserError` unless the file has all of its weights, in their shapes; takes no memory for them."""
        check_rows(empty(self.kind, self.config), self.header, self.rows, self.given)

    def load(self, dtype: torch.dtype, keep_float8: bool = False) -> Any:
        """Raises `UserError` where a weight is not a number."""
        return filled(empty(self.kind, self.config), self.header, self.rows, dtype, keep_float8, self.given)


@dataclass(frozen=True, eq=False)
class FlowPlan:
    """What a file is, and where each part of its model lies: a piece of a file, or part of a diffusers folder."""

    path: Path
    kind: Kind
    transformer: Piece
    parts: Mapping[Role, Piece | Found]
    donor: Checkpoint | None
    vae: Mapping[str, Any]


def inspect_flow_file(header: Header, kind: Kind) -> FlowPlan:
    """Read headers and configs, and nothing else, of the checkpoint with `header` and of the parts that it lacks.

    Raises `UserError` for what is missing, and for parts that are not sound or do not belong together.
    """
    prepare_libraries()
    own = denoiser_of(header)
    rows, family = rows_of(own, kind.family), kind.family
    try:
        config = transformer_config(own, rows, family, kind.side // CELL)
    except (IndexError, ValueError, ZeroDivisionError) as error:
        raise UserError(f"{spoken(header.path)} is not a compatible model: some of its parts are missing.") from error
    if config["in_channels"] != config["out_channels"] and not kind.inpaints:
        raise UserError(
            f"{spoken(header.path)} is not a compatible model: its denoiser reads {config['in_channels']} channels and "
            f"writes {config['out_channels']}: it is led by another picture, which this version cannot show it."
        )
    transformer = Piece(_transformer(family), config, own, rows)
    transformer.check()
    found = Companions().find(header, Reads.of(family, config))
    missing = missing_sentence(header.path, family, found)
    if missing:
        raise UserError(missing)
    folder = next((each.folder for each in found.values() if each.folder), None)
    donor = None if folder is None else open_checkpoint(folder)
    if donor is not None:
        donor.check_fit()
    parts = {role: _piece(role, each, family) for role, each in found.items()}
    configs = {role: _config(each, donor) for role, each in parts.items() if role is not Role.VAE}
    place = found[Role.VAE]
    vae = _vae_config(place, family, kind.side, donor)
    check_flow_configs(
        f"The model in {spoken(header.path)}", family, config, vae,
        [configs[role] for role in CLIPS if role in configs], configs.get(Role.T5),
    )  # fmt: skip
    for each in parts.values():
        if isinstance(each, Piece):
            each.check()
    if place.header is not None:
        _check_vae(place.header, vae)
    return FlowPlan(header.path, kind, transformer, parts, donor, vae)


def load_flow_file(plan: FlowPlan, device: torch.device, dtype: torch.dtype, keep_float8: bool = False) -> Model:
    """The model of `plan`. `keep_float8`: weights that the file has in float8 stay so, and are widened for each use.

    Raises `UserError` where a weight is not a number.
    """
    family = plan.kind.family
    wide = torch.float32 if dtype == torch.float16 else dtype  # T5's numbers are too large for float16
    roles = [role for role in COMPONENTS[family] if role in plan.parts and role is not Role.VAE]
    texts = [_text(plan, role, wide if role is Role.T5 else dtype) for role in roles]
    stored = stored_as(plan.transformer.header)
    denoiser = plan.transformer.load(dtype, keep_float8 and stored == FLOAT8)
    guided = bool(plan.transformer.config.get("guidance_embeds"))
    shift = SCHNELL_SHIFT if family is Family.FLUX and not guided else SHIFTS[family]
    parts = Parts(
        plan.path.stem, family, denoiser, _vae(plan, dtype), tuple(words for words, _ in texts),
        tuple(network for _, network in texts), shift, few_steps=plan.kind.few_steps,
        quantized="" if stored in ("", FLOAT8) else stored,
    )  # fmt: skip
    return (flux if family is Family.FLUX else stable_diffusion_3)(parts, device)


def _transformer(family: Family) -> Any:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
    from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel

    return FluxTransformer2DModel if family is Family.FLUX else SD3Transformer2DModel


def _piece(role: Role, found: Found, family: Family) -> Piece | Found:
    """A text encoder as a piece of the file that it was found in; what lies in a folder, and autoencoders, as found."""
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel

    header = found.header
    if header is None or role is Role.VAE:
        return found
    if role is Role.T5:
        rows = t5_rows(header)
        config = t5_config(header.path, rows)
    else:
        rows = plain_rows(header)
        config = clip_config(header.path, rows, "quick_gelu" if role is Role.CLIP_L else "gelu")
    if config["vocab_size"] < VOCABULARIES[role]:
        raise UserError(
            f"{spoken(header.path)} is not a compatible model: its {role.value} knows {config['vocab_size']} words, "
            f"where prompts are read in {VOCABULARIES[role]}."
        )
    if role is Role.T5:
        return Piece(T5EncoderModel, config, header, rows)
    if family is Family.FLUX:
        return Piece(CLIPTextModel, config, header, {n.removeprefix("text_model."): each for n, each in rows.items()})
    if role is Role.CLIP_G:
        return Piece(CLIPTextModelWithProjection, config, header, rows)
    # SD 3 was trained on what this encoder writes, not on its projection
    width = int(config["hidden_size"])
    same = {"text_projection.weight": torch.eye(width)}
    return Piece(CLIPTextModelWithProjection, config | {"projection_dim": width}, header, rows, same)


def _config(part: Piece | Found, donor: Checkpoint | None) -> Mapping[str, Any]:
    if isinstance(part, Piece):
        return part.config
    assert donor is not None
    return donor.config(part.component)


def _vae_config(found: Found, family: Family, side: int, donor: Checkpoint | None) -> Mapping[str, Any]:
    if found.header is not None:
        return flow_vae_config(found.header, family, side)
    assert donor is not None
    return donor.config(found.component)


def _check_vae(header: Header, config: Mapping[str, Any]) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    shapes = {name: torch.empty(info.shape, device="meta") for name, info in header.tensors.items()}
    converted = _as_diffusers(shapes, config)
    rows = {name: Rows(name, 0, tensor.shape[0], tuple(tensor.shape[1:])) for name, tensor in converted.items()}
    types = {name: next(iter(header.tensors.values())) for name in converted}
    network: nn.Module = empty(AutoencoderKL, config)
    check_rows(network, Header(header.path, types, {}, header.size), rows)


def _as_diffusers(tensors: dict[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of an autoencoder by the names of diffusers. Raises `UserError` where some are not there."""
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    if any(name.startswith("encoder.down_blocks.") for name in tensors):
        return tensors
    converted: dict[str, Tensor] = convert_ldm_vae_checkpoint(tensors, dict(config))
    return converted


def _vae(plan: FlowPlan, dtype: torch.dtype) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    found, dtype = plan.parts[Role.VAE], vae_dtype(plan.vae, dtype)
    assert isinstance(found, Found)
    if found.header is None:
        assert plan.donor is not None
        return plan.donor.load(found.component, AutoencoderKL, dtype)
    file = TensorFile(found.header)
    tensors = _as_diffusers({name: file.get(name) for name in found.header.tensors}, plan.vae)
    return loaded(AutoencoderKL, plan.vae, tensors, dtype, found.header.path)


def _text(plan: FlowPlan, role: Role, dtype: torch.dtype) -> tuple[Any, Any]:
    """(tokenizer, network) of a text encoder."""
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, T5EncoderModel, T5Tokenizer

    part = plan.parts[role]
    if isinstance(part, Piece):
        pad = OPENAI_PAD if role is Role.CLIP_L else OPENCLIP_PAD
        return t5_tokenizer() if role is Role.T5 else clip_tokenizer(pad), part.load(dtype)
    assert plan.donor is not None
    clip = CLIPTextModel if plan.kind.family is Family.FLUX else CLIPTextModelWithProjection
    kinds = (T5Tokenizer, T5EncoderModel) if role is Role.T5 else (CLIPTokenizer, clip)
    name = part.component
    tokenizer = plan.donor.tokenizer(name.replace("text_encoder", "tokenizer"), kinds[0])
    return tokenizer, plan.donor.load(name, kinds[1], dtype)
