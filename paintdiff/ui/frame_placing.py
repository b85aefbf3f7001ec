"""Where the frame goes when the picture is to grow on one side."""

from __future__ import annotations

from paintdiff.image.geometry import Rect


def also_past_edge(frame: Rect | None, canvas: Rect, side: str, model_side: int) -> Rect:
    """`past_edge`, together with `frame` if that reaches past an edge already: the picture grows on both sides."""
    beyond = past_edge(canvas, side, model_side)
    return beyond if frame is None or canvas.contains(frame) else beyond.united(frame)


def past_edge(canvas: Rect, side: str, model_side: int) -> Rect:
    """A frame along the whole "left", "right", "top" or "bottom" edge, half of it past the edge, as far as that side is
    short; at least `model_side` pixels deep."""
    along = canvas.h if side in ("left", "right") else canvas.w
    across = canvas.w if side in ("left", "right") else canvas.h
    new = max(model_side // 2, along // 2)
    old = min(across, new)
    return {
        "left": Rect(canvas.x - new, canvas.y, new + old, canvas.h),
        "right": Rect(canvas.right - old, canvas.y, new + old, canvas.h),
        "top": Rect(canvas.x, canvas.y - new, canvas.w, new + old),
        "bottom": Rect(canvas.x, canvas.bottom - old, canvas.w, new + old),
    }[side]
