"""From a document to a request: what the model sees, and early refusals in a painter's words."""

from __future__ import annotations

from functools import lru_cache, reduce

import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, check_size
from paintdiff.document.hints import hints_in, without_hints
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES, Mode
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.region import fill_windows, outpaint_map, outpaint_windows, separate_regions
from paintdiff.generation.request import BUNDLED_MODEL, WHITE, Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

MOST_DETAIL = 4096 * 4096  # pixels; a run holds about ten pictures of that size in float32
OVERLAP = 16  # pixels of the old picture that outpainting paints again, at least


def frame_of(document: Document, size: int) -> Rect:
    """The rectangle that the model (of side `size`) will see: placed by hand, or around the change map.

    Regions of the map that lie far apart are seen one by one, and this is the rectangle around all that is seen.
    """
    return document.frame or reduce(Rect.united, _fill_windows(document.change_map, document.canvas, size))


def windows_of(document: Document, mode: str, frame: Rect, change_map: np.ndarray, size: int) -> tuple[Rect, ...]:
    """The parts of `frame` that the model sees one after the other, first to last; one is the frame itself.

    `change_map` is what `map_of` says. A frame placed by hand is seen at once, unless it reaches far past the picture.
    """
    if MODES[mode].inside:
        return (frame,)
    if MODES[mode].name == "outpaint":
        windows = outpaint_windows(frame, document.canvas, size)
        left = change_map.copy()
        for window in windows:
            left[window.slices_in(frame)] = 0
        return windows + fill_windows(separate_regions(left, frame), frame.intersected(document.canvas), size)
    return (frame,) if document.frame else _fill_windows(document.change_map, document.canvas, size)


@lru_cache(maxsize=2)  # asked for again with every stroke of paint, which leaves the map as it is
def _fill_windows(change_map: Tiles, canvas: Rect, size: int) -> tuple[Rect, ...]:
    content = change_map.content_rect.intersected(canvas)
    if content.empty:
        return (canvas,)
    return fill_windows(separate_regions(change_map.read(content), content), canvas, size)


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
    scale: int = 2,
    placing: Placing = AUTOMATIC,
) -> Request:
    """The request that generates for `document` as it is now; `size` is the model's own side in pixels.

    `scale` says how many times the picture was enlarged before "upscale" adds detail to it. "colorize" leaves layers of
    hints out of the picture and sends them beside it.
    Raises `UserError` where there is nothing to generate, or nowhere to put it.
    """
    if mode not in MODES:
        raise UserError(f"There is no mode called {mode!r}; the modes are {', '.join(MODES)}.")
    frame = frame_of(document, size)
    _check_frame(frame, document.canvas, MODES[mode])
    scale = scale if mode == "upscale" else 1
    if MODES[mode].inside:
        frame = _inside(frame, document.canvas, scale)
    hints = None
    if mode == "colorize":
        document, hints = without_hints(document), hints_in(document, frame)
    change_map = map_of(document, mode, frame, feather)
    if not change_map.any():
        raise UserError(_nothing_to_change(document))
    windows = windows_of(document, mode, frame, change_map, size)
    seen = reduce(Rect.united, windows)
    return Request(
        mode=mode, frame=seen, canvas=document.canvas, picture=compose(document, seen),
        change_map=change_map[seen.slices_in(frame)],
        sampling=sampling, model=model, device=device, feather=feather, matte=matte,
        windows=windows if len(windows) > 1 else (), hints=hints, scale=scale, placing=placing,
    )


def _check_frame(frame: Rect, canvas: Rect, mode: Mode) -> None:
    if frame.intersected(canvas).empty:
        raise UserError("The frame lies beside the picture: drag it so that the two overlap.")
    if mode.name == "outpaint" and canvas.contains(frame):
        raise UserError("Outpaint needs room to paint: drag the frame past an edge of the picture.")
    grown = canvas.united(frame)
    check_size(grown.w, grown.h)


def _inside(frame: Rect, canvas: Rect, scale: int) -> Rect:
    """As much of the frame as lies on the canvas, in whole blocks of `scale`; raises `UserError` if that is too much.

    Blocks are counted from world (0, 0), where enlarging leaves them.
    """
    inner = frame.intersected(canvas)
    left, top = -(-inner.x // scale) * scale, -(-inner.y // scale) * scale
    frame = Rect.from_edges(left, top, inner.right // scale * scale, inner.bottom // scale * scale)
    if frame.empty:
        raise UserError(f"Less than {scale} pixels lie inside the frame: make it larger.")
    if scale > 1 and frame.area > MOST_DETAIL:
        raise UserError(
            f"{frame.w} × {frame.h} pixels are too many to add detail to at once: at most"
            f" {MOST_DETAIL // 1_000_000} million. Mask a part, or place the frame over one."
        )
    return frame


def _nothing_to_change(document: Document) -> str:
    if document.change_map.content_rect.intersected(document.canvas).empty:
        return "Nothing is masked: brush a mask first, or choose Re-noise to work on the whole frame."
    return "The mask lies outside the frame: drag the frame over it, or let the frame follow the mask."
