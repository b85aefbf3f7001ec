"""Picture and mask files, read the way every verb reads them."""

from __future__ import annotations

import sys

import cv2
import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.document.files import open_picture
from paintdiff.generation.errors import UserError
from paintdiff.image.blending import over_matte
from paintdiff.image.gamut import chroma
from paintdiff.image.geometry import Rect

GREY = 8  # levels that a channel of a grey pixel may lie off its luma, after lossy compression, say


def read_picture(path: str) -> Document:
    """A picture file as a document; what was noticed on opening it is said on stderr. Raises `UserError`."""
    opened = open_picture(path)
    for notice in opened.notices:
        print(f"paintdiff: {notice}", file=sys.stderr)
    return opened.document


def read_mask(path: str, canvas: Rect) -> np.ndarray:
    """A mask file as a change map, (h, w) uint8: its luma, over black. Raises `UserError` for a wrong or black one."""
    mask = open_picture(path).document
    if mask.canvas.shape != canvas.shape:
        raise UserError(
            f"The mask {path} is {mask.canvas.w}×{mask.canvas.h} pixels and the picture {canvas.w}×{canvas.h}; "
            "they must be of one size."
        )
    grey = cv2.cvtColor(over_matte(compose(mask, mask.canvas), (0, 0, 0)), cv2.COLOR_RGB2GRAY)
    if not grey.any():
        raise UserError(
            f"The mask {path} is black or transparent everywhere, so nothing would change: paint white where to "
            "repaint, or use sdedit without a mask to work on the whole picture."
        )
    return grey


def read_hints(path: str, canvas: Rect) -> np.ndarray:
    """A file of colour hints, (h, w, 4) uint8 straight alpha. Raises `UserError` for a wrong or empty one.

    Without transparency, hints brushed over the grey picture itself, every pixel that is not grey is one.
    """
    document = open_picture(path).document
    if document.canvas.shape != canvas.shape:
        raise UserError(
            f"The hints {path} are {document.canvas.w}×{document.canvas.h} pixels and the picture"
            f" {canvas.w}×{canvas.h}; they must be of one size."
        )
    hints = compose(document, document.canvas)
    if hints[..., 3].min() == 255:
        hints[..., 3] = np.where(np.abs(chroma(hints)).max(axis=-1) > GREY, 255, 0)
    if not hints[..., 3].any():
        raise UserError(f"The hints {path} have no colour in them: brush some, or leave --hints out.")
    return hints
