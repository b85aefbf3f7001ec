"""Reading OpenRaster files, ours and others', as the untrusted archives that they are."""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from paintdiff.document.decode import decode
from paintdiff.document.document import MAX_PIXELS, Document, Layer, check_size
from paintdiff.document.openraster import CHANGE_MAP, EXTRA, MIMETYPE
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

MAX_TEXT = 16 << 20  # bytes of stack.xml or of our own entry
MAX_ENTRY = 5 * MAX_PIXELS  # bytes of one picture, unpacked from the archive
MAX_LAYERS = 1000
MAX_LAYER_PIXELS = 16 * MAX_PIXELS  # of all layers together
MAX_DEPTH = 50  # of groups within groups
MAX_OFFSET = 1 << 20  # pixels that a layer may lie from the corner
NAME_LENGTH = 200


@dataclass(frozen=True)
class _Placed:
    """A layer as stack.xml describes it, groups dissolved: offsets in canvas pixels."""

    name: str
    source: str
    x: int
    y: int
    opacity: float
    visible: bool
    selected: bool


@dataclass
class _Notices:
    name: str
    found: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if text not in self.found:
            self.found.append(text)


def open_ora(file: BinaryIO, name: str) -> tuple[Document, tuple[str, ...]]:
    """The document in an OpenRaster file and notices for the user. Raises `UserError` for anything that is not one."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive, name)
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"There is not enough memory to open {name}.") from error
    except Exception as error:  # zip, zlib, XML and JSON readers raise whatever a damaged file makes them stumble over
        raise UserError(f"{name} is damaged and cannot be opened ({error}).") from error


def _read(archive: zipfile.ZipFile, name: str) -> tuple[Document, tuple[str, ...]]:
    if "stack.xml" not in archive.namelist() or _text(archive, "mimetype").strip() != MIMETYPE.encode():
        raise UserError(f"{name} is an archive, but not an OpenRaster picture.")
    notices = _Notices(name)
    image = _parse(_text(archive, "stack.xml"))
    width, height = int(image.get("w", "")), int(image.get("h", ""))
    check_size(width, height)
    placed: list[_Placed] = []
    for stack in image.findall("stack"):
        _flatten(stack, _Placed("", "", 0, 0, 1.0, True, False), placed, notices, depth=0)
    if not placed:
        raise UserError(f"{name} holds no layers.")
    extra = _extra(archive, notices)
    canvas = Rect(*extra.origin, width, height)
    layers, budget = [], MAX_LAYER_PIXELS
    for item in reversed(placed):
        pixels = _pixels(archive, item.source, name)
        budget -= pixels.shape[0] * pixels.shape[1]
        if budget < 0:
            raise UserError(f"The layers of {name} are too large to open together.")
        tiles = Tiles.from_array(pixels, item.x + canvas.x, item.y + canvas.y)
        layers.append(Layer(item.name, tiles, item.visible, item.opacity, extra.recipes.get(item.source)))
    active = next((index for index, item in enumerate(reversed(placed)) if item.selected), len(layers) - 1)
    document = Document(canvas, tuple(layers), active, frame=extra.frame)
    if CHANGE_MAP in archive.namelist():
        change_map = _pixels(archive, CHANGE_MAP, name)[:height, :width, 0]
        document = replace(document, change_map=Tiles.from_array(np.ascontiguousarray(change_map), canvas.x, canvas.y))
    return document, tuple(notices.found)


def _text(archive: zipfile.ZipFile, entry: str) -> bytes:
    if entry not in archive.namelist():
        return b""
    with archive.open(entry) as file:
        data = file.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise ValueError(f"{entry} is larger than {MAX_TEXT} bytes")
    return data


def _pixels(archive: zipfile.ZipFile, entry: str, name: str) -> np.ndarray:
    if archive.getinfo(entry).file_size > MAX_ENTRY:
        raise UserError(f"A layer of {name} is too large to open.")
    with archive.open(entry) as file:
        return decode(cast(BinaryIO, file), f"The entry {entry} of {name}", ("PNG",)).pixels


def _parse(data: bytes) -> ElementTree.Element:
    """The root of an XML document that declares no entities: none can grow, and none can name a file."""
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("stack.xml declares a document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.Parse(data, True)
    return builder.close()


def _flatten(
    stack: ElementTree.Element, group: _Placed, placed: list[_Placed], notices: _Notices, depth: int
) -> None:
    """Append the layers of `stack`, topmost first, with what their groups do to them."""
    if depth > MAX_DEPTH:
        raise ValueError("too many groups within groups")
    for child in stack:
        if child.tag not in ("layer", "stack"):
            continue
        item = _Placed(
            name=child.get("name", "").strip()[:NAME_LENGTH] or "Layer",
            source=child.get("src", ""),
            x=_offset(child.get("x", "0")) + group.x,
            y=_offset(child.get("y", "0")) + group.y,
            opacity=_opacity(child.get("opacity", "1")) * group.opacity,
            visible=child.get("visibility", "visible") != "hidden" and group.visible,
            selected=child.get("selected") == "true",
        )
        if child.get("composite-op", "svg:src-over") != "svg:src-over":
            notices.add(f"{notices.name} uses blend modes that PaintDiff does not have; they were read as normal.")
        if child.tag == "stack":
            notices.add(f"{notices.name} has groups of layers; they were dissolved.")
            _flatten(child, item, placed, notices, depth + 1)
        else:
            placed.append(item)
        if len(placed) > MAX_LAYERS:
            raise UserError(f"{notices.name} has more than {MAX_LAYERS} layers.")


def _offset(text: str) -> int:
    value = int(float(text))
    if abs(value) > MAX_OFFSET:
        raise ValueError(f"a layer lies {value} pixels away")
    return value


def _opacity(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError("a layer's opacity is not a number")
    return min(1.0, max(0.0, value))


@dataclass(frozen=True)
class _Extra:
    """What only PaintDiff knows of a document."""

    origin: tuple[int, int] = (0, 0)
    frame: Rect | None = None
    recipes: dict[str, Recipe] = field(default_factory=dict)


def _extra(archive: zipfile.ZipFile, notices: _Notices) -> _Extra:
    if EXTRA not in archive.namelist():
        return _Extra()
    try:
        return _extra_from(json.loads(_text(archive, EXTRA)))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, UserError):
        notices.add(f"What PaintDiff itself noted in {notices.name} cannot be read: frame and recipes are left out.")
        return _Extra()


def _extra_from(data: dict[str, Any]) -> _Extra:
    x, y = (_whole(value) for value in data["origin"])
    frame = None if data["frame"] is None else Rect(*(_whole(value) for value in data["frame"]))
    if frame is not None and frame.empty:
        raise ValueError("the frame is empty")
    recipes = {str(source): Recipe.from_json(recipe) for source, recipe in data["recipes"].items()}
    return _Extra((x, y), frame, recipes)


def _whole(value: object) -> int:
    if not isinstance(value, int) or abs(value) > MAX_OFFSET:
        raise ValueError(f"{value!r} is no position")
    return value
