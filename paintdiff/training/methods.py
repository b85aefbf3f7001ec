"""Which mask method is best for how many network evaluations: the table of docs/engine.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.conditions.mask_method import MaskMethod
from paintdiff.engine.denoiser import Clamped, Condition, NetworkDenoiser
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import Renoise, descending
from paintdiff.engine.run import run
from paintdiff.engine.samplers.sampler import State, make_sampler
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.sampling import LANPAINT, NATIVE, RANGE_NULL, REPAINT, REPLACE, Sampling
from paintdiff.training.backgrounds import KINDS
from paintdiff.training.holes import hole_in
from paintdiff.training.scenes import Scene, as_bytes
from paintdiff.training.similarity import masked_l1, masked_ssim

_SEED = 30_000  # far from every training step's seed
_REPEATS = 4  # of a stretch, or one step and three inner moves
METHODS = (NATIVE, REPLACE, REPAINT, RANGE_NULL, LANPAINT)


@dataclass(frozen=True)
class Row:
    """One method: network evaluations a picture; the masked L1 (0..255) of the mean of all samples, over that of the
    better of OpenCV's two methods; the SSIM of a single sample inside the mask.
    """

    method: str
    evaluations: int
    l1: float
    against_classical: float
    ssim: float


def compare(model: Model, pictures: int, samples: int, budgets: tuple[int, ...]) -> Iterator[Row]:
    """A row for each method and each budget of network evaluations, and one for each of OpenCV's methods.

    `pictures` backgrounds of each kind, without a prompt. Methods that travel or move within a time take a fourth of
    the steps.
    """
    scenes = [
        hole_in(kind, model.space.size, np.random.default_rng((_SEED, k, i)))
        for k, kind in enumerate(KINDS)
        for i in range(pictures)
    ]
    ways = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}
    classical = {
        name: np.stack([cv2.inpaint(scene.picture, scene.mask, 5, way) for scene in scenes])
        for name, way in ways.items()
    }
    best = float(np.minimum(*(_l1(fills, scenes) for fills in classical.values())).mean())
    for name, fills in classical.items():
        yield _row(name, 0, fills[None], scenes, best)
    for method in METHODS:
        for budget in budgets:
            steps = budget if method in (NATIVE, REPLACE) else max(2, budget // _REPEATS)
            runs = [_filled(model, scenes, _sampling(method, steps, seed)) for seed in range(samples)]
            yield _row(method, runs[0][1], np.stack([fills for fills, _ in runs]), scenes, best)


def _sampling(method: str, steps: int, seed: int) -> Sampling:
    return Sampling(steps=steps, seed=seed, method=method, travel=_REPEATS, langevin=_REPEATS - 1)


def header() -> str:
    """The first lines of the table, in Markdown."""
    return "| method | evaluations | L1 of the mean | against OpenCV | SSIM of one |\n|---|---|---|---|---|"


def line(row: Row) -> str:
    """A row in Markdown."""
    return f"| {row.method} | {row.evaluations} | {row.l1:.2f} | {row.against_classical:.2f} | {row.ssim:.3f} |"


def _row(method: str, evaluations: int, fills: np.ndarray, scenes: list[Scene], best: float) -> Row:
    """`fills` (samples, pictures, S, S, 3)."""
    l1 = float(_l1(fills.mean(axis=0), scenes).mean())
    ssim = [masked_ssim(fill, scene.picture, scene.mask) for fill, scene in zip(fills[0], scenes, strict=True)]
    return Row(method, evaluations, l1, l1 / best, float(np.mean(ssim)))


@torch.no_grad()
def _filled(model: Model, scenes: list[Scene], sampling: Sampling) -> tuple[np.ndarray, int]:
    """((N, S, S, 3) uint8, evaluations a picture): every scene in one batch, with noise of its own."""
    space = model.space
    pixels = torch.cat([space.encode(scene.picture) for scene in scenes])
    strength = torch.cat([space.strength((scene.mask > 0).astype(np.uint8) * 255, 1.0) for scene in scenes])
    draw = Noise(sampling.seed, tuple(pixels.shape), space.device)
    everywhere = torch.ones_like(strength)
    method = MaskMethod(model, sampling, pixels, strength, pixels, everywhere, draw, pixels, strength)
    said = model.encode_text("")
    assert said.text is not None
    assert said.text_mask is not None
    condition = Condition(said.text.expand(len(scenes), -1, -1), said.text_mask.expand(len(scenes), -1))
    evaluations = 0

    def network(x_t: Tensor, t: float, condition: Condition) -> Tensor:
        nonlocal evaluations
        evaluations += 1
        return model.network(x_t, t, condition)

    denoiser = Clamped(NetworkDenoiser(network, model.schedule, model.predicts))
    start, *times = method.times(descending(1.0, sampling.steps))
    *_, last = run(
        State(draw(0), start), times, make_sampler(sampling.sampler, model.schedule, draw, sampling.eta), denoiser,
        condition, method.constraint(), CancelToken(), Renoise(model.schedule, draw),
    )  # fmt: skip
    return np.stack([as_bytes(space.decode(x0[None])) for x0 in last.x_t]), evaluations


def _l1(fills: np.ndarray, scenes: list[Scene]) -> np.ndarray:
    """(N,): of each scene's fill."""
    return np.array([masked_l1(fill, scene.picture, scene.mask) for fill, scene in zip(fills, scenes, strict=True)])
