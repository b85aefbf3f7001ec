"""Models: all that a run needs of a checkpoint, and which loader opens which folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from paintdiff.engine.checkpoint import INDEX, STABLE_DIFFUSION, one_line, open_checkpoint
from paintdiff.engine.denoiser import Network, Predicts
from paintdiff.engine.device import find_device, leave_a_core
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.space import Space
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.resource_files import resource


@dataclass(frozen=True, eq=False)
class Model:
    """All that a run needs of a checkpoint.

    `encode_text` turns a prompt into (text (1, L, D), text_mask (1, L)); a model that reads no prompts has L = 0.
    `mask_channels` says that the network reads `Condition.mask` and `known`.
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
    if model and ((folder / "config.json").is_file() or (folder / INDEX).is_file()):
        return folder
    raise UserError(
        f"No model is called {model!r}; give the name of a bundled model, or a folder with a config.json or a {INDEX}."
    )


def load_model(model: str, device: str) -> Model:
    """Load a bundled model or a folder onto a device. Raises `UserError` saying which file is missing or damaged."""
    folder, place = find_folder(model), find_device(device)
    leave_a_core()
    try:
        return _load(folder, place)
    except (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"The model in {folder} cannot be opened: {one_line(error)}.") from error


def _load(folder: Path, device: torch.device) -> Model:
    # Each loader brings its own libraries: those of other checkpoints take seconds to import.
    if not (folder / INDEX).is_file():
        from paintdiff.engine.fill_model import load_fill_model

        return load_fill_model(folder, device)
    checkpoint = open_checkpoint(folder)
    if checkpoint.pipeline in STABLE_DIFFUSION:
        from paintdiff.engine.stable_diffusion import load_stable_diffusion

        return load_stable_diffusion(checkpoint, device)
    from paintdiff.engine.pixel_unet import load_pixel_unet

    return load_pixel_unet(checkpoint, device)
