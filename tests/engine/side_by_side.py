"""Our engine's own pieces and a pipeline of diffusers, made to walk the same way from the same noise."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image
from torch import Tensor

from paintdiff.engine.conditions.constraint import Constraint, Free
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.denoiser import NetworkDenoiser
from paintdiff.engine.model import Model, load_model
from paintdiff.engine.noise import Noise
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.cancel import CancelToken

PROMPT, NEGATIVE, W = "a red apple", "grey sky", 4.0
STEPS = 10
# Trailing spacing with a clean end is our own plan: levels 999, 899, ..., 99 and then the picture.
TRAILING = {"timestep_spacing": "trailing", "set_alpha_to_one": True}
ZERO_SNR = TRAILING | {"rescale_betas_zero_snr": True}


def opened(source: Path) -> Model:
    return load_model(str(source), "cpu", torch.float32)


def theirs(kind: type[DiffusionPipeline], folder: Path, **options) -> DiffusionPipeline:
    pipeline = kind.from_pretrained(folder, local_files_only=True, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def ours(
    model: Model, x_t: Tensor, times: list[float], constraint: Constraint | None = None, w: float = W,
    sampler: str = "ddim", guidance: float | None = None, seed: int = 0,
) -> Tensor:  # fmt: skip
    """A run with guidance and a negative prompt; `x_t` is the noisy picture at times[0].

    `guidance` is told to the network, for one that was distilled to read it.
    """
    condition = model.encode_text(PROMPT)
    if guidance is not None:
        condition = replace(condition, guidance=torch.tensor([guidance]))
    negative = model.encode_text(NEGATIVE)
    denoiser = ClassifierFree(NetworkDenoiser(model.network, model.schedule, model.predicts), w, negative)
    mover = make_sampler(sampler, model.schedule, Noise(seed, model.space.shape), 0.0)
    with torch.no_grad():
        states: Iterator[State] = run(
            State(x_t, times[0]), times[1:], mover, denoiser, condition, constraint or Free(), CancelToken()
        )
        return list(states)[-1].x_t


def evenly(start: float = 1.0, steps: int = STEPS) -> list[float]:
    return [start * (steps - i) / steps for i in range(steps + 1)]


def picture(side: int = 32) -> np.ndarray:
    """(side, side, 3) uint8 with soft shapes."""
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    waves = [np.sin(3 * rows + columns), np.cos(4 * columns), rows * columns]
    return np.rint(np.stack(waves, axis=2) * 100 + 120).clip(0, 255).astype(np.uint8)


def aligned_mask(side: int = 32) -> np.ndarray:
    """(side, side) uint8, set in whole cells of 8 pixels or fewer."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : 3 * side // 4, 8 : side // 2 + 8] = 255
    return mask


def as_pil(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels)


def close(a: Tensor, b: Tensor, tolerance: float = 2e-4) -> bool:
    return bool((a - b).abs().max() < tolerance * b.abs().max())
