"""Sheets of the modes that know part of every pixel: colour for a grey picture, detail for a small one."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.document.document import Layer
from paintdiff.document.edits import picture_document
from paintdiff.document.enlarging import enlarged
from paintdiff.document.hints import HINTS, with_hint_layer
from paintdiff.image.tiles import Tiles
from paintdiff.training.held_out import rgba
from paintdiff.training.mode_sheet import Sheet
from paintdiff.training.studio import SEEDS, SIDE, Studio, greyed


def colorize(studio: Studio) -> Sheet:
    rows = []
    for number, (kind, name, prompt) in enumerate(
        [
            ("hills", "house", ""), ("hills", "house", "green hills under a blue sky"),
            ("plain", "parrot", "green parrot"),
        ]
    ):  # fmt: skip
        ground = studio.held_out.ground(kind, 60 if number < 2 else 62, SIDE, SIDE)
        picture, _ = studio.held_out.placed(ground, name, 36, 40, 60)
        grey = greyed(rgba(picture))
        document = picture_document(grey)
        made = studio.painted(document, "colorize", prompt=prompt)
        rows.append((f"“{prompt}”" if prompt else "no prompt", (rgba(picture)[..., :3], grey[..., :3], *made)))
    hints = np.zeros_like(grey)
    cv2.line(hints, (8, 12), (118, 12), (60, 130, 220, 255), 6)
    cv2.circle(hints, (64, 64), 7, (240, 170, 20, 255), -1)
    hinted = with_hint_layer(document, Layer(HINTS, Tiles.from_array(hints)))
    shown = np.where(hints[..., 3:] > 0, hints, grey)[..., :3]
    rows.append(("colours brushed over it", (rgba(picture)[..., :3], shown, *studio.painted(hinted, "colorize"))))
    return Sheet("colorize", ("true picture", "given", *SEEDS), tuple(rows))


def upscale(studio: Studio) -> Sheet:
    rows = []
    for scale, kind, name in ((2, "hills", "house"), (4, "sky", "parrot")):
        ground = studio.held_out.ground(kind, 80, SIDE, SIDE)
        picture, _ = studio.held_out.placed(ground, name, 30, 30, 76)
        small = cv2.resize(rgba(picture), (SIDE // scale, SIDE // scale), interpolation=cv2.INTER_AREA)
        given = small[..., :3].repeat(scale, axis=0).repeat(scale, axis=1)
        cubic = cv2.resize(small[..., :3], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        made = studio.painted(enlarged(picture_document(small), scale), "upscale", scale)
        rows.append((f"{scale} times", (rgba(picture)[..., :3], given, cubic, *made)))
    return Sheet("upscale", ("true picture", "given", "cubic", *SEEDS), tuple(rows))
