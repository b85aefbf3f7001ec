"""A stroke under way: coverage gathered in a scratch raster, shown over its base and merged once at the end."""

from __future__ import annotations

import numpy as np

from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import Tiles
from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.coverage import Tip, capsule, reach
from paintdiff.paint.inks import Ink
from paintdiff.paint.path import Path
from paintdiff.paint.scratch import Scratch, bands


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
        self._coverage = Scratch()

    def extend(self, sample: Sample) -> Rect:
        """Go on to `sample`; the rectangle of world pixels that may have changed."""
        return self._draw(self._path.extend(sample))

    def finish(self) -> Rect:
        """Draw up to the last sample; the rectangle that may have changed."""
        return self._draw(self._path.finish())

    def read(self, rect: Rect) -> np.ndarray:
        """The base with the stroke on it: (h, w, 4) or (h, w) uint8 of `rect`, a new array."""
        base = self.base.read(rect)
        coverage = self._coverage.read(rect)
        return base if coverage is None else self._ink.applied(base, coverage)

    def merged(self) -> Tiles:
        """The base with the whole stroke on it; the base itself if nothing changed."""
        tiles = self.base
        for rect in self._coverage.touched():
            pixels = np.empty(self.base.shape_of(rect), np.uint8)
            for band in bands(rect):
                pixels[band.slices_in(rect)] = self.read(band)
            tiles = tiles.written(pixels, rect.x, rect.y)
        return tiles

    def _draw(self, pieces: list[tuple[Tip, Tip]]) -> Rect:
        dirty = EMPTY
        for a, b in pieces:
            rect = reach(a, b).intersected(self._bounds)
            if rect.empty:
                continue
            for band in bands(rect):
                self._coverage.raise_to(capsule(a, b, self._brush.hardness, band), band)
            dirty = dirty.united(rect)
        return dirty
