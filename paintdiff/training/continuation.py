"""How well backgrounds are continued, kind by kind, beside OpenCV's two methods: the table of docs/modes.md."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import LANPAINT, NATIVE, Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.training.backgrounds import KINDS
from paintdiff.training.held_out import rgba
from paintdiff.training.holes import hole_in
from paintdiff.training.scenes import Scene
from paintdiff.training.similarity import masked_l1, masked_ssim

_SEED = 50_000  # far from every training step's seed


def table(engine: DiffusionEngine, model: str, device: str, pictures: int, samples: int) -> Iterator[str]:
    """Lines of Markdown: masked L1 (0..255) of the mean of `samples` fills, and SSIM inside the mask of one, by kind.

    By the model's own mask channels (20 evaluations a fill) and by the best of the methods that suit any model (about
    four times as many). The mean, because a single sample of what cannot be known is off by about 1.4 times what the
    best guess is.
    """
    methods = ("Telea", "Navier-Stokes", "native", "LanPaint")
    yield f"| background | L1: {' | '.join(methods)} | SSIM: {' | '.join(methods)} |"
    yield f"|---{'|---' * 2 * len(methods)}|"
    size = engine.load(model, device).size
    for number, kind in enumerate(KINDS):
        scenes = [hole_in(kind, size, np.random.default_rng((_SEED, number, i))) for i in range(pictures)]
        figures = np.mean([_figures(engine, model, device, scene, samples) for scene in scenes], axis=0)
        l1 = [f"**{value:.2f}**" if value == figures[0].min() else f"{value:.2f}" for value in figures[0]]
        ssim = [f"**{value:.3f}**" if value == figures[1].max() else f"{value:.3f}" for value in figures[1]]
        yield f"| {kind} | {' | '.join([*l1, *ssim])} |"


def _figures(engine: DiffusionEngine, model: str, device: str, scene: Scene, samples: int) -> np.ndarray:
    """(2, 4): L1 and SSIM of Telea's method, of Navier-Stokes, and of fills by the two mask methods."""
    classical = [[cv2.inpaint(scene.picture, scene.mask, 5, way)] for way in (cv2.INPAINT_TELEA, cv2.INPAINT_NS)]
    ours = [_filled(engine, model, device, scene, samples, method) for method in (NATIVE, LANPAINT)]
    every = [*classical, *ours]
    return np.array([
        [masked_l1(np.mean(fills, axis=0), scene.picture, scene.mask) for fills in every],
        [masked_ssim(fills[0], scene.picture, scene.mask) for fills in every],
    ])  # fmt: skip


def _filled(
    engine: DiffusionEngine, model: str, device: str, scene: Scene, samples: int, method: str
) -> list[np.ndarray]:
    """Fills without a prompt and without a feather, which would show the true picture, (h, w, 3) uint8 each."""
    picture, change_map = rgba(scene.picture), np.where(scene.mask > 0, np.uint8(255), np.uint8(0))
    frame, sampling = Rect(0, 0, *change_map.shape[::-1]), Sampling(candidates=samples, method=method)
    request = Request("inpaint", frame, frame, picture, change_map, sampling, model, device, feather=0)
    result = engine.generate(request, lambda progress: None, CancelToken())
    return [over(picture, candidate.patch)[..., :3] for candidate in result.candidates]
