"""A U-Net alone in one file (SD 1, SD 2, SDXL): a whole model of its family lends it all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from paintdiff.engine.checkpoints.checkpoint import Checkpoint, open_checkpoint, prepare_libraries
from paintdiff.engine.checkpoints.filling import check_rows, empty, loaded
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.single_file import Plan, around, plan_of, scheduler_of
from paintdiff.engine.checkpoints.stable_diffusion import (
    check_configs,
    load_around,
    prediction_type,
    stable_diffusion,
)
from paintdiff.engine.model import Model
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.base_model import find_base, lone_sentence
from paintdiff.models.beside import said_beside
from paintdiff.models.families import LDM, Kind, Layout, identify
from paintdiff.models.flow_names import Rows
from paintdiff.models.header import Header, read_header
from paintdiff.models.storage import denoiser_of

GUIDED = "time_embedding.cond_proj.weight"  # what a U-Net is told w by, by the names of diffusers


@dataclass(frozen=True, eq=False)
class UnetPlan:
    """A U-Net's file, its config, and the whole model that it borrows from."""

    header: Header
    kind: Kind
    config: Mapping[str, Any]
    base: Plan | Checkpoint


def inspect_unet_file(header: Header, kind: Kind) -> UnetPlan:
    """Read headers and configs, and nothing else. Raises `UserError` for a U-Net that no model here goes with."""
    path = find_base(header, kind.family)
    if path is None:
        raise UserError(lone_sentence(header.path))
    prepare_libraries()
    base: Plan | Checkpoint
    if path.is_dir():
        base = open_checkpoint(path)
        base.check_fit()
        unet, vae = base.config("unet"), base.config("vae")
        texts = [base.config(name) for name in _encoders(kind.family)]
    else:
        whole = read_header(path)
        base = plan_of(whole, identify(whole))
        unet, vae, texts = base.unet, base.vae, base.texts
    own = denoiser_of(header)
    first = own.shape("input_blocks.0.0.weight") or own.shape("conv_in.weight")
    guided = own.shape(GUIDED)
    config = dict(unet) | {"in_channels": first[1], "time_cond_proj_dim": guided[1] if len(guided) == 2 else None}
    check_configs(f"The model in {header.path.name}", config, vae, texts)
    _check(own, kind, config)
    return UnetPlan(header, kind, config, base)


def load_unet_file(plan: UnetPlan, device: torch.device, dtype: torch.dtype) -> Model:
    """The model of `plan`. Raises `UserError` where a weight is not a number."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    path, kind, base = plan.header.path, plan.kind, plan.base
    own = read_tensors(path, dtype)
    settings: Mapping[str, Any] = {}
    if isinstance(base, Checkpoint):
        tokenizers, encoders, vae = load_around(base, _encoders(kind.family), dtype)
        said: dict[str, Any] = {"prediction_type": kind.predicts} if kind.predicts else {}
        said |= {"rescale_betas_zero_snr": True} if kind.zero_snr else {}
        scheduler = base.config("scheduler") | said | said_beside(path)
        settings = base.index
    else:
        tokenizers, encoders, vae = around(base, dtype)
        scheduler = scheduler_of(plan.header, kind, own if kind.layout is Layout.LDM else {})
    prediction_type(scheduler)
    unet = loaded(UNet2DConditionModel, plan.config, _as_diffusers(own, kind, plan.config), dtype, path)
    parts = Parts(path.stem, kind.family, unet, vae, tokenizers, encoders, scheduler, settings, kind.few_steps)
    return stable_diffusion(parts, device)


def _encoders(family: Family) -> tuple[str, ...]:
    return ("text_encoder", "text_encoder_2") if family is Family.SDXL else ("text_encoder",)


def _check(own: Header, kind: Kind, config: Mapping[str, Any]) -> None:
    """Raise `UserError` unless the header has every weight of a U-Net of `config`, in its shape."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    shapes = {name: torch.empty(info.shape, device="meta") for name, info in own.tensors.items()}
    rows = {
        name: Rows(name, 0, tensor.shape[0], tuple(tensor.shape[1:]))
        for name, tensor in _as_diffusers(shapes, kind, config).items() if tensor.ndim
    }  # fmt: skip
    types = {name: next(iter(own.tensors.values())) for name in rows}
    check_rows(empty(UNet2DConditionModel, config), Header(own.path, types, {}, own.size), rows)


def _as_diffusers(tensors: dict[str, Tensor], kind: Kind, config: Mapping[str, Any]) -> dict[str, Tensor]:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    if kind.layout is Layout.DIFFUSERS:
        return tensors
    plain = any(name.startswith(LDM) for name in tensors)
    named = tensors if plain else {f"{LDM}{name}": tensor for name, tensor in tensors.items()}
    converted: dict[str, Tensor] = convert_ldm_unet_checkpoint(named, dict(config))
    return converted
