"""A stroke under way: coverage gathered in a scratch raster, shown over its base and merged once at the end."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import TILE, Key, Tiles, keys_in, tile_rect
from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.coverage import Tip, capsule, reach
from paintdiff.paint.inks import Ink
from paintdiff.paint.path import Path


class Stroke:
    """Paints `ink` on `base` with `brush`, within `bounds` (the canvas).

    The coverage of a stroke is the maximum over its pieces, so that it never exceeds the brush's opacity however often
    it crosses itself. Raises ValueError where the ink does not fit the base.
    """

    def __init__(self, base: Tiles, brush: Brush, ink: Ink, bounds: Rect) -> None:
        if base.channels != ink.channels:
            raise ValueError(f"{type(ink).__name__} paints {ink.channels} channels, the base has {base.channels}")
        self.base = base
        self._brush = brush
        self._ink = ink
        self._bounds = bounds
        self._path = Path(brush)
        self._coverage: dict[Key, np.ndarray] = {}

    def extend(self, sample: Sample) -> Rect:
        """Go on to `sample`; the rectangle of world pixels that may have changed."""
        return self._draw(self._path.extend(sample))

    def finish(self) -> Rect:
        """Draw up to the last sample; the rectangle that may have changed."""
        return self._draw(self._path.finish())

    def read(self, rect: Rect) -> np.ndarray:
        """The base with the stroke on it: (h, w, 4) or (h, w) uint8 of `rect`, a new array."""
        base = self.base.read(rect)
        touched = [key for key in keys_in(rect) if key in self._coverage]
        if not touched:
            return base
        coverage = np.zeros(rect.shape, np.uint8)
        for key in touched:
            where = tile_rect(key)
            part = where.intersected(rect)
            coverage[part.slices_in(rect)] = self._coverage[key][part.slices_in(where)]
        return self._ink.applied(base, coverage)

    def merged(self) -> Tiles:
        """The base with the whole stroke on it; tiles that the stroke left as they were are shared."""
        data = self.base.data | {}
        for key, coverage in self._coverage.items():
            old = data.get(key)
            below = np.zeros(self.base.shape_of(tile_rect(key)), np.uint8) if old is None else old
            tile = self._ink.applied(below, coverage)
            if np.array_equal(tile, below):
                continue
            if tile.any():
                tile.flags.writeable = False
                data[key] = tile
            else:
                data.pop(key, None)
        changed = any(data.get(key) is not self.base.data.get(key) for key in self._coverage)
        return Tiles(self.base.channels, MappingProxyType(data)) if changed else self.base

    def _draw(self, pieces: list[tuple[Tip, Tip]]) -> Rect:
        dirty = EMPTY
        for a, b in pieces:
            rect = reach(a, b).intersected(self._bounds)
            if rect.empty:
                continue
            self._raise_to(capsule(a, b, self._brush.hardness, rect), rect)
            dirty = dirty.united(rect)
        return dirty

    def _raise_to(self, coverage: np.ndarray, rect: Rect) -> None:
        for key in keys_in(rect):
            where = tile_rect(key)
            part = where.intersected(rect)
            new = coverage[part.slices_in(rect)]
            if key not in self._coverage:
                if not new.any():
                    continue
                self._coverage[key] = np.zeros((TILE, TILE), np.uint8)
            kept = self._coverage[key][part.slices_in(where)]
            np.maximum(kept, new, out=kept)
