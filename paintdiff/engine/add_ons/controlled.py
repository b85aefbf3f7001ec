"""What a run is shown besides its prompt: control maps with their times, and an image prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.conditions.prompt_over_time import TOLERANCE
from paintdiff.engine.denoiser import Condition, Denoiser, Prediction
from paintdiff.engine.model import Model
from paintdiff.engine.tasks.task import Task
from paintdiff.generation.controls import FRAME, Control
from paintdiff.generation.request import Request
from paintdiff.image.control_maps import control_map


@dataclass(frozen=True, eq=False)
class Besides:
    """`control` (1, 3 K, S, S) are the maps of the controls that have a say; None where none has.

    `image` and `no_image` are the embeddings of an image prompt and of none; None without one.
    """

    controls: tuple[Control, ...] = ()
    control: Tensor | None = None
    image: Tensor | None = None
    no_image: Tensor | None = None

    def weights(self, t: float, start: float) -> Tensor:
        """(1, K) float32: how strongly each control counts at time t of a run that began at `start`."""
        gone = 1 - t / start
        return torch.tensor([[each.weight if _has_a_say(each, gone) else 0.0 for each in self.controls]])


@dataclass(frozen=True, eq=False)
class Controlled:
    """`denoiser`, which is shown something besides in a run that began at time `start`."""

    denoiser: Denoiser
    shown: Besides
    start: float

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Prediction:
        shown = self.shown
        condition = replace(condition, image=shown.image, no_image=shown.no_image)
        if shown.control is not None:
            weights = shown.weights(t, self.start)
            if weights.any():
                condition = replace(condition, control=shown.control, control_weights=weights)
        return self.denoiser(x_t, t, condition)


def shown_besides(part: Request, task: Task, model: Model) -> Besides | None:
    """What the request shows the model besides, as it sees this part of it; None for nothing."""
    controls = active_controls(part.add_ons.controls)
    if not controls and model.image is None:
        return None
    image, no_image = model.image or (None, None)
    maps = control_maps(controls, part, task).to(model.space.device) if controls else None
    return Besides(controls, maps, image, no_image)


def control_maps(controls: Sequence[Control], part: Request, task: Task) -> Tensor:
    """The maps of the controls, (1, 3 K, H, W) float32."""
    free = task.shown.picture(np.ascontiguousarray(part.change_map)) > 0
    maps = [_map(control, part, task, free) for control in controls]
    return torch.from_numpy(np.concatenate(maps, axis=2)).permute(2, 0, 1)[None].contiguous()


def active_controls(controls: Sequence[Control]) -> tuple[Control, ...]:
    """Those that have a say at any time."""
    return tuple(control for control in controls if control.active)


def _map(control: Control, part: Request, task: Task, free: np.ndarray) -> np.ndarray:
    picture = part.picture if control.picture is None else control.picture
    rgb = task.shown.picture(np.ascontiguousarray(picture[..., :3]))
    alpha = task.shown.picture(np.ascontiguousarray(picture[..., 3]))
    drawn = control.source != FRAME and int(alpha.min()) < 255
    return control_map(control.kind, np.dstack([rgb, alpha]), free, ready=control.is_map, drawn=drawn)


def _has_a_say(control: Control, gone: float) -> bool:
    """Whether it counts when a share `gone` of the way is behind."""
    return gone >= control.start - TOLERANCE and (control.until == 1 or gone < control.until - TOLERANCE)
