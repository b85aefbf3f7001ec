"""Is a thing gone that was masked and not asked for? Things over known grounds, beside plain continuation of these."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from paintdiff.generation.sampling import Sampling
from paintdiff.training.backgrounds import KINDS, background_of
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part, percent, table
from paintdiff.training.holes import hole
from paintdiff.training.mode_sheet import marked
from paintdiff.training.scenes import Placing, as_bytes, placed
from paintdiff.training.setting import Setting
from paintdiff.training.similarity import masked_l1

TARGET = 1.3  # times the masked L1 of holes of the usual forms in the same grounds
_CALM = ("plain", "linear", "radial", "sky", "texture")  # where something that is left can be told from a wrong guess
_LEFT = 0.5  # of the thing's own difference to the ground: a fill as far off as that shows something still
_SEED = 70_000  # far from every training step's seed
_GROWN = 0.03  # of the side that a mask reaches past the thing, as a painter would mask it


@dataclass(frozen=True, eq=False)
class Removal:
    """A ground (S, S, 3) uint8, the same with a thing on it, the mask of that thing, and a mask of another form."""

    kind: str
    ground: np.ndarray
    picture: np.ndarray
    mask: np.ndarray
    other: np.ndarray


def removal(setting: Setting) -> Part:
    """Masked L1 of removed things to the true ground, over that of continuing the same grounds."""
    cases, painter = [_case(setting, kind, n) for kind in KINDS for n in range(setting.pictures)], setting.painter
    sampling = Sampling(candidates=max(1, setting.samples // 4))
    fills = painter.paint(
        [painter.request(case.picture, case.mask, sampling) for case in cases]
        + [painter.request(case.ground, case.other, sampling) for case in cases]
    )
    removed, continued = fills[: len(cases)], fills[len(cases) :]
    gone = [masked_l1(own.mean(axis=0), case.ground, case.mask) for own, case in zip(removed, cases, strict=True)]
    usual = [masked_l1(own.mean(axis=0), case.ground, case.other) for own, case in zip(continued, cases, strict=True)]
    before = [masked_l1(case.picture, case.ground, case.mask) for case in cases]
    ratio = float(np.mean(gone)) / max(float(np.mean(usual)), 1e-9)
    left = float(np.mean([
        masked_l1(own[0], case.ground, case.mask) > _LEFT * thing
        for own, case, thing in zip(removed, cases, before, strict=True) if case.kind in _CALM
    ]))  # fmt: skip
    note = f"{len(cases)} held-out things, mean of {sampling.candidates} fills"
    figures = (
        Figure("removal", f"{np.mean(gone):.1f} beside {np.mean(usual):.1f}: × {ratio:.2f}", f"at most × {TARGET}",
            ratio <= TARGET, f"masked L1 to the true ground, beside continuation of the same grounds; {note}"),
        Figure("removal: something is left", percent(left), "", None,
            f"single fills of calm grounds, off by half as much as the thing was ({np.mean(before):.0f} levels)"),
    )  # fmt: skip
    by_kind = {
        kind: [float(np.mean([value for value, case in zip(values, cases, strict=True) if case.kind == kind]))
               for values in (before, gone, usual)]
        for kind in KINDS
    }  # fmt: skip
    details = table(
        ("ground", "the thing itself", "removed", "continued"),
        [[kind, *(f"{value:.1f}" for value in values)] for kind, values in by_kind.items()],
    )
    numbers = {"ratio": ratio, "left": left, "by_kind": by_kind}
    return Part("removal", figures, details, numbers, {"removal": _sheet(setting, cases, removed)})


def _case(setting: Setting, kind: str, number: int) -> Removal:
    size = setting.painter.size
    rng = np.random.default_rng((_SEED, list(KINDS).index(kind), number))
    ground = background_of(kind, size, rng).pixels
    thing = setting.held_out[int(rng.integers(len(setting.held_out)))].pixels
    side = round(rng.uniform(0.35, 0.65) * size)
    left, top = (int(v) for v in rng.integers(0, size - side + 1, 2))
    picture, cover = placed(ground, thing, Placing(left, top, side, mirrored=False))
    grown = 2 * max(1, round(_GROWN * size)) + 1
    mask = cv2.dilate((cover > 0.02).astype(np.uint8), np.ones((grown, grown), np.uint8))
    return Removal(kind, as_bytes(ground), as_bytes(picture), mask, hole(size, rng))


def _sheet(setting: Setting, cases: list[Removal], fills: list[np.ndarray]) -> Image.Image:
    cells = []
    for case, own in list(zip(cases, fills, strict=True))[:: setting.pictures]:
        mask = marked(case.picture, case.mask * np.uint8(255))
        samples = [(f"removed, seed {k}", own[k]) for k in range(min(2, len(own)))]
        cells += [(case.kind, case.picture), ("mask", mask), *samples, ("true ground", case.ground)]
    return contact_sheet(cells, 3 + min(2, len(fills[0])))
