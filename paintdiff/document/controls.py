"""What a request is shown besides: the pictures of controls and of an image prompt, taken from layers and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.generation.controls import FILE, FRAME, LAYER, Control, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request, digest
from paintdiff.image.geometry import Rect

FILES_KEPT = 4


def with_shown(
    request: Request, document: Document, controls: Sequence[Control], prompt: ImagePrompt | None = None
) -> Request:
    """`request` with the controls and the image prompt, whose pictures come from `document` as it is now.

    Raises `UserError` for a layer or a file that is not there, or that is empty.
    """
    shown = tuple(_with_picture(control, document, request.frame) for control in controls)
    if prompt is not None:
        picture = prompt_picture(prompt.source, document)
        prompt = replace(prompt, picture=picture, picture_sha256=digest(picture))
    return replace(request, add_ons=replace(request.add_ons, controls=shown, image_prompt=prompt))


def control_picture(source: str, document: Document, frame: Rect) -> np.ndarray | None:
    """What `Control.source` names, (h, w, 4) uint8 straight alpha over `frame`; None for the frame's own picture.

    A layer counts whether it is shown or not. A file is laid over the whole canvas, scaled to it if its size is
    another. Raises `UserError`.
    """
    if source == FRAME:
        return None
    if source.startswith(LAYER):
        return _layer(source.removeprefix(LAYER), document).tiles.read(frame)
    picture = np.zeros((*frame.shape, 4), np.uint8)
    inside = frame.intersected(document.canvas)
    whole = _fitted(_file(source.removeprefix(FILE)), document.canvas)
    picture[inside.slices_in(frame)] = whole[inside.slices_in(document.canvas)]
    return picture


def prompt_picture(source: str, document: Document) -> np.ndarray:
    """What `ImagePrompt.source` names, (h, w, 4) uint8 straight alpha: a file, or what is painted of a layer.

    Raises `UserError`.
    """
    if source.startswith(FILE):
        return _file(source.removeprefix(FILE))
    name = source.removeprefix(LAYER)
    layer = _layer(name, document)
    rect = layer.tiles.content_rect.intersected(document.canvas)
    if rect.empty:
        raise UserError(f"The layer {name} is empty: paint on it, or take another picture as the image prompt.")
    return layer.tiles.read(rect)


def _with_picture(control: Control, document: Document, frame: Rect) -> Control:
    picture = control_picture(control.source, document, frame)
    if picture is None:
        return control
    if control.source.startswith(LAYER) and not picture[..., 3].any():
        name = control.source.removeprefix(LAYER)
        raise UserError(f"The layer {name} has nothing in the frame: paint what its control should follow there.")
    return replace(control, picture=picture, picture_sha256=digest(picture))


def _layer(name: str, document: Document) -> Layer:
    """The topmost layer of that name."""
    for layer in reversed(document.layers):
        if layer.name == name:
            return layer
    raise UserError(f"A control looks at a layer called {name}, and there is none: choose another one.")


def _file(name: str) -> np.ndarray:
    """The picture in a file, which is read again when it has changed."""
    from paintdiff.document.files import open_picture  # Pillow is not needed to open the window

    try:
        status = Path(name).stat()
    except OSError:
        open_picture(name)  # which says what is wrong
        raise
    return _read(name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=FILES_KEPT)  # previews ask for it again with every change of the picture
def _read(name: str, _changed: int, _size: int) -> np.ndarray:
    from paintdiff.document.files import open_picture

    document = open_picture(name).document
    picture = compose(document, document.canvas)
    picture.flags.writeable = False
    return picture


def _fitted(picture: np.ndarray, canvas: Rect) -> np.ndarray:
    """At the size of the canvas; colours are scaled without what is transparent beside them."""
    if picture.shape[:2] == canvas.shape:
        return picture
    smaller = picture.shape[0] >= canvas.h and picture.shape[1] >= canvas.w
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    share = picture[..., 3:].astype(np.float32) / 255
    scaled = cv2.resize(np.dstack([picture[..., :3] * share, share]), (canvas.w, canvas.h), interpolation=method)
    alpha = scaled[..., 3:]
    colour = scaled[..., :3] / np.maximum(alpha, 1e-6)
    return np.rint(np.dstack([colour.clip(0, 255), alpha * 255])).astype(np.uint8)
