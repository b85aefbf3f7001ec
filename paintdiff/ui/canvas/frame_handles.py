"""Dragging the frame by hand: which handle lies under the pointer, and what a drag of it makes of the frame."""

from __future__ import annotations

from dataclasses import dataclass

from paintdiff.image.geometry import Rect

SMALLEST = 16


@dataclass(frozen=True)
class Handle:
    """Which sides move: `h` and `v` are -1 (left, top), 0 (none) or 1 (right, bottom); both 0 moves the whole frame."""

    h: int
    v: int


HANDLES = tuple(Handle(h, v) for v in (-1, 0, 1) for h in (-1, 0, 1) if h or v)
MOVE = Handle(0, 0)


def position(frame: Rect, handle: Handle) -> tuple[float, float]:
    """Where `handle` sits, in world pixels."""
    cx, cy = frame.center
    return cx + handle.h * frame.w / 2, cy + handle.v * frame.h / 2


def handle_at(frame: Rect, x: float, y: float, reach: float) -> Handle | None:
    """The handle within `reach` world pixels of (x, y); the nearest side counts along its whole length."""
    if not frame.inflated(int(reach) + 1).contains_point(x, y):
        return None

    def side(value: float, low: int, high: int) -> int:
        if abs(value - low) <= reach and abs(value - low) <= abs(value - high):
            return -1
        return 1 if abs(value - high) <= reach else 0

    return Handle(side(x, frame.x, frame.right), side(y, frame.y, frame.bottom))


def dragged(frame: Rect, handle: Handle, dx: float, dy: float, square: bool) -> Rect:
    """`frame` after `handle` moved by (dx, dy) world pixels, snapped to whole pixels; `square` keeps the sides equal.

    A side never passes the opposite one: the frame stays at least `SMALLEST` pixels wide and high.
    """
    if handle == MOVE:
        return frame.moved(round(dx), round(dy))
    width = max(SMALLEST, round(frame.w + handle.h * dx)) if handle.h else frame.w
    height = max(SMALLEST, round(frame.h + handle.v * dy)) if handle.v else frame.h
    if square:
        side = max(width if handle.h else 0, height if handle.v else 0)
        width = height = side
    return Rect(_start(frame.x, frame.w, width, handle.h), _start(frame.y, frame.h, height, handle.v), width, height)


def drawn(x0: float, y0: float, x1: float, y1: float, square: bool) -> Rect:
    """A new frame between two corners, snapped to whole pixels, at least `SMALLEST` on a side."""
    width, height = max(SMALLEST, round(abs(x1 - x0))), max(SMALLEST, round(abs(y1 - y0)))
    if square:
        width = height = max(width, height)
    left, top = round(x0), round(y0)
    return Rect(left if x1 >= x0 else left - width, top if y1 >= y0 else top - height, width, height)


def _start(start: int, length: int, new: int, moves: int) -> int:
    """Where a side begins once its length is `new`: the side that does not move stays; neither moves: the middle."""
    if moves == 0:
        return start + (length - new) // 2
    return start if moves > 0 else start + length - new
