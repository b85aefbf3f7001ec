"""From the model's square back to a patch for the canvas, and the proof that nothing else changes."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from paintdiff.engine.tasks.view import resampled
from paintdiff.generation.request import Request
from paintdiff.image.blending import feather_alpha, over
from paintdiff.image.geometry import Rect

NEAR = 8.0  # levels by which a colour may always differ from those around
PREVIEW_SIDE = 1024  # pixels; a frame of many windows is shown no larger, unless the model is


class LaidOver(Protocol):
    """How the model's picture comes back onto a frame."""

    def back(self, square: np.ndarray) -> np.ndarray:
        """(H, W, 3) float32 in 0..255 -> the frame, (h, w, 3) uint8."""
        ...


def make_patch(square: np.ndarray, view: LaidOver, request: Request) -> np.ndarray:
    """(size, size, 3) float32 in 0..255 -> (h, w, 4) uint8 straight alpha over the frame; 0 where the map is 0."""
    patch = np.empty((*request.frame.shape, 4), np.uint8)
    patch[..., :3] = view.back(square)
    patch[..., 3] = patch_alpha(request)
    patch[patch[..., 3] == 0] = 0
    return patch


def kept_pixels(request: Request, patch: np.ndarray) -> tuple[int, int]:
    """(kept, changed): how many pixels the map keeps, and how many of them pasting the patch would change.

    Pastes with the same function as the document does.
    """
    kept = request.change_map == 0
    pasted = over(request.picture, patch)
    changed = (pasted != request.picture).any(axis=2)
    return int(np.count_nonzero(kept)), int(np.count_nonzero(kept & changed))


def patch_alpha(request: Request) -> np.ndarray:
    """How much of a generated frame is pasted back, (h, w) uint8; see `feather_alpha`.

    Where a pixel is painted anew from pure noise, the blend shows what was there only as far as it looks like what is
    kept around: a thing that is to go would leave its outline otherwise.
    """
    alpha = feather_alpha(request.change_map, request.frame, request.canvas, request.feather, request.beyond_canvas)
    blended = (alpha > 0) & (alpha < 255) & (request.change_map == 255)
    if request.sampling.strength < 1 or not blended.any():
        return alpha
    left, top, width, height = cv2.boundingRect(blended.astype(np.uint8))
    near = Rect(left, top, width, height).inflated(2 * request.feather).intersected(Rect(0, 0, *alpha.shape[::-1]))
    where = near.slices_in(Rect(0, 0, *alpha.shape[::-1]))
    kept = (request.change_map[where] == 0) & (request.picture[where][..., 3] > 0)
    foreign = _foreign(request.picture[where], kept, 2 * request.feather)
    alpha[where] = np.where(blended[where], np.maximum(alpha[where], foreign), alpha[where])
    return alpha


def _foreign(picture: np.ndarray, kept: np.ndarray, radius: int) -> np.ndarray:
    """How little each pixel's colour has of the kept ones around it, (h, w) uint8: 0 within their spread, 255 far off.

    `picture` (h, w, 4) uint8, `kept` (h, w) bool; around is a square of `radius` pixels to every side.
    """
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(values * weight, cv2.CV_32F, side, borderType=cv2.BORDER_CONSTANT) / count

    weight = kept.astype(np.float32)
    count = np.maximum(cv2.boxFilter(weight, cv2.CV_32F, side, borderType=cv2.BORDER_CONSTANT), 0.5 / side[0] ** 2)
    off = np.zeros(kept.shape, np.float32)
    for channel in cv2.split(picture)[:3]:
        colour = channel.astype(np.float32)
        middle = mean(colour)
        spread = np.sqrt(np.maximum(mean(colour * colour) - middle * middle, 0))
        off = np.maximum(off, np.abs(colour - middle) / (2 * spread + NEAR))
    off[count < 1 / side[0] ** 2] = 0  # nothing is kept nearby
    return cv2.dilate((255 * (off - 1).clip(0, 1)).astype(np.uint8), np.ones((3, 3), np.uint8))


class Shown(Protocol):
    """Where a frame of `height` x `width` pixels lies in the model's picture, in which its longer side is `size`."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def size(self) -> int: ...

    def picture(self, rgb: np.ndarray) -> np.ndarray:
        """The frame's pixels (h, w, ...) uint8 as the model's picture shows them, (H, W, ...)."""
        ...

    def inner(self, square: np.ndarray) -> np.ndarray:
        """The part of a model's picture (H, W, ...) that shows the frame."""
        ...


class Preview:
    """Small pictures of a run while it forms: the x0 estimate pasted into the frame, at the model's resolution.

    `view` shows `part` of the frame, whose picture by now is `picture` (h, w, 4) uint8; the part may be all of it.
    """

    def __init__(self, view: Shown, part: Request, frame: Rect, picture: np.ndarray) -> None:
        self._view = view
        longest = max(view.height, view.width)
        scale = min(longest, view.size, max(view.size, PREVIEW_SIDE) * longest / max(frame.w, frame.h)) / longest
        self._base = resampled(picture, max(1, round(frame.h * scale)), max(1, round(frame.w * scale)))
        self._where = _scaled(part.frame, frame, self._base.shape[0], self._base.shape[1])
        self._height, self._width = self._base[self._where].shape[:2]
        self._alpha = resampled(patch_alpha(part), self._height, self._width)

    def picture(self, square: np.ndarray) -> np.ndarray:
        """(size, size, 3) float32 in 0..255 -> the frame, (h, w, 4) uint8 straight alpha, no larger than it is."""
        shown = resampled(np.ascontiguousarray(self._view.inner(square)), self._height, self._width)
        patch = np.empty((self._height, self._width, 4), np.uint8)
        patch[..., :3] = np.rint(shown.clip(0, 255))
        patch[..., 3] = self._alpha
        out = self._base.copy()
        out[self._where] = over(out[self._where], patch)
        return out


def _scaled(part: Rect, frame: Rect, height: int, width: int) -> tuple[slice, slice]:
    """(rows, columns) of `part` in a picture of `frame` that is `height` x `width`; at least one pixel."""

    def span(start: int, length: int, whole: int, cells: int) -> slice:
        first = min(round(start * cells / whole), cells - 1)
        return slice(first, max(first + 1, round((start + length) * cells / whole)))

    return span(part.y - frame.y, part.h, frame.h, height), span(part.x - frame.x, part.w, frame.w, width)
