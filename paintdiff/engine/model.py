"""Models: all that a run needs of a checkpoint, and which loader opens which folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from paintdiff.engine.bundled.enlarger import Enlarger
from paintdiff.engine.bundled.judge import Judge
from paintdiff.engine.bundled.reference import Lookup
from paintdiff.engine.checkpoints.checkpoint import one_line, open_checkpoint
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.safety import SafetyChecker, find_safety_checker
from paintdiff.engine.checkpoints.tiny_autoencoder import find_tiny, load_tiny
from paintdiff.engine.denoiser import Condition, Network, Predicts
from paintdiff.engine.hardware.device import dtype_of, find_device, free_bytes, leave_a_core
from paintdiff.engine.hardware.placement import Placement, place_as_fits
from paintdiff.engine.hardware.sturdy import ran_out
from paintdiff.engine.schedule import Schedule
from paintdiff.engine.space import Space
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTO, AUTOMATIC, Placing
from paintdiff.models.catalogue import find_model
from paintdiff.models.screening import refuse_pickle
from paintdiff.models.storage import FLOAT8, keeps_float8
from paintdiff.models.walk import INDEX

if TYPE_CHECKING:
    from paintdiff.engine.checkpoints.single_file import FilePlan

# What reading a damaged model raises where we do not look ourselves.
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError, RuntimeError)


@dataclass(frozen=True, eq=False)
class Model:
    """All that a run needs of a checkpoint.

    `encode_text` turns a prompt into what a `Condition` says in words: text (1, L, D) and its mask, and what else the
    network reads of a prompt; a model that reads none has L = 0.
    `mask_channels` says that the network reads `Condition.mask` and `known`. `weights` is the module behind
    `network`, whose precision may be raised when half precision overflows (the network casts what it is given).
    `judge` loads the folder's judge of pictures and prompts, once; `looks` is where the network looks things up, and
    `enlarge` its second stage.
    `parts` are the networks of a latent checkpoint, and `placement` is where they lie. `reads_guidance`: the network is
    told w (`Condition.guidance`) and answers as guided, so that nothing is left to be guided. `image` are the
    embeddings of an image prompt that the network looks at now, and of none. `safety` loads the checkpoint's own safety
    checker, once.
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
    looks: Lookup | None = None
    enlarge: Enlarger | None = None
    parts: Parts | None = None
    reads_guidance: bool = False
    image: tuple[Tensor, Tensor] | None = None
    placement: Placement | None = None
    safety: Callable[[], SafetyChecker] | None = None

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """The large networks of a latent checkpoint, which take long enough to be stopped in the middle."""
        if self.parts is None:
            return ()
        denoiser = self.parts.denoiser if self.weights is None else self.weights  # with its ControlNets
        return *self.parts.text_encoders, self.parts.vae, denoiser

    @property
    def castable(self) -> nn.Module | None:
        """`weights` where they can be cast to another type for a while: not those that come and go."""
        quantized = self.parts is not None and bool(self.parts.quantized)
        return None if quantized or (self.placement is not None and self.placement.hooked) else self.weights


def find_folder(model: str) -> Path:
    """The folder of a bundled model, of a path or of a hub name in the cache, or the file of one.

    Raises `UserError` when there is none.
    """
    _, path = find_model(model)
    if path.is_dir() and not any((path / name).is_file() for name in ("config.json", INDEX)):
        raise UserError(
            f"No model is called {model!r}: there is neither a {INDEX} nor a config.json in {path}. A folder of "
            "several models is looked through after paintdiff models folder add; then take one by its name."
        )
    refuse_pickle(path)
    return path


def load_model(
    model: str, device: str, dtype: torch.dtype | None = None, placing: Placing = AUTOMATIC,
    make_room: Callable[[], None] = lambda: None,
) -> Model:
    """Load a bundled model, a folder or a file onto a device. `dtype` is what its network computes in, None what
    `placing` says. `make_room` is called once the model is known to be sound as far as headers and configs tell, and
    before any memory is taken for it.

    Raises `UserError` saying which file is missing or damaged, or what the device cannot do.
    """
    folder, place = find_folder(model), find_device(device)
    leave_a_core()
    keeps = folder.is_file() and placing.precision == AUTO and place.type != "mps" and keeps_float8(folder)
    placing = replace(placing, precision=FLOAT8) if keeps and dtype is None else placing
    dtype = dtype or dtype_of(placing.precision, place)
    try:
        plan = _check(folder)
        make_room()
        free = free_bytes(place)
        if plan is None:
            loaded = _load_folder(folder, place, dtype)
        else:
            loaded = _load_file(plan, place, dtype, placing.precision == FLOAT8)
        if loaded.parts is None:
            return loaded
        placement = place_as_fits(loaded.parts, loaded.info.size, place, placing, free)
        precision = FLOAT8 if placement.float8 else loaded.parts.quantized or str(dtype).removeprefix("torch.")
        info = replace(loaded.info, memory=placement.rung, precision=precision)
        space = _previewed(loaded.space, folder, dtype)
        return replace(loaded, info=info, placement=placement, space=space)
    except (*_UNREADABLE, MemoryError) as error:
        if ran_out(error):
            raise UserError(
                f"The device {place.type} ran out of memory while {folder.name} was loaded; close what else uses it, "
                "or choose another device or a smaller model."
            ) from error
        raise UserError(f"The model in {folder} cannot be opened: {one_line(error)}.") from error


def _previewed(space: Space, folder: Path, dtype: torch.dtype) -> Space:
    """`space` with a tiny autoencoder for its previews, if one lies on the machine."""
    if not isinstance(space, LatentSpace):
        return space
    tiny = find_tiny(folder, space.autoencoder.scaling)
    return space if tiny is None else replace(space, tiny=load_tiny(tiny, space.device, dtype))


def _check(folder: Path) -> FilePlan | None:
    """What a checkpoint of one file is; None for a folder. Raises `UserError`, or what reading a damaged model raises,
    for one whose headers and configs are unsound."""
    from paintdiff.engine.bundled.fill_model import check_fill_model  # here: a loader needs `Model`
    from paintdiff.engine.checkpoints.single_file import inspect_single_file

    if not folder.is_dir():
        return inspect_single_file(folder)
    if (folder / INDEX).is_file():
        open_checkpoint(folder).check_fit()
    else:
        check_fill_model(folder)
    return None


def _load_file(plan: FilePlan, device: torch.device, dtype: torch.dtype, keep_float8: bool) -> Model:
    from paintdiff.engine.checkpoints.loaders import load_single_file  # here: a loader needs `Model`

    return load_single_file(plan, device, dtype, keep_float8)


def _load_folder(folder: Path, device: torch.device, dtype: torch.dtype) -> Model:
    from paintdiff.engine.checkpoints.loaders import LOADERS, load_fill_model  # here: a loader needs `Model`

    if not (folder / INDEX).is_file():
        return load_fill_model(folder, device, dtype)
    checkpoint = open_checkpoint(folder)
    loaded, safety = LOADERS[checkpoint.pipelines](checkpoint, device, dtype), find_safety_checker(checkpoint)
    return replace(loaded, info=replace(loaded.info, safety=safety is not None), safety=safety)
