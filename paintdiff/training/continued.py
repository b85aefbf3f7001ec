"""How well the model goes on where nothing is asked for, beside OpenCV's two classical methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from paintdiff.generation.sampling import Sampling
from paintdiff.training.backgrounds import KINDS
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part, table
from paintdiff.training.holes import hole_in, hole_in_photograph, hole_in_scene
from paintdiff.training.mode_sheet import marked
from paintdiff.training.scenes import Scene
from paintdiff.training.setting import Setting
from paintdiff.training.similarity import masked_l1, masked_ssim

SCENES, PHOTOGRAPHS = "scenes", "photo crops"
# What is judged, and how the model's L1 must compare with the better classical method's.
_GROUPS = {"gradients": ("linear", "radial"), "stripes": ("stripes",), "checks": ("checks",), SCENES: (SCENES,)}
TARGET, PHOTOGRAPH_TARGET = 0.75, 1.0
_SEED = 50_000  # far from every training step's seed
_METHODS = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}


@dataclass(frozen=True)
class Row:
    """One kind of picture: masked L1 (0..255) and SSIM by method ("model" is ours), and how large the seam is.

    The model's L1 is that of the mean of all samples, its SSIM that of one. `seam` is the mean step in brightness
    across the mask's edge in one fill, over that in the true picture.
    """

    kind: str
    l1: dict[str, float]
    ssim: dict[str, float]
    seam: float

    @property
    def classical(self) -> float:
        """The better classical method's L1."""
        return min(self.l1[method] for method in _METHODS)


def continuation(setting: Setting) -> Part:
    """Holes in backgrounds, scenes of held-out things and photographs, filled without a prompt or a feather."""
    holes = _holes(setting)
    fills = _fills(setting, [scene for scenes in holes.values() for scene in scenes])
    rows, cells, place = [], [], 0
    for kind, scenes in holes.items():
        own = fills[place : place + len(scenes)]
        rows.append(row_of(kind, scenes, own))
        cells += _shown(kind, scenes[0], own[0])
        place += len(scenes)
    figures = [_figure(name, [row for row in rows if row.kind in kinds], TARGET) for name, kinds in _GROUPS.items()]
    if PHOTOGRAPHS in holes:
        figures.append(_figure(PHOTOGRAPHS, [rows[-1]], PHOTOGRAPH_TARGET))
    else:
        figures.append(Figure(f"continuation: {PHOTOGRAPHS}", "no photographs could be fetched here"))
    numbers = {"pictures": setting.pictures, "samples": setting.samples, "rows": [asdict(row) for row in rows]}
    return Part("continuation", tuple(figures), _details(rows), numbers, {
        "continuation": contact_sheet(cells, _COLUMNS),
    })  # fmt: skip


def row_of(kind: str, scenes: Sequence[Scene], fills: Sequence[np.ndarray]) -> Row:
    """`fills` (samples, S, S, 3) uint8 of each scene."""
    guesses = {
        method: [cv2.inpaint(scene.picture, scene.mask, 5, flag) for scene in scenes]
        for method, flag in _METHODS.items()
    }
    l1 = {"model": _mean(masked_l1, [own.mean(axis=0) for own in fills], scenes)}
    ssim = {"model": _mean(masked_ssim, [own[0] for own in fills], scenes)}
    for method, pictures in guesses.items():
        l1[method], ssim[method] = _mean(masked_l1, pictures, scenes), _mean(masked_ssim, pictures, scenes)
    hole = np.stack([scene.mask for scene in scenes]).astype(bool)
    true = np.stack([scene.picture for scene in scenes])
    seam = _edge_step(np.stack([own[0] for own in fills]), hole) / max(_edge_step(true, hole), 1.0)
    return Row(kind, l1, ssim, seam)


def _holes(setting: Setting) -> dict[str, list[Scene]]:
    """The pictures of each kind, the same each time."""
    size = setting.painter.size

    def seeds(number: int) -> list[np.random.Generator]:
        return [np.random.default_rng((_SEED, number, i)) for i in range(setting.pictures)]

    holes = {kind: [hole_in(kind, size, rng) for rng in seeds(number)] for number, kind in enumerate(KINDS)}
    holes[SCENES] = [hole_in_scene(setting.held_out, size, rng) for rng in seeds(len(KINDS))]
    if setting.photographs:
        holes[PHOTOGRAPHS] = [hole_in_photograph(setting.photographs, size, rng) for rng in seeds(len(KINDS) + 1)]
    return holes


def _fills(setting: Setting, scenes: Sequence[Scene]) -> list[np.ndarray]:
    sampling = Sampling(candidates=setting.samples)
    return setting.painter.paint([setting.painter.request(s.picture, s.mask, sampling) for s in scenes])


def _mean(
    measure: Callable[[np.ndarray, np.ndarray, np.ndarray], float], pictures: Sequence[np.ndarray],
    scenes: Sequence[Scene],
) -> float:  # fmt: skip
    values = [measure(p, scene.picture, scene.mask) for p, scene in zip(pictures, scenes, strict=True)]
    return float(np.mean(values))


def _edge_step(pictures: np.ndarray, hole: np.ndarray) -> float:
    """Mean absolute difference (0..255) between neighbours of which one is masked and the other kept."""
    values = pictures.astype(np.float32).mean(-1)
    down = np.abs(np.diff(values, axis=1))[hole[:, 1:] != hole[:, :-1]]
    across = np.abs(np.diff(values, axis=2))[hole[:, :, 1:] != hole[:, :, :-1]]
    return float(np.concatenate([down, across]).mean())


def _figure(name: str, rows: Sequence[Row], most: float) -> Figure:
    """The model's L1 over the better classical method's, kind by kind, and the mean over kinds of both."""
    ours, best = (float(np.mean(values)) for values in ([r.l1["model"] for r in rows], [r.classical for r in rows]))
    change = ours / max(best, 1e-9) - 1
    target = f"at most {100 * (most - 1):+.0f} %" if most < 1 else "not worse"
    value = f"{ours:.1f} beside {best:.1f}: {100 * change:+.0f} %"
    how = "masked L1, beside the better of OpenCV's"
    return Figure(f"continuation: {name}", value, target, change <= most - 1, how)


def _details(rows: Sequence[Row]) -> str:
    methods = ("model", *_METHODS)
    heads = ("L1:", *methods, "SSIM:", *methods, "seam")
    return table(heads, [
        [
            row.kind, *(f"{row.l1[method]:.2f}" for method in methods),
            "", *(f"{row.ssim[method]:.3f}" for method in methods), f"{row.seam:.2f}",
        ]
        for row in rows
    ])  # fmt: skip


_COLUMNS = 7


def _shown(kind: str, scene: Scene, fills: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """One row of the sheet."""
    classical = [(name, cv2.inpaint(scene.picture, scene.mask, 5, flag)) for name, flag in _METHODS.items()]
    samples = [(f"sample {k + 1}", fills[k % len(fills)]) for k in range(2)]
    mean = np.round(fills.mean(axis=0)).astype(np.uint8)
    hole = marked(scene.picture, scene.mask * np.uint8(255))
    return [(kind, scene.picture), ("hole", hole), *samples, (f"mean of {len(fills)}", mean), *classical]
