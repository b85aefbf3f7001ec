"""Colour for grey pictures and detail for small ones, on scenes of held-out things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from paintdiff.document.document import Document
from paintdiff.document.edits import picture_document
from paintdiff.document.enlarging import enlarged
from paintdiff.document.requests import make_request
from paintdiff.generation.modes import MODES
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.training.backgrounds import background_of
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part
from paintdiff.training.held_out import rgba
from paintdiff.training.scenes import Placing, as_bytes, placed
from paintdiff.training.setting import Setting
from paintdiff.training.studio import greyed

SIDE = 128  # pixels of the scenes
SCALE = 2
_KINDS = ("hills", "sky", "plain", "linear")
_COLOURED = 3  # times as many scenes as usual are colorized: a colour is right or wrong as a whole
_SEED = 80_000  # far from every training step's seed


@dataclass(frozen=True, eq=False)
class _Shown:
    """A scene (S, S, 3) uint8 and the name of the held-out thing in it."""

    picture: np.ndarray
    name: str


def colorization(setting: Setting) -> Part:
    """How far the colours are from the true ones, without and with a prompt, beside the grey picture's distance."""
    scenes = _scenes(setting, _COLOURED)
    asked = [("", scene) for scene in scenes] + [(scene.name, scene) for scene in scenes]
    requests = [
        _request(setting, picture_document(greyed(rgba(s.picture))), "colorize", prompt=prompt, candidates=2)
        for prompt, s in asked
    ]
    fills = setting.painter.paint(requests)
    grey = [_l1(greyed(rgba(s.picture))[..., :3], s.picture) for s in scenes]
    figures, numbers = [], {"grey": grey}
    for heading, part in (("no prompt", fills[: len(scenes)]), ("the thing's name", fills[len(scenes) :])):
        ours = [float(np.mean([_l1(p, s.picture) for p in own])) for own, s in zip(part, scenes, strict=True)]
        numbers[heading] = ours
        figures.append(
            Figure(
                f"colorization: {heading}", f"{np.mean(ours):.1f} beside {np.mean(grey):.1f}", "below the second",
                bool(np.mean(ours) < np.mean(grey)),
                f"colour L1, beside the grey picture's; {len(scenes)} scenes of held-out things, 2 seeds",
            )
        )  # fmt: skip
    cells: list[tuple[str, np.ndarray]] = []
    for scene, plain, named in zip(scenes, fills[: len(scenes)], fills[len(scenes) :], strict=True):
        given = greyed(rgba(scene.picture))[..., :3]
        cells += [("true", scene.picture), ("given", given), ("no prompt", plain[0]), ("no prompt, 2", plain[1])]
        cells += [(f"“{scene.name}”", named[0]), (f"“{scene.name}”, 2", named[1])]
    return Part("colorization", tuple(figures), "", numbers, {"colorization": contact_sheet(cells, 6)})


def upscaling(setting: Setting) -> Part:
    """Peak signal-to-noise ratio of pictures enlarged twice, beside bicubic interpolation."""
    scenes = _scenes(setting, 1)
    small = [cv2.resize(s.picture, (SIDE // SCALE, SIDE // SCALE), interpolation=cv2.INTER_AREA) for s in scenes]
    requests = [
        _request(setting, enlarged(picture_document(rgba(picture)), SCALE), "upscale", prompt="") for picture in small
    ]
    fills = [pictures[0] for pictures in setting.painter.paint(requests)]
    cubic = [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for picture in small]
    ours, usual = (
        [_psnr(picture, s.picture) for picture, s in zip(pictures, scenes, strict=True)] for pictures in (fills, cubic)
    )
    figure = Figure(
        f"×{SCALE} upscaling", f"{np.mean(ours):.1f} dB beside {np.mean(usual):.1f} dB", "bicubic's, to compare", None,
        f"PSNR, {len(scenes)} scenes of held-out things made {SCALE} times smaller",
    )  # fmt: skip
    cells: list[tuple[str, np.ndarray]] = []
    for scene, given, plain, own in zip(scenes, small, cubic, fills, strict=True):
        blocks = given.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        cells += [("true", scene.picture), ("given", blocks), ("bicubic", plain), ("upscaled", own)]
    sheet = contact_sheet(cells, 4, 2 * SIDE)
    return Part("upscaling", (figure,), "", {"upscaled": ours, "bicubic": usual}, {"upscaling": sheet})


def _scenes(setting: Setting, times: int) -> list[_Shown]:
    """A held-out thing in the middle of each kind of ground in turn, `times` as often as the setting asks for."""
    shown = []
    for number in range(max(2, times * setting.pictures)):
        rng = np.random.default_rng((_SEED, number))
        ground = background_of(_KINDS[number % len(_KINDS)], SIDE, rng).pixels
        sprite = setting.held_out[int(rng.integers(len(setting.held_out)))]
        side = round(rng.uniform(0.5, 0.65) * SIDE)
        left, top = (SIDE - side) // 2, round(0.85 * (SIDE - side))
        pixels, _ = placed(ground, sprite.pixels, Placing(left, top, side, mirrored=False))
        shown.append(_Shown(as_bytes(pixels), sprite.name))
    return shown


def _request(setting: Setting, document: Document, mode: str, **settings: Any) -> Request:
    """As the window would ask, with the mode's own defaults."""
    rule, painter = MODES[mode], setting.painter
    sampling = Sampling(**{"strength": rule.strength, **rule.defaults, **settings})
    return make_request(
        document, mode, sampling, model=painter.model, device=painter.device, size=painter.size, scale=SCALE
    )


def _l1(picture: np.ndarray, true: np.ndarray) -> float:
    return float(np.abs(picture.astype(np.float32) - true).mean())


def _psnr(picture: np.ndarray, true: np.ndarray) -> float:
    error = float(np.square(picture.astype(np.float32) - true).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-3)))
