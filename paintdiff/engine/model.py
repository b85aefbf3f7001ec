"""Models: all that a run needs of a checkpoint, and which loader opens which folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn

from paintdiff.engine.checkpoint import INDEX, STABLE_DIFFUSION, one_line, open_checkpoint
from paintdiff.engine.denoiser import Condition, Network, Predicts
from paintdiff.engine.device import fastest_dtype, find_device, leave_a_core
from paintdiff.engine.judge import Judge
from paintdiff.engine.picture_library import PictureLibrary
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.space import Space
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.resource_files import resource


@dataclass(frozen=True, eq=False)
class Model:
    """All that a run needs of a checkpoint.

    `encode_text` turns a prompt into what a `Condition` says in words: text (1, L, D) and its mask, and what else the
    network reads of a prompt; a model that reads none has L = 0.
    `mask_channels` says that the network reads `Condition.mask` and `known`. `weights` is the module behind
    `network`, whose precision may be raised when half precision overflows (the network casts what it is given).
    `judge` loads the folder's judge of pictures and prompts, once; `pictures` are those that the network looks at.
    """

    info: ModelInfo
    schedule: Schedule
    space: Space
    network: Network
    predicts: Predicts
    encode_text: Callable[[str], Condition]
    mask_channels: bool
    weights: nn.Module | None = None
    judge: Callable[[], Judge] | None = None
    pictures: PictureLibrary | None = None


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


def load_model(model: str, device: str, dtype: torch.dtype | None = None) -> Model:
    """Load a bundled model or a folder onto a device; `dtype` is what its network computes in, None the fastest.

    Raises `UserError` saying which file is missing or damaged.
    """
    folder, place = find_folder(model), find_device(device)
    leave_a_core()
    try:
        return _load(folder, place, dtype or fastest_dtype(place))
    except (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"The model in {folder} cannot be opened: {one_line(error)}.") from error


def _load(folder: Path, device: torch.device, dtype: torch.dtype) -> Model:
    # Imported here, since a loader needs `Model`; those of other checkpoints import for seconds.
    if not (folder / INDEX).is_file():
        from paintdiff.engine.fill_model import load_fill_model

        return load_fill_model(folder, device, dtype)
    checkpoint = open_checkpoint(folder)
    if checkpoint.pipeline in STABLE_DIFFUSION:
        from paintdiff.engine.stable_diffusion import load_stable_diffusion

        return load_stable_diffusion(checkpoint, device, dtype)
    from paintdiff.engine.pixel_unet import load_pixel_unet

    return load_pixel_unet(checkpoint, device, dtype)
