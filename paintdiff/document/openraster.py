"""OpenRaster 0.0.6, the file that keeps layers; what is ours alone lies in entries that other programs ignore."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from paintdiff.document.atomic import write_atomically
from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.document.save import encode_png
from paintdiff.image.geometry import Rect

MIMETYPE = "image/openraster"
EXTRA = "paintdiff/document.json"
CHANGE_MAP = "paintdiff/change-map.png"
THUMBNAIL = 256  # pixels a side, as the format wants it
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0, section 2.2
_DATE = (1980, 1, 1, 0, 0, 0)  # the same document gives the same bytes


def save_ora(path: Path, document: Document) -> None:
    """Everything in `document` as an OpenRaster file. Raises `UserError`; the old file is then as it was."""
    write_atomically(path, lambda file: _write(file, document))


def _write(file: BinaryIO, document: Document) -> None:
    canvas = document.canvas
    flat = compose(document, canvas)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "mimetype", lambda entry: entry.write(MIMETYPE.encode()))
        places = [_write_layer(archive, index, layer) for index, layer in enumerate(document.layers)]
        _add(archive, "stack.xml", lambda entry: entry.write(_stack(document, places)))
        _add(archive, "mergedimage.png", lambda entry: encode_png(entry, flat))
        _add(archive, "Thumbnails/thumbnail.png", lambda entry: encode_png(entry, _thumbnail(flat)))
        if not document.change_map.is_empty:
            _add(archive, CHANGE_MAP, lambda entry: encode_png(entry, document.change_map.read(canvas)))
        _add(archive, EXTRA, lambda entry: entry.write(json.dumps(_extra(document)).encode()))


def _add(archive: zipfile.ZipFile, name: str, write: Callable[[BinaryIO], Any]) -> None:
    with archive.open(zipfile.ZipInfo(name, _DATE), "w") as entry:
        write(cast(BinaryIO, entry))


def source_name(index: int) -> str:
    return f"data/layer{index}.png"


def _write_layer(archive: zipfile.ZipFile, index: int, layer: Layer) -> Rect:
    """Write a layer's pixels and say where in the world they lie; an empty layer is one transparent pixel."""
    rect = layer.tiles.content_rect
    rect = Rect(rect.x, rect.y, max(1, rect.w), max(1, rect.h))
    _add(archive, source_name(index), lambda entry: encode_png(entry, layer.tiles.read(rect)))
    return rect


def _stack(document: Document, places: list[Rect]) -> bytes:
    canvas = document.canvas
    image = ElementTree.Element("image", version="0.0.6", w=str(canvas.w), h=str(canvas.h))
    stack = ElementTree.SubElement(image, "stack")
    for index in reversed(range(len(document.layers))):  # the format lists the topmost first
        layer, rect = document.layers[index], places[index]
        attributes = {
            "name": _UNWRITABLE.sub("", layer.name), "src": source_name(index),
            "x": str(rect.x - canvas.x), "y": str(rect.y - canvas.y),
            "opacity": repr(float(layer.opacity)), "visibility": "visible" if layer.visible else "hidden",
            "composite-op": "svg:src-over",
        }  # fmt: skip
        if index == document.active:
            attributes["selected"] = "true"
        ElementTree.SubElement(stack, "layer", attributes)
    return ElementTree.tostring(image, encoding="utf-8", xml_declaration=True)


def _extra(document: Document) -> dict[str, Any]:
    canvas, frame = document.canvas, document.frame
    return {
        "version": 1,
        "origin": [canvas.x, canvas.y],
        "frame": [frame.x, frame.y, frame.w, frame.h] if frame else None,
        "recipes": {
            source_name(index): layer.recipe.to_json()
            for index, layer in enumerate(document.layers)
            if layer.recipe is not None
        },
    }


def _thumbnail(flat: np.ndarray) -> np.ndarray:
    image = Image.fromarray(flat)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(image)
