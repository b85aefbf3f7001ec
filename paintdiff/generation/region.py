"""Which rectangle the model sees, and which of its pixels it may change: pure functions of rectangles and masks."""

from __future__ import annotations

import numpy as np

from paintdiff.image.geometry import Rect

CONTEXT = 3 / 8  # of the mask's longer side, shown to the model on every side of it
MIN_CONTEXT = 16  # pixels


def automatic_frame(map_rect: Rect, canvas: Rect, size: int) -> Rect:
    """The frame around `map_rect`, the part of the canvas that is to change: square, with context, inside the canvas.

    At least `size` (the model's own side, pixels) each way. Where the canvas is too narrow for that it is as narrow.
    Nothing to change means the whole canvas.
    """
    target = map_rect.intersected(canvas)
    if target.empty:
        return canvas
    longest = max(target.w, target.h)
    side = max(size, longest + 2 * max(MIN_CONTEXT, round(longest * CONTEXT)))
    x, w = _placed(target.x, target.w, side, canvas.x, canvas.w)
    y, h = _placed(target.y, target.h, side, canvas.y, canvas.h)
    return Rect(x, y, w, h)


def _placed(start: int, length: int, side: int, edge: int, room: int) -> tuple[int, int]:
    """Along one axis: where `side` pixels around start..start+length begin within edge..edge+room, and how many fit."""
    side = min(side, room)
    centred = start + (length - side) // 2
    return min(max(centred, edge), edge + room - side), side


def outpaint_map(change_map: np.ndarray, frame: Rect, canvas: Rect, overlap: int) -> np.ndarray:
    """`change_map` ((h, w) uint8, covering `frame`) with 255 beyond the canvas and over `overlap` pixels next to it.

    The overlap lies along those edges of the canvas alone that the frame reaches past.
    """
    out = np.full_like(change_map, 255)
    kept = _away_from_crossed_edges(frame, canvas, overlap).slices_in(frame)
    out[kept] = change_map[kept]
    return out


def _away_from_crossed_edges(frame: Rect, canvas: Rect, overlap: int) -> Rect:
    shared = frame.intersected(canvas)
    return Rect.from_edges(
        shared.x + overlap * (frame.x < canvas.x),
        shared.y + overlap * (frame.y < canvas.y),
        shared.right - overlap * (frame.right > canvas.right),
        shared.bottom - overlap * (frame.bottom > canvas.bottom),
    )
