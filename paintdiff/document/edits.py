"""Edits of layers and canvas: pure functions from one document to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paintdiff.document.document import Document, Layer, check_size
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES
from paintdiff.generation.request import Recipe
from paintdiff.generation.result import Candidate
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles, tile_rect

WHITE = (255, 255, 255, 255)
NAME_LENGTH = 32


def new_document(width: int, height: int, background: tuple[int, int, int, int] | None = WHITE) -> Document:
    """A picture of one layer, filled with `background` (RGBA) or transparent. Raises `UserError` for its size."""
    check_size(width, height)
    canvas = Rect(0, 0, width, height)
    tiles = Tiles(4) if background is None else Tiles.filled(canvas, background)
    return Document(canvas, (Layer("Background", tiles),))


def picture_document(pixels: np.ndarray, name: str = "Background") -> Document:
    """A document of one layer that holds `pixels`, (h, w, 4) uint8 straight alpha. Raises `UserError` for its size."""
    check_size(pixels.shape[1], pixels.shape[0])
    return Document(Rect(0, 0, pixels.shape[1], pixels.shape[0]), (Layer(name, Tiles.from_array(pixels)),))


def add_layer(document: Document, layer: Layer | None = None) -> Document:
    """`layer`, or a new transparent one, above the active layer; it becomes the active one."""
    layer = layer or Layer(_free_name(document))
    at = document.active + 1
    return replace(document, layers=(*document.layers[:at], layer, *document.layers[at:]), active=at)


def remove_layer(document: Document, index: int) -> Document:
    """Without layer `index`; the one below becomes active if it was the active one. The last layer stays."""
    if len(document.layers) == 1:
        raise UserError("A picture needs at least one layer: add another before deleting this one.")
    layers = document.layers[:index] + document.layers[index + 1 :]
    active = document.active - (index <= document.active)
    return replace(document, layers=layers, active=max(0, active))


def move_layer(document: Document, index: int, to: int) -> Document:
    """Layer `index` taken out and put back at place `to` (0 is the bottom); the active layer stays the same one."""
    layers = list(document.layers)
    active = document.active_layer
    layers.insert(to, layers.pop(index))
    place = next(place for place, layer in enumerate(layers) if layer is active)
    return replace(document, layers=tuple(layers), active=place)


def rename_layer(document: Document, index: int, name: str) -> Document:
    if not name.strip():
        raise UserError("A layer needs a name.")
    return replace_layer(document, index, replace(document.layers[index], name=name.strip()))


def set_visible(document: Document, index: int, visible: bool) -> Document:
    return replace_layer(document, index, replace(document.layers[index], visible=visible))


def set_opacity(document: Document, index: int, opacity: float) -> Document:
    """Opacity is 0..1."""
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in 0..1, not {opacity!r}")
    return replace_layer(document, index, replace(document.layers[index], opacity=opacity))


def set_layer_tiles(document: Document, tiles: Tiles, index: int | None = None) -> Document:
    """New pixels for layer `index`, or for the active one."""
    index = document.active if index is None else index
    return replace_layer(document, index, replace(document.layers[index], tiles=tiles))


def replace_layer(document: Document, index: int, layer: Layer) -> Document:
    return replace(document, layers=(*document.layers[:index], layer, *document.layers[index + 1 :]))


def select_layer(document: Document, index: int) -> Document:
    if not 0 <= index < len(document.layers):
        raise IndexError(f"layer {index} of {len(document.layers)}")
    return replace(document, active=index)


def merge_down(document: Document, index: int) -> Document:
    """Layer `index` blended into the one below, which keeps its name; the picture looks as before."""
    if index == 0:
        raise UserError("There is no layer below to merge into.")
    top, below = document.layers[index], document.layers[index - 1]
    if not (top.visible and below.visible):
        raise UserError("A hidden layer cannot be merged: show both layers first.")
    merged = replace(below, tiles=_merged(below, top), opacity=1.0, recipe=below.recipe or top.recipe)
    layers = (*document.layers[: index - 1], merged, *document.layers[index + 1 :])
    active = document.active - (index <= document.active)
    return replace(document, layers=layers, active=active)


def _merged(below: Layer, top: Layer) -> Tiles:
    tiles = below.tiles if below.opacity >= 1 else Tiles(4)
    keys = top.tiles.data.keys() | (below.tiles.data.keys() if below.opacity < 1 else set())
    for key in keys:
        where = tile_rect(key)
        ground = below.tiles.read(where)
        if below.opacity < 1:
            ground = over(np.zeros_like(ground), ground, below.opacity)
        tiles = tiles.written(over(ground, top.tiles.read(where), top.opacity), where.x, where.y)
    return tiles


def set_canvas(document: Document, canvas: Rect) -> Document:
    """The canvas cut or extended to `canvas`: what lay outside either is gone. Raises `UserError` for its size."""
    check_size(canvas.w, canvas.h)
    kept = canvas.intersected(document.canvas)
    layers = tuple(
        layer if (tiles := layer.tiles.cropped(kept)) is layer.tiles else replace(layer, tiles=tiles)
        for layer in document.layers
    )
    return replace(document, canvas=canvas, layers=layers, change_map=document.change_map.cropped(kept))


def set_frame(document: Document, frame: Rect | None) -> Document:
    """The frame placed by hand, or None for the automatic one."""
    if frame is not None and frame.empty:
        raise ValueError(f"the frame {frame} is empty")
    return replace(document, frame=frame)


def accept(document: Document, candidate: Candidate) -> Document:
    """The candidate as a new layer on top; the change map is cleared and the frame follows it again.

    The canvas grows as far as the patch shows beyond it. Raises `UserError` if it would grow too large.
    """
    patch = np.where(candidate.patch[..., 3:] > 0, candidate.patch, np.uint8(0))
    tiles = Tiles.from_array(patch, candidate.frame.x, candidate.frame.y)
    canvas = document.canvas.united(tiles.content_rect)
    if canvas != document.canvas:
        document = set_canvas(document, canvas)
    layer = Layer(layer_name(candidate.recipe), tiles, recipe=candidate.recipe)
    layers = (*document.layers, layer)
    return replace(document, layers=layers, active=len(layers) - 1, change_map=Tiles(1), frame=None)


def layer_name(recipe: Recipe) -> str:
    """What a generated layer is called: its prompt, cut to a few words, or else its mode."""
    words = " ".join(recipe.sampling.prompt.split())
    if not words:
        return MODES[recipe.mode].label if recipe.mode in MODES else "Generated"
    if len(words) <= NAME_LENGTH:
        return words
    return words[:NAME_LENGTH].rsplit(" ", 1)[0].rstrip(",.;: ") + "…"


def _free_name(document: Document) -> str:
    names = {layer.name for layer in document.layers}
    number = 1
    while f"Layer {number}" in names:
        number += 1
    return f"Layer {number}"
