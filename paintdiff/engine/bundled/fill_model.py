"""The bundled model's own format: a folder with config.json, safetensors and a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors.torch import load_file
from torch import Tensor

from paintdiff.engine.bundled.enlarger import find_enlarger
from paintdiff.engine.bundled.fill_network import FillNetwork, FillNetworkConfig
from paintdiff.engine.bundled.judge import find_judge
from paintdiff.engine.bundled.picture_library import load_library
from paintdiff.engine.bundled.reference import Lookup
from paintdiff.engine.bundled.text import PAD, Tokenizer
from paintdiff.engine.checkpoints.weights import check_finite, compare, without_memory
from paintdiff.engine.denoiser import Condition, Predicts
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import from_config
from paintdiff.engine.space import PixelSpace
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_defaults import valid
from paintdiff.generation.prompt_tags import fragments, words_alone
from paintdiff.models.bounds import check_bounds
from paintdiff.models.header import read_header, read_object
from paintdiff.models.walk import INDEX

PREDICTS = get_args(Predicts)


def load_fill_model(folder: Path, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for another kind of model, and what reading a missing or damaged file raises."""
    config = check_fill_model(folder)
    size, predicts = int(config["size"]), config["prediction"]
    schedule = from_config(config["schedule"])
    tokenizer = Tokenizer.from_file(_beside(folder, config["tokenizer"]))
    network = _load_network(config["network"], _beside(folder, config["weights"]), device, dtype)
    check_finite(network, folder)
    looks = None
    if "pictures" in config:
        looks = Lookup(load_library(_beside(folder, config["pictures"])), bool(config.get("guesses", False)))
    usual = valid(config.get("defaults", {}))
    info = ModelInfo(
        str(config.get("name", folder.name)), device.type, size, mask_channels=True, defaults=usual,
        names=() if looks is None else looks.library.names,
    )  # fmt: skip
    return Model(
        info, schedule, PixelSpace(size, device), _FillCall(network), predicts, _TextCall(network, tokenizer), True,
        weights=network, judge=find_judge(folder, tokenizer, device), looks=looks,
        enlarge=find_enlarger(folder, device, dtype),
    )  # fmt: skip


def check_fill_model(folder: Path) -> dict[str, Any]:
    """The model's config, once the header of its weights bears it out.

    Raises `UserError` for another kind of model, and what reading a missing or damaged file raises.
    """
    config = read_object(folder / "config.json")
    if "kind" not in config and ("_class_name" in config or "architectures" in config):
        raise UserError(f"{folder} is one part of a checkpoint: give the folder that holds {INDEX}.")
    if config.get("kind") != "fill":
        raise UserError(f"The model in {folder} is of kind {config.get('kind')!r}, which this version cannot open.")
    size, predicts = int(config["size"]), config["prediction"]
    if predicts not in PREDICTS or size < 8 or size % 8:
        raise ValueError(f"prediction {predicts!r} at {size} pixels")
    check_bounds(folder / "config.json", config)
    header = read_header(_beside(folder, config["weights"]))
    with without_memory():
        network = FillNetwork(FillNetworkConfig(**config["network"]))
    compare(network, header)
    return config


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
        told = (mask.to(dtype), known.to(dtype), text.to(dtype), text_mask)
        return self.network(x_t.to(dtype), times, *told, condition.reference)


@dataclass(frozen=True, eq=False)
class _TextCall:
    network: FillNetwork
    tokenizer: Tokenizer

    def __call__(self, prompt: str) -> Condition:
        tokens = self.tokenizer.encode([words_alone(fragments(prompt))]).to(next(self.network.parameters()).device)
        return Condition(self.network.encode_text(tokens), tokens != PAD)


def _load_network(config: dict[str, Any], weights: Path, device: torch.device, dtype: torch.dtype) -> FillNetwork:
    network = FillNetwork(FillNetworkConfig(**config))
    network.load_state_dict(load_file(weights), assign=True)
    network.requires_grad_(False).eval()
    network.to(device, dtype)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _beside(folder: Path, name: str) -> Path:
    """A file of the model's own folder; a config must not reach out of it."""
    if Path(name).name != name:
        raise ValueError(f"{name!r} is not a plain file name")
    return folder / name
