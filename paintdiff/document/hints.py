"""Colour hints: a layer that is not part of the picture but leads its colorization."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.image.geometry import Rect

HINTS = "Colour hints"  # a layer is one by its name, so that files keep it and the painter can make and unmake one


def with_hint_layer(document: Document, layer: Layer | None = None) -> Document:
    """The hint layer on top, shown and active: the one that there is, or else `layer` or a new one.

    The same document if that is so already.
    """
    found = next((each for each in reversed(document.layers) if each.name == HINTS), layer or Layer(HINTS))
    if found is document.layers[-1] and found is document.active_layer and found.visible:
        return document
    shown = found if found.visible else replace(found, visible=True)
    layers = (*(each for each in document.layers if each is not found), shown)
    return replace(document, layers=layers, active=len(layers) - 1)


def without_hints(document: Document) -> Document:
    """The picture alone: every layer of hints hidden."""
    if not any(_is_shown(layer) for layer in document.layers):
        return document
    layers = tuple(replace(layer, visible=False) if layer.name == HINTS else layer for layer in document.layers)
    return replace(document, layers=layers)


def hints_in(document: Document, rect: Rect) -> np.ndarray | None:
    """The hints that are shown, (h, w, 4) uint8 straight alpha of world `rect`; None where there are none."""
    if not any(_is_shown(layer) for layer in document.layers):
        return None
    layers = tuple(layer if layer.name == HINTS else replace(layer, visible=False) for layer in document.layers)
    pixels = compose(replace(document, layers=layers), rect)
    return pixels if pixels[..., 3].any() else None


def _is_shown(layer: Layer) -> bool:
    return layer.name == HINTS and layer.visible
