"""Models from disk: a folder with config.json, weights and a tokenizer becomes a network with its space."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from paintdiff.engine.denoiser import Condition, Network, Predicts
from paintdiff.engine.device import fastest_dtype, find_device, leave_a_core
from paintdiff.engine.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.schedule import Schedule, from_config
from paintdiff.engine.space import PixelSpace, Space
from paintdiff.engine.text import PAD, Tokenizer
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.resource_files import resource

PREDICTS = get_args(Predicts)


@dataclass(frozen=True, eq=False)
class Model:
    """All that a run needs of a checkpoint.

    `encode_text` turns a prompt into (text (1, L, D), text_mask (1, L)); `mask_channels` says that the network reads
    `Condition.mask` and `known`.
    """

    info: ModelInfo
    schedule: Schedule
    space: Space
    network: Network
    predicts: Predicts
    encode_text: Callable[[str], tuple[Tensor, Tensor]]
    mask_channels: bool


def find_folder(model: str) -> Path:
    """The folder of a bundled model's name or of a path. Raises `UserError` when there is none."""
    bundled = resource("models", model)
    if model and Path(model).name == model and (bundled / "config.json").is_file():
        return bundled
    folder = Path(model)
    if model and (folder / "config.json").is_file():
        return folder
    raise UserError(f"No model is called {model!r}; give the name of a bundled model or a folder with a config.json.")


def load_model(model: str, device: str) -> Model:
    """Load a bundled model or a folder onto a device. Raises `UserError` saying which file is missing or damaged."""
    folder, place = find_folder(model), find_device(device)
    leave_a_core()
    config = _read_config(folder)
    if config.get("kind") != "fill":
        raise UserError(f"The model in {folder} is of kind {config.get('kind')!r}, which this version cannot open.")
    try:
        size, predicts = int(config["size"]), config["prediction"]
        if predicts not in PREDICTS or size < 8 or size % 8:
            raise ValueError(f"prediction {predicts!r} at {size} pixels")
        schedule = from_config(config["schedule"])
        tokenizer = Tokenizer.from_file(_beside(folder, config["tokenizer"]))
        network = _load_network(config["network"], _beside(folder, config["weights"]), place)
    except (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"The model in {folder} cannot be opened: {_one_line(error)}.") from error
    info = ModelInfo(str(config.get("name", folder.name)), place.type, size)
    return Model(
        info, schedule, PixelSpace(size, place), _FillCall(network), predicts, _TextCall(network, tokenizer), True
    )


@dataclass(frozen=True, eq=False)
class _FillCall:
    """The fill network as a `Network`: its own precision inside, float32 outside."""

    network: FillNetwork

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        dtype = next(self.network.parameters()).dtype
        mask, known, text, text_mask = condition.mask, condition.known, condition.text, condition.text_mask
        if mask is None or known is None or text is None or text_mask is None:
            raise ValueError("a fill network needs mask, known, text and text_mask")
        times = torch.full((len(x_t),), t, device=x_t.device)
        return self.network(x_t.to(dtype), times, mask.to(dtype), known.to(dtype), text, text_mask)


@dataclass(frozen=True, eq=False)
class _TextCall:
    network: FillNetwork
    tokenizer: Tokenizer

    def __call__(self, prompt: str) -> tuple[Tensor, Tensor]:
        tokens = self.tokenizer.encode([prompt]).to(next(self.network.parameters()).device)
        return self.network.encode_text(tokens), tokens != PAD


def _load_network(config: dict[str, Any], weights: Path, device: torch.device) -> FillNetwork:
    network = FillNetwork(FillNetworkConfig(**config))
    network.load_state_dict(load_file(weights), assign=True)
    network.requires_grad_(False).eval()
    network.to(device, fastest_dtype(device))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"The model's {folder / 'config.json'} cannot be read: {_one_line(error)}.") from error
    if not isinstance(config, dict):
        raise UserError(f"The model's {folder / 'config.json'} is not a JSON object.")
    return config


def _beside(folder: Path, name: str) -> Path:
    """A file of the model's own folder; a config must not reach out of it."""
    if Path(name).name != name:
        raise ValueError(f"{name!r} is not a plain file name")
    return folder / name


def _one_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0].rstrip('.:')}" if text else type(error).__name__
