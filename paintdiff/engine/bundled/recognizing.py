"""Where in a grey picture a thing lies that there are drawings of, so that colour can be taken after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from paintdiff.engine.bundled.picture_library import box_of
from paintdiff.image.gamut import luma

_SIDE = 48  # cells that the picture is searched at
_SIZES = tuple(0.26 * 1.13**n for n in range(11))  # of the picture's side that a thing's longer side may take
_RIM = 2  # cells around a drawing whose edges count too
_SURE = 0.62  # the likeness from which on a drawing is taken to be there
_LARGE = 0.12  # of likeness that twice the size is worth: a small drawing soon resembles something


def recognized(grey: np.ndarray, drawings: Sequence[np.ndarray]) -> np.ndarray | None:
    """The drawing, (s, s, 4) uint8 premultiplied, that `grey` (S, S), levels of luma, shows the most clearly.

    Laid over it where it lies, (S, S, 4) uint8 premultiplied; None where the picture shows none of them. Brightness
    inside the outline and the strength of the edges are compared, each by normalized correlation.
    """
    scale = grey.shape[0] / _SIDE
    small = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    edges, level, best, found = _edges(small), float(np.median(small)), _SURE, None
    for drawing in drawings:
        for cut in _outlines(drawing):
            for size in _SIZES:
                height, width = (max(4, round(size * _SIDE * side / max(cut.shape[:2]))) for side in cut.shape[:2])
                if max(height, width) + 2 * _RIM > _SIDE:
                    continue
                tried = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
                _, value, _, (left, top) = cv2.minMaxLoc(_likeness(small, edges, tried, level))
                value += _LARGE * float(np.log2(size / _SIZES[-1]))
                if value > best:
                    best, found = value, (cut, left + _RIM, top + _RIM, width, height)
    if found is None:
        return None
    cut, *place = found
    left, top, width, height = (round(scale * cells) for cells in place)
    out = np.zeros((*grey.shape, 4), np.uint8)
    out[top : top + height, left : left + width] = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)[
        : grey.shape[0] - top, : grey.shape[1] - left
    ]
    return out


def _outlines(drawing: np.ndarray) -> Iterator[np.ndarray]:
    """The drawing cut to its outline, and its mirror image."""
    box = box_of(drawing[..., 3] > 24)
    if box is None:
        return
    left, top, width, height = box
    cut = drawing[top : top + height, left : left + width]
    yield np.ascontiguousarray(cut)
    yield np.ascontiguousarray(cut[:, ::-1])


def _likeness(small: np.ndarray, edges: np.ndarray, drawing: np.ndarray, level: float) -> np.ndarray:
    """-1..1 for each place of `drawing` (h, w, 4), with its rim, in `small`; `level` is what may lie around it."""
    rimmed = cv2.copyMakeBorder(drawing, *(_RIM,) * 4, cv2.BORDER_CONSTANT)
    alpha, grey = rimmed[..., 3].astype(np.float32) / 255, luma(rimmed)
    solid = (alpha > 0.5).astype(np.float32)
    inside = cv2.matchTemplate(small, solid * grey / np.maximum(alpha, 0.5), cv2.TM_CCOEFF_NORMED, mask=solid)
    outline = cv2.matchTemplate(edges, _edges(grey + (1 - alpha) * level), cv2.TM_CCOEFF_NORMED)
    return (np.nan_to_num(inside, nan=0, posinf=0, neginf=0).clip(-1, 1) + outline) / 2


def _edges(grey: np.ndarray) -> np.ndarray:
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *axis, ksize=3) for axis in ((1, 0), (0, 1)))
    return cv2.GaussianBlur(np.hypot(across, down), (0, 0), 1.0)
