"""Which loader opens which checkpoint: one table."""

from __future__ import annotations

from collections.abc import Callable

import torch

from paintdiff.engine.bundled.fill_model import load_fill_model
from paintdiff.engine.checkpoints.checkpoint import Checkpoint
from paintdiff.engine.checkpoints.flow_transformer import load_flux, load_stable_diffusion_3
from paintdiff.engine.checkpoints.pixel_unet import load_pixel_unet
from paintdiff.engine.checkpoints.single_file import load_single_file
from paintdiff.engine.checkpoints.stable_diffusion import load_stable_diffusion
from paintdiff.engine.model import Model
from paintdiff.models.pipelines import FLUX, PIXELS, STABLE_DIFFUSION, STABLE_DIFFUSION_3, STABLE_DIFFUSION_XL

__all__ = ["LOADERS", "load_fill_model", "load_single_file"]

Loader = Callable[[Checkpoint, torch.device, torch.dtype], Model]
LOADERS: dict[tuple[str, ...], Loader] = {
    STABLE_DIFFUSION: load_stable_diffusion,
    STABLE_DIFFUSION_XL: load_stable_diffusion,
    STABLE_DIFFUSION_3: load_stable_diffusion_3,
    FLUX: load_flux,
    PIXELS: load_pixel_unet,
}
