"""What differs between two documents, told from the identity of their tiles rather than from their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from paintdiff.document.document import Document, Layer
from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import Tiles, bounds


def dirty_between(before: Document, after: Document) -> Rect:
    """A world rectangle outside which both documents show the same picture and the same change map.

    Frame and active layer are not pixels and do not count.
    """
    if before.canvas != after.canvas:
        return before.canvas.united(after.canvas)
    dirty = EMPTY
    if before.layers is not after.layers:
        dirty = _dirty_layers(before.layers, after.layers)
    if before.change_map is not after.change_map:
        dirty = dirty.united(_dirty_tiles(before.change_map, after.change_map))
    return dirty.intersected(after.canvas)


def _dirty_layers(before: Sequence[Layer], after: Sequence[Layer]) -> Rect:
    dirty = EMPTY
    if len(before) == len(after):
        for old, new in zip(before, after, strict=True):
            if old is not new:
                dirty = dirty.united(_dirty_layer(old, new))
        return dirty
    shorter = min(len(before), len(after))
    same_below = _count(before[i] is after[i] for i in range(shorter))
    same_above = _count(before[-1 - i] is after[-1 - i] for i in range(shorter - same_below))
    for layers in (before, after):
        for layer in layers[same_below : len(layers) - same_above]:
            dirty = dirty.united(layer.tiles.extent if _shown(layer) else EMPTY)
    return dirty


def _dirty_layer(old: Layer, new: Layer) -> Rect:
    if _shown(old) != _shown(new):
        return old.tiles.extent.united(new.tiles.extent)
    return _dirty_tiles(old.tiles, new.tiles) if _shown(new) else EMPTY


def _dirty_tiles(old: Tiles, new: Tiles) -> Rect:
    return EMPTY if old is new else bounds(old.changed_keys(new))


def _shown(layer: Layer) -> float:
    return layer.opacity if layer.visible else 0.0


def _count(same: Iterator[bool]) -> int:
    """How many are true before the first that is not."""
    count = 0
    for value in same:
        if not value:
            break
        count += 1
    return count


def left_behind(before: Document, after: Document) -> list[np.ndarray]:
    """The tile arrays of `before` that `after` no longer holds: what keeping `before` costs."""
    old, new = _rasters(before), _rasters(after)
    gone = [tiles for key, tiles in old.items() if key not in new]
    fresh = [tiles for key, tiles in new.items() if key not in old]
    if len(gone) == len(fresh) == 1:  # a stroke: one raster became another
        return [tile for key in gone[0].changed_keys(fresh[0]) if (tile := gone[0].data.get(key)) is not None]
    kept = {id(tile) for tiles in fresh for tile in tiles.data.values()}
    return [tile for tiles in gone for tile in tiles.data.values() if id(tile) not in kept]


def _rasters(document: Document) -> dict[int, Tiles]:
    """Every distinct raster by identity."""
    rasters = {id(layer.tiles): layer.tiles for layer in document.layers}
    return rasters | {id(document.change_map): document.change_map}
