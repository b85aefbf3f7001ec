"""Sparse tiled pixels: immutable, shared between versions, cheap to change in one place and to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from operator import is_, is_not
from types import MappingProxyType
from weakref import ref

import numpy as np

from paintdiff.image.geometry import EMPTY, Rect

TILE = 128
Key = tuple[int, int]


def tile_rect(key: Key) -> Rect:
    return Rect(key[0] * TILE, key[1] * TILE, TILE, TILE)


def keys_in(rect: Rect) -> Iterator[Key]:
    """Keys (tx, ty) of every tile that `rect` touches."""
    if rect.empty:
        return
    for ty in range(rect.y // TILE, (rect.bottom - 1) // TILE + 1):
        for tx in range(rect.x // TILE, (rect.right - 1) // TILE + 1):
            yield tx, ty


@dataclass(frozen=True, eq=False)
class Tiles:
    """An endless uint8 raster with `channels` channels, zero wherever no tile is stored.

    `data` maps (tx, ty) to a read-only (TILE, TILE, channels) uint8 array, or (TILE, TILE) when `channels` is 1; none
    is all zero. Versions share tile arrays; identity of an array means equality of its pixels. `origin` is the version
    that this one was written on, with the keys that differ: it spares comparing thousands of tiles after a stroke.
    """

    channels: int
    data: MappingProxyType[Key, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))
    origin: tuple[ref[Tiles], frozenset[Key]] | None = None

    @classmethod
    def from_array(cls, pixels: np.ndarray, x: int = 0, y: int = 0) -> Tiles:
        """Tiles holding `pixels` ((h, w, c) or (h, w), uint8) with their top left corner at world (x, y)."""
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        return cls(channels).written(pixels, x, y)

    def shape_of(self, rect: Rect) -> tuple[int, ...]:
        return rect.shape if self.channels == 1 else (*rect.shape, self.channels)

    def read(self, rect: Rect) -> np.ndarray:
        """A copy of the pixels in `rect`, (h, w, channels) or (h, w) uint8."""
        out = np.zeros(self.shape_of(rect), np.uint8)
        for key in keys_in(rect):
            tile = self.data.get(key)
            if tile is not None:
                where = tile_rect(key)
                part = where.intersected(rect)
                out[part.slices_in(rect)] = tile[part.slices_in(where)]
        return out

    @classmethod
    def filled(cls, rect: Rect, value: tuple[int, ...]) -> Tiles:
        """Tiles holding one colour, `value` per channel, inside `rect`; whole tiles share one array."""
        whole = np.empty((TILE, TILE) if len(value) == 1 else (TILE, TILE, len(value)), np.uint8)
        whole[...] = value
        whole.flags.writeable = False
        data = dict.fromkeys(keys_in(rect), whole) if any(value) else {}
        return cls(len(value), MappingProxyType(data)).cropped(rect)

    def written(self, pixels: np.ndarray, x: int, y: int) -> Tiles:
        """A version with `pixels` ((h, w, channels) or (h, w) uint8) in place of what lies at world (x, y).

        Tiles whose pixels stay as they were are shared, all-zero ones dropped; this very version if nothing changed.
        """
        rect = Rect(x, y, pixels.shape[1], pixels.shape[0])
        if pixels.dtype != np.uint8 or pixels.shape != self.shape_of(rect):
            raise ValueError(f"expected uint8 {self.shape_of(rect)}, got {pixels.dtype} {pixels.shape}")
        data: dict[Key, np.ndarray] | None = None
        changed: list[Key] = []
        for key in keys_in(rect):
            where = tile_rect(key)
            part = where.intersected(rect)
            old, new = self.data.get(key), pixels[part.slices_in(rect)]
            unchanged = not new.any() if old is None else np.array_equal(old[part.slices_in(where)], new)
            if unchanged:
                continue
            tile = np.zeros(self.shape_of(where), np.uint8) if old is None else old.copy()
            tile[part.slices_in(where)] = new
            tile.flags.writeable = False
            data = self.data | {} if data is None else data
            changed.append(key)
            if new.any() or tile.any():
                data[key] = tile
            else:
                data.pop(key, None)
        if data is None:
            return self
        return Tiles(self.channels, MappingProxyType(data), (ref(self), frozenset(changed)))

    def cropped(self, rect: Rect) -> Tiles:
        """A version that is zero outside `rect`; tiles that were so already are shared, this very one if all were."""
        if rect.contains(self.extent):
            return self
        data: dict[Key, np.ndarray] = {}
        for key, tile in self.data.items():
            where = tile_rect(key)
            part = where.intersected(rect)
            if part == where:
                data[key] = tile
                continue
            kept = np.zeros_like(tile)
            kept[part.slices_in(where)] = tile[part.slices_in(where)]
            if np.array_equal(kept, tile):
                data[key] = tile
            elif kept.any():
                kept.flags.writeable = False
                data[key] = kept
        same = len(data) == len(self.data) and all(map(is_, data.values(), self.data.values()))
        return self if same else Tiles(self.channels, MappingProxyType(data))

    @property
    def is_empty(self) -> bool:
        return not self.data

    def touches(self, rect: Rect) -> bool:
        """Whether any tile is stored for `rect`."""
        return any(key in self.data for key in keys_in(rect))

    @cached_property
    def extent(self) -> Rect:
        """Bounding rectangle of the stored tiles (multiples of TILE)."""
        return bounds(self.data)

    @cached_property
    def content_rect(self) -> Rect:
        """Bounding rectangle of the non-zero pixels."""
        content, inner = EMPTY, self.extent.inflated(-1)
        for key, tile in self.data.items():
            where = tile_rect(key)
            if inner.contains(where):
                continue  # a tile inside the outermost ones cannot widen the rectangle
            rows = np.flatnonzero(tile.reshape(TILE, -1).any(axis=1))
            columns = np.flatnonzero(tile.any(axis=0).reshape(TILE, -1).any(axis=1))
            filled = Rect.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            content = content.united(filled.moved(where.x, where.y))
        return content

    def changed_keys(self, other: Tiles) -> set[Key]:
        """Keys of tiles that are not the same array in both versions."""
        if self.data is other.data:
            return set()
        if other.origin is not None and other.origin[0]() is self:
            return set(other.origin[1])
        if list(self.data) == list(other.data):  # true after most strokes, and then C does the whole comparison
            return set(compress(self.data, map(is_not, self.data.values(), other.data.values())))
        return {
            key for key in self.data.keys() | other.data.keys() if self.data.get(key) is not other.data.get(key)
        }


def bounds(keys: Iterable[Key]) -> Rect:
    """The rectangle around the tiles named by `keys`."""
    pairs = list(keys)
    if not pairs:
        return EMPTY
    columns, rows = zip(*pairs, strict=True)
    return Rect.from_edges(
        min(columns) * TILE, min(rows) * TILE, max(columns) * TILE + TILE, max(rows) * TILE + TILE
    )
