"""Checkpoints that are one file: SD 1, SD 2 and SDXL in the layout of the first releases (A1111, ComfyUI).

Everything that such a file leaves out is told from its shapes or ships with us; nothing is looked up anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from paintdiff.engine.checkpoints.checkpoint import prepare_libraries
from paintdiff.engine.checkpoints.clip_vocabulary import OPENAI_PAD, OPENCLIP_PAD, clip_tokenizer
from paintdiff.engine.checkpoints.filling import loaded
from paintdiff.engine.checkpoints.flow_file import FlowPlan, inspect_flow_file, load_flow_file
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.stable_diffusion import check_configs, prediction_type, stable_diffusion, vae_dtype
from paintdiff.engine.model import Model
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.architecture import TEXT, text_config, unet_config, vae_config
from paintdiff.models.base_model import LENDING
from paintdiff.models.beside import said_beside
from paintdiff.models.companions import COMPONENTS
from paintdiff.models.families import LDM, Kind, Layout, Part, identify
from paintdiff.models.gguf_header import read_model_header
from paintdiff.models.header import Header, spoken

if TYPE_CHECKING:
    from paintdiff.engine.checkpoints.unet_file import UnetPlan

Tensors = dict[str, Tensor]
VAE = "first_stage_model."
LEVELS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
# SD 2 comes with two predictions in the same shapes. In the released v-models, and what was trained on from them, the
# shifts of the last attention's norm spread more than this.
V_SPREAD, V_SIGN = 0.09, f"{LDM}output_blocks.11.1.transformer_blocks.0.norm1.bias"


@dataclass(frozen=True)
class Plan:
    """What a file is, and the configs of its parts."""

    header: Header
    kind: Kind
    unet: dict[str, Any]
    vae: dict[str, Any]
    texts: list[dict[str, Any]]


FilePlan: TypeAlias = "Plan | FlowPlan | UnetPlan"


def inspect_single_file(path: Path) -> FilePlan:
    """Read the header of `path`, and of files beside it whose parts it needs, and nothing else.

    Raises `UserError` for what does not open.
    """
    header = read_model_header(path)
    kind = identify(header)
    if kind.family in COMPONENTS and kind.part in (Part.WHOLE, Part.DENOISER):
        return inspect_flow_file(header, kind)
    if kind.family in LENDING and kind.part is Part.DENOISER:
        from paintdiff.engine.checkpoints.unet_file import inspect_unet_file  # here: it reads whole files as this does

        return inspect_unet_file(header, kind)
    _check_kind(path, kind)
    return plan_of(header, kind)


def plan_of(header: Header, kind: Kind) -> Plan:
    """Of a whole file. Raises `UserError` for one whose parts are not whole, or do not belong together."""
    path = header.path
    try:
        plan = Plan(
            header, kind, unet_config(header, kind), vae_config(header, kind),
            [text_config(header, prefix) for prefix in TEXT[kind.family]],
        )  # fmt: skip
    except (IndexError, ValueError, StopIteration) as error:
        raise UserError(f"{spoken(path)} is not a compatible model: some of its parts are missing.") from error
    check_configs(f"The model in {spoken(path)}", plan.unet, plan.vae, plan.texts)
    return plan


def load_single_file(plan: FilePlan, device: torch.device, dtype: torch.dtype, keep_float8: bool = False) -> Model:
    """The model of `plan`. `keep_float8`: weights of transformers that are float8 in the file stay so.

    Raises `UserError` for weights that are not numbers.
    """
    if isinstance(plan, FlowPlan):
        return load_flow_file(plan, device, dtype, keep_float8)
    if not isinstance(plan, Plan):
        from paintdiff.engine.checkpoints.unet_file import load_unet_file

        return load_unet_file(plan, device, dtype)
    prepare_libraries()
    path = plan.header.path
    tensors = read_tensors(path, dtype, LDM)
    scheduler = scheduler_of(plan.header, plan.kind, tensors)
    prediction_type(scheduler)
    tokenizers, networks, vae = around(plan, dtype)
    unet = _unet(path, plan.unet, tensors, dtype)
    few_steps = plan.kind.few_steps
    return stable_diffusion(
        Parts(path.stem, plan.kind.family, unet, vae, tokenizers, networks, scheduler, few_steps=few_steps), device
    )


def around(plan: Plan, dtype: torch.dtype) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    """(tokenizers, text encoders, autoencoder) of a whole file. Raises `UserError`."""
    path = plan.header.path
    tokenizers = tuple(clip_tokenizer(_pad(prefix)) for prefix in TEXT[plan.kind.family])
    networks = _text_encoders(path, plan.kind, plan.texts, dtype)
    return tokenizers, networks, _vae(path, plan.vae, vae_dtype(plan.vae, dtype))


def _check_kind(path: Path, kind: Kind) -> None:
    if kind.part is not Part.WHOLE or kind.layout is not Layout.LDM:
        raise UserError(
            f"{spoken(path)} is not a compatible model: it holds "
            f"{'nothing that is known' if kind.part is Part.UNKNOWN else f'only a {kind.part.value}'}, and a model "
            "needs a denoiser, an autoencoder and a text encoder in one file."
        )


def scheduler_of(header: Header, kind: Kind, tensors: Tensors) -> dict[str, Any]:
    """The noise levels, and what the network predicts; what lies beside the file wins over the file and its name."""
    predicts = kind.predicts or guessed(tensors)
    said = {"prediction_type": predicts, "rescale_betas_zero_snr": kind.zero_snr}
    return LEVELS | said | said_beside(header.path)


def guessed(tensors: Tensors) -> str:
    """What an SD 2 network predicts that does not say so itself, by its weights."""
    sign = tensors.get(V_SIGN)
    return "v_prediction" if sign is not None and float(sign.float().std()) > V_SPREAD else "epsilon"


def _pad(prefix: str) -> str:
    """What fills up the prompts of the text network under `prefix`, one of `TEXT`."""
    return OPENAI_PAD if prefix.endswith("text_model.") else OPENCLIP_PAD


def _unet(path: Path, config: dict[str, Any], tensors: Tensors, dtype: torch.dtype) -> Any:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return loaded(UNet2DConditionModel, config, convert_ldm_unet_checkpoint(tensors, config), dtype, path)


def _vae(path: Path, config: dict[str, Any], dtype: torch.dtype) -> Any:
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    converted = convert_ldm_vae_checkpoint(read_tensors(path, dtype, VAE), config)
    return loaded(AutoencoderKL, config, converted, dtype, path)


def _text_encoders(path: Path, kind: Kind, configs: list[dict[str, Any]], dtype: torch.dtype) -> tuple[Any, ...]:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    networks = []
    for prefix, config in zip(TEXT[kind.family], configs, strict=True):
        projects = kind.family is Family.SDXL and not prefix.endswith("text_model.")
        network = CLIPTextModelWithProjection if projects else CLIPTextModel
        own = {name.removeprefix(prefix): tensor for name, tensor in read_tensors(path, dtype, prefix).items()}
        if not prefix.endswith("text_model."):
            own = _from_open_clip(own, config)
        if projects:
            own = {name if name.startswith("text_projection") else f"text_model.{name}": own[name] for name in own}
        networks.append(loaded(network, config, own, dtype, path))
    return tuple(networks)


def _from_open_clip(tensors: Tensors, config: dict[str, Any]) -> Tensors:
    """OpenCLIP's tensors by the names of transformers, without "text_model." and the layers that are not read."""
    from types import SimpleNamespace

    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

    model = SimpleNamespace(config=SimpleNamespace(hidden_size=config["hidden_size"]))
    converted = convert_open_clip_checkpoint(model, tensors, prefix="")
    named = {name.removeprefix("text_model."): tensor for name, tensor in converted.items()}
    unread = f"encoder.layers.{config['num_hidden_layers']}."
    return {name: tensor for name, tensor in named.items() if not name.startswith(unread)}
