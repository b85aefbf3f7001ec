"""From a document to a request: what the model sees, and early refusals in a painter's words."""

from __future__ import annotations

import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, check_size
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES, Mode
from paintdiff.generation.region import automatic_frame, outpaint_map
from paintdiff.generation.request import BUNDLED_MODEL, WHITE, Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect

OVERLAP = 16  # pixels of the old picture that outpainting paints again, at least


def frame_of(document: Document, size: int) -> Rect:
    """The rectangle that the model (of side `size`) will see: placed by hand, or around the change map."""
    return document.frame or automatic_frame(document.change_map.content_rect, document.canvas, size)


def map_of(document: Document, mode: str, frame: Rect, feather: int) -> np.ndarray:
    """Which pixels of `frame` will change and how far, (h, w) uint8: what `make_request` sends and overlays show.

    Outpainting overlaps the old picture by twice the feather, so that the blend ends before the old edge.
    """
    rule = MODES[mode]
    change_map = document.change_map.read(frame)
    overlap = max(OVERLAP, 2 * feather) if rule.name == "outpaint" else 0
    change_map = outpaint_map(change_map, frame, document.canvas, overlap)
    if rule.whole_frame and document.change_map.content_rect.intersected(document.canvas).empty:
        change_map[...] = 255
    return change_map


def make_request(
    document: Document,
    mode: str,
    sampling: Sampling,
    *,
    model: str = BUNDLED_MODEL,
    device: str = "auto",
    feather: int = 8,
    matte: tuple[int, int, int] = WHITE,
    size: int = 64,
) -> Request:
    """The request that generates for `document` as it is now; `size` is the model's own side in pixels.

    Raises `UserError` where there is nothing to generate, or nowhere to put it.
    """
    if mode not in MODES:
        raise UserError(f"There is no mode called {mode!r}; the modes are {', '.join(MODES)}.")
    frame = frame_of(document, size)
    _check_frame(frame, document.canvas, MODES[mode])
    change_map = map_of(document, mode, frame, feather)
    if not change_map.any():
        raise UserError(_nothing_to_change(document))
    return Request(
        mode=mode, frame=frame, canvas=document.canvas, picture=compose(document, frame), change_map=change_map,
        sampling=sampling, model=model, device=device, feather=feather, matte=matte,
    )


def _check_frame(frame: Rect, canvas: Rect, mode: Mode) -> None:
    if frame.intersected(canvas).empty:
        raise UserError("The frame lies beside the picture: drag it so that the two overlap.")
    if mode.name == "outpaint" and canvas.contains(frame):
        raise UserError("Outpaint needs room to paint: drag the frame past an edge of the picture.")
    grown = canvas.united(frame)
    check_size(grown.w, grown.h)


def _nothing_to_change(document: Document) -> str:
    if document.change_map.content_rect.intersected(document.canvas).empty:
        return "Nothing is masked: brush a mask first, or choose Re-noise to work on the whole frame."
    return "The mask lies outside the frame: drag the frame over it, or let the frame follow the mask."
