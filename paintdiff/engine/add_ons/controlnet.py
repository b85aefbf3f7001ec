"""ControlNets: loaded beside a model, each a copy of its U-Net's way down that reads a picture (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from paintdiff.engine.checkpoints.checkpoint import one_line, prepare_libraries
from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.unet_call import UNetCall
from paintdiff.engine.checkpoints.weights import check_finite
from paintdiff.engine.model import Model
from paintdiff.generation.controls import INPAINT, Control
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import SEQUENTIAL
from paintdiff.models.controlnet import PREFIX, SEVERAL, ControlNetFile, read_controlnet
from paintdiff.models.families import Layout

DAMAGED = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, SafetensorError, RuntimeError)
FITTING = ("block_out_channels", "layers_per_block", "cross_attention_dim", "addition_embed_type")
# What diffusers' converter leaves out: how SDXL is told the size of the picture.
SIZES = {"label_emb.0.0": "add_embedding.linear_1", "label_emb.0.2": "add_embedding.linear_2"}


class ControlNets:
    """Those in use, kept on the model's device from one job to the next."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def clear(self) -> None:
        """Let all of them go, with the memory they take."""
        self._loaded.clear()

    def on(self, model: Model, controls: Sequence[Control]) -> Model:
        """`model` with the ControlNets of the controls that have a say; itself where none has.

        Raises `UserError`, before anything is loaded, for a model that takes none and for a network that is of another
        family; and for weights that are damaged.
        """
        controls = [control for control in controls if control.active]
        if not controls:
            self.clear()
            return model
        call = unet_of(model, "ControlNets")
        files = {control.network: read_controlnet(Path(control.network)) for control in controls}
        for file in files.values():
            _check_fits(file, call.unet.config, model)
        for control in controls:
            _check_kind(files[control.network], control.kind)
        self._loaded = {name: network for name, network in self._loaded.items() if name in files}
        for name, file in files.items():
            if name not in self._loaded:
                self._loaded[name] = _placed(load_controlnet(file, call.unet.dtype), model)
        networks = tuple(_told(self._loaded[each.network], files[each.network], each.kind) for each in controls)
        return replace(
            model, network=replace(call, controls=networks), weights=nn.ModuleList([call.unet, *self._loaded.values()])
        )


def unet_of(model: Model, what: str) -> UNetCall:
    """The U-Net that `what` works on. Raises `UserError` for a model of another kind."""
    if not isinstance(model.network, UNetCall):
        raise UserError(
            f"The model {model.info.name} takes no {what}: open a checkpoint of Stable Diffusion 1, 2 or XL, or take "
            "them away."
        )
    return model.network


def load_controlnet(file: ControlNetFile, dtype: torch.dtype) -> Any:
    """A ControlNetModel, or ControlNetUnionModel, in `dtype`.

    Raises `UserError` for weights that are damaged or not those of the header.
    """
    prepare_libraries()
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
    from diffusers.models.controlnets.controlnet import ControlNetModel
    from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

    try:
        with torch.device("meta"):
            if file.kinds:
                several = {name: value for name, value in file.config.items() if name != "mid_block_type"}
                network: Any = ControlNetUnionModel.from_config(several)
            else:
                network = ControlNetModel.from_config(file.config)
        weights: dict[str, Tensor] = {}
        for path in file.weights:
            weights |= read_tensors(path, dtype)
        if file.layout is Layout.LDM:
            plain = {name.removeprefix(PREFIX): weight for name, weight in weights.items()}
            weights = convert_controlnet_checkpoint(plain, file.config)
            for theirs, ours in SIZES.items():
                if f"{theirs}.weight" in plain:
                    weights |= {f"{ours}.{each}": plain[f"{theirs}.{each}"] for each in ("weight", "bias")}
        weights = {name: weight for name, weight in weights.items() if weight is not None}
        network.load_state_dict(weights, strict=True, assign=True)
    except DAMAGED as error:
        raise UserError(f"The ControlNet {file.path} cannot be opened: {one_line(error)}.") from error
    check_finite(network, file.path)
    return network.requires_grad_(False).eval()


class OneOfSeveral(nn.Module):
    """A network of several kinds that is told which one its picture is, called as one of a single kind is."""

    def __init__(self, network: Any, kind: str) -> None:
        super().__init__()
        self.network, self._kind, self._place = network, kind, SEVERAL[kind]

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    def forward(self, x_t: Tensor, level: Tensor, *, controlnet_cond: Tensor, **told: Any) -> Any:
        if self._kind == INPAINT:
            controlnet_cond = controlnet_cond.clamp(min=0)  # what is masked is black to it, and -1 to others
        kinds = torch.zeros(len(x_t), int(self.network.config.num_control_type), device=x_t.device)
        kinds[:, self._place] = 1
        return self.network(
            x_t, level, controlnet_cond=[controlnet_cond], control_type=kinds, control_type_idx=[self._place], **told
        )


def _told(network: Any, file: ControlNetFile, kind: str) -> Any:
    return OneOfSeveral(network, kind) if file.kinds else network


def _check_kind(file: ControlNetFile, kind: str) -> None:
    """Raise `UserError` for a network of several kinds that cannot be told this one."""
    if file.kinds and SEVERAL.get(kind, file.kinds) >= file.kinds:
        known = ", ".join(each for each, place in SEVERAL.items() if place < file.kinds)
        raise UserError(f"{file.path.name} is a ControlNet of several kinds: choose one of {known}, and not {kind}.")


def _placed(network: Any, model: Model) -> Any:
    """The network where the model's own lies; one of several kinds whole, where layers come and go one by one."""
    by_layer = model.placement is not None and model.placement.rung == SEQUENTIAL
    if model.placement is None or (by_layer and type(network).__name__ == "ControlNetUnionModel"):
        return network.to(model.space.device, memory_format=torch.channels_last)
    model.placement.network(network)
    return network


def _check_fits(file: ControlNetFile, unet: Any, model: Model) -> None:
    """Raise `UserError` unless the network is a copy of the way down of the model's U-Net."""
    for name in FITTING:
        theirs, ours = file.config.get(name), unet.get(name)
        if (list(theirs) if isinstance(theirs, (list, tuple)) else theirs) != (
            list(ours) if isinstance(ours, (list, tuple)) else ours
        ):
            raise UserError(
                f"The ControlNet {file.path.name} is for {file.family.value} ({name} {theirs!r}), and the model "
                f"{model.info.name} is not ({ours!r}): take one that was made for its family."
            )
