"""A small autoencoder that stands in for the large one in previews, where one lies on the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from paintdiff.engine.checkpoints.weights import check_finite, check_fit
from paintdiff.generation.errors import UserError
from paintdiff.models.header import read_header, read_object
from paintdiff.models.hub_cache import find_cached
from paintdiff.models.hub_name import HubName
from paintdiff.models.screening import check_files, home

log = logging.getLogger(__name__)

KIND = "AutoencoderTiny"
WEIGHTS = "diffusion_pytorch_model.safetensors"
# By the scaling factor of the autoencoder whose latents they read: those that are known to be on the hub.
ON_HUB = {
    0.18215: "madebyollin/taesd", 0.13025: "madebyollin/taesdxl", 1.5305: "madebyollin/taesd3",
    0.3611: "madebyollin/taef1",
}  # fmt: skip
Decode = Callable[[Tensor], Tensor]


def find_tiny(model: Path, scaling: float) -> Path | None:
    """The folder of a tiny autoencoder for the latents of `model`: within its own folder, else in the hub's cache."""
    return next((folder for folder in _places(model, scaling) if _is_tiny(folder)), None)


def load_tiny(folder: Path, device: torch.device, dtype: torch.dtype) -> Decode | None:
    """Latents as the diffusion has them (1, C, h, w) -> pixels (1, 3, H, W) in [-1, 1]; None where it is no good.

    It only serves previews, so a broken one is no reason to refuse the model: the log says so.
    """
    try:
        network = _load(folder, dtype).requires_grad_(False).eval().to(device)
    except (UserError, KeyError, TypeError, ValueError, OSError, SafetensorError, RuntimeError):
        log.warning("The tiny autoencoder in %s cannot be used", folder, exc_info=True)
        return None
    return lambda latents: network.decode(latents.to(network.dtype)).sample.float()


def _load(folder: Path, dtype: torch.dtype) -> Any:
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    check_files(folder, home(folder))
    check_fit(AutoencoderTiny, folder, read_header(folder / WEIGHTS))
    network = AutoencoderTiny.from_pretrained(
        str(folder.resolve()), use_safetensors=True, local_files_only=True, torch_dtype=dtype
    )
    check_finite(network, folder)
    return network


def _places(model: Path, scaling: float) -> Iterator[Path]:
    if model.is_dir():
        yield from sorted(folder for folder in model.iterdir() if folder.is_dir())
    if scaling in ON_HUB and (cached := find_cached(HubName(ON_HUB[scaling]))) is not None:
        yield cached


def _is_tiny(folder: Path) -> bool:
    try:
        return (folder / WEIGHTS).is_file() and read_object(folder / "config.json").get("_class_name") == KIND
    except UserError:
        return False
