"""Which mask method is best for how many network evaluations: the table of docs/engine.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import LANPAINT, NATIVE, RANGE_NULL, REPAINT, REPLACE, Sampling
from paintdiff.image.geometry import Rect
from paintdiff.training.backgrounds import KINDS
from paintdiff.training.evaluate import hole_in
from paintdiff.training.scenes import Scene

_SEED = 30_000  # far from every training step's seed
_REPEATS = 4  # of a stretch, or one step and three inner moves
METHODS = (NATIVE, REPLACE, REPAINT, RANGE_NULL, LANPAINT)


@dataclass(frozen=True)
class Row:
    """One method: network evaluations a picture; the masked L1 (0..255) of the mean of all samples, over that of the
    better of OpenCV's two methods; the SSIM of a single sample inside the mask's box.
    """

    method: str
    evaluations: float
    l1: float
    against_classical: float
    ssim: float


def compare(model: str, device: str, pictures: int, samples: int, budgets: tuple[int, ...]) -> Iterator[Row]:
    """A row for each method and each budget of network evaluations, and one for OpenCV's methods with 0 of them.

    `pictures` backgrounds of each kind, without a prompt. Methods that travel or move within a time take a fourth of
    the steps.
    """
    scenes = [
        hole_in(kind, 64, np.random.default_rng((_SEED, k, i)))
        for k, kind in enumerate(KINDS)
        for i in range(pictures)
    ]
    classical = np.array([_classical(scene) for scene in scenes])
    best = classical[:, :, 0].min(axis=1)
    for column, name in enumerate(("Telea", "Navier-Stokes")):
        l1, ssim = classical[:, column].mean(axis=0)
        yield Row(name, 0, float(l1), float(l1 / best.mean()), float(ssim))
    engine = DiffusionEngine()
    for method in METHODS:
        for budget in budgets:
            steps = budget if method in (NATIVE, REPLACE) else max(2, budget // _REPEATS)
            sampling = Sampling(
                guidance=1.0, steps=steps, candidates=samples, method=method, travel=_REPEATS, langevin=_REPEATS - 1
            )
            figures = np.array([_filled(engine, model, device, scene, sampling) for scene in scenes])
            evaluations, l1, ssim = figures.mean(axis=0)
            yield Row(method, float(evaluations), float(l1), float(l1 / best.mean()), float(ssim))


def header() -> str:
    """The first lines of the table, in Markdown."""
    return "| method | evaluations | L1 of the mean | against OpenCV | SSIM of one |\n|---|---|---|---|---|"


def line(row: Row) -> str:
    """A row in Markdown."""
    return f"| {row.method} | {row.evaluations:.0f} | {row.l1:.2f} | {row.against_classical:.2f} | {row.ssim:.3f} |"


def _filled(
    engine: DiffusionEngine, model: str, device: str, scene: Scene, sampling: Sampling
) -> tuple[float, float, float]:
    """(evaluations a sample, masked L1 of the samples' mean, SSIM of the first)."""
    frame = Rect(0, 0, *scene.mask.shape[::-1])
    picture = np.dstack([scene.picture, np.full(scene.mask.shape, 255, np.uint8)])
    request = Request(
        "inpaint", frame, frame, picture, (scene.mask > 0).astype(np.uint8) * 255, sampling, model, device, feather=0
    )
    result = engine.generate(request, lambda progress: None, CancelToken())
    fills = [np.where(c.patch[..., 3:] > 0, c.patch[..., :3], scene.picture) for c in result.candidates]
    evaluations = result.report.network_evaluations / len(fills)
    return evaluations, _l1(np.mean(fills, axis=0), scene), _ssim(fills[0], scene)


def _classical(scene: Scene) -> list[tuple[float, float]]:
    fills = [cv2.inpaint(scene.picture, scene.mask, 5, way) for way in (cv2.INPAINT_TELEA, cv2.INPAINT_NS)]
    return [(_l1(fill, scene), _ssim(fill, scene)) for fill in fills]


def _l1(fill: np.ndarray, scene: Scene) -> float:
    return float(np.abs(fill.astype(np.float32) - scene.picture)[scene.mask > 0].mean())


def _ssim(fill: np.ndarray, scene: Scene) -> float:
    """Structural similarity in brightness (Wang et al. 2004, Gaussian window of 1.5 pixels), mean over the mask."""
    a, b = (cv2.cvtColor(rgb.astype(np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float64) for rgb in (fill, scene.picture))

    def blurred(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((similar / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))[scene.mask > 0].mean())
