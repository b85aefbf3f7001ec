"""Sheets of the modes that paint anew what a mask covers or what lies past the edge."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.document.edits import picture_document, set_frame
from paintdiff.image.geometry import Rect
from paintdiff.image.masks import grow
from paintdiff.training.held_out import rgba
from paintdiff.training.mode_sheet import Sheet, framed
from paintdiff.training.studio import SEEDS, SIDE, Studio, disc, mask_shown, masked_document, seen


def inpaint(studio: Studio) -> Sheet:
    rows = []
    for number, (kind, prompt) in enumerate(
        [("plain", "a red apple"), ("hills", "hot air balloon"), ("sky", "a yellow star"), ("linear", "sunflower")]
    ):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        cv2.ellipse(mask, (66, 60), (30, 30), 0, 0, 360, 255, -1)
        document = masked_document(studio.held_out.ground(kind, number, SIDE, SIDE), mask)
        rows.append((f"“{prompt}”", (mask_shown(document), *studio.painted(document, "inpaint", prompt=prompt))))
    return Sheet("inpaint", ("mask", *SEEDS), tuple(rows))


def removal(studio: Studio) -> Sheet:
    rows = []
    for number, (kind, name) in enumerate(
        [("sky", "kite"), ("hills", "donkey"), ("linear", "hamburger"), ("texture", "basketball")]
    ):
        ground = studio.held_out.ground(kind, 10 + number, SIDE, SIDE)
        picture, cover = studio.held_out.placed(ground, name, 40, 44, 50)
        document = masked_document(picture, grow((cover > 0.02).astype(np.uint8) * 255, 3))
        rows.append(("", (seen(document), mask_shown(document), *studio.painted(document, "inpaint"))))
    return Sheet("removal", ("picture", "mask", *SEEDS), tuple(rows))


def continuation(studio: Studio) -> Sheet:
    rows = []
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[40:88, 36:96] = 255
    for number, kind in enumerate(["linear", "sky", "hills", "checks", "texture"]):
        document = masked_document(studio.held_out.ground(kind, 20 + number, SIDE, SIDE), mask)
        telea = cv2.inpaint(seen(document), mask, 5, cv2.INPAINT_TELEA)
        fills = studio.painted(document, "inpaint")
        rows.append(("", (seen(document), mask_shown(document), *fills, telea)))
    return Sheet("continuation", ("true picture", "mask", *SEEDS, "cv2: Telea"), tuple(rows))


def outpaint(studio: Studio) -> Sheet:
    side, reach = 112, 84
    columns: list[tuple[np.ndarray, ...]] = []
    for number, (kind, name) in enumerate([("hills", "house"), ("sky", "kite")]):
        wide = studio.held_out.ground(kind, 30 + number, side, side + 2 * reach)
        picture, _ = studio.held_out.placed(wide[:, reach : reach + side], name, 40, 50, 40)
        document = set_frame(picture_document(rgba(picture)), Rect(-reach, 0, side + 2 * reach, side))
        empty = np.full((side, side + 2 * reach, 3), 235, np.uint8)
        empty[:, reach : reach + side] = seen(document)
        windows = [(w.x + reach, w.y, w.w, w.h) for w in studio.windows(document, "outpaint")]
        columns.append((framed(empty, windows), *studio.painted(document, "outpaint")))
    captions = ("the picture, and what the model sees first and then", *SEEDS)
    return Sheet("outpaint", ("", ""), tuple(zip(captions, zip(*columns, strict=True), strict=True)))


def one_by_one(studio: Studio) -> Sheet:
    rows = []
    for number, (kind, prompt) in enumerate([("sky", ""), ("hills", "a yellow star")]):
        pixels = studio.held_out.ground(kind, 40 + number, 192, 288)
        mask = np.zeros((192, 288), np.uint8)
        for name, x, y, side in (("kite", 20, 18, 44), ("duck", 226, 30, 40), ("hamburger", 130, 136, 42)):
            covered, cover = studio.held_out.placed(pixels, name, x, y, side)
            pixels = pixels if prompt else covered
            thing = grow((cover > 0.02).astype(np.uint8) * 255, 3)
            mask = np.maximum(mask, thing if not prompt else disc(mask, (x + side // 2, y + side // 2), side // 2 + 2))
        document = masked_document(pixels, mask)
        windows = [(w.x, w.y, w.w, w.h) for w in studio.windows(document, "inpaint")]
        at_once = set_frame(document, document.canvas)
        fills = studio.painted(document, "inpaint", prompt=prompt, candidates=2)
        together = studio.painted(at_once, "inpaint", prompt=prompt, candidates=1)
        caption = f"“{prompt}”" if prompt else "no prompt"
        rows.append((caption, (framed(mask_shown(document), windows), *fills, *together)))
    heads = ("mask, and what the model sees", "seed 1", "seed 2", "seed 1, seen at once")
    return Sheet("one-by-one", heads, tuple(rows))
