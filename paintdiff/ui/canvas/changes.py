"""Which tiles of the visible picture differ between two documents."""

from __future__ import annotations

from paintdiff.document.document import Document
from paintdiff.image.tiles import Key, Tiles

Shown = list[tuple[Tiles, float]]


def changed_tiles(old: Document, new: Document) -> set[Key]:
    """Keys of the tiles where the blended layers may look different; both documents have the same canvas."""
    before, after = _shown(old), _shown(new)
    while before and after and _same(before[-1], after[-1]):
        before.pop()
        after.pop()
    while before and after and _same(before[0], after[0]):
        before.pop(0)
        after.pop(0)
    keys: set[Key] = set()
    if len(before) == len(after):
        for (old_tiles, old_opacity), (new_tiles, new_opacity) in zip(before, after, strict=True):
            if old_opacity == new_opacity:
                keys |= new_tiles.changed_keys(old_tiles)
            else:
                keys |= old_tiles.data.keys() | new_tiles.data.keys()
        return keys
    return keys.union(*(tiles.data.keys() for tiles, _ in before + after))


def _shown(document: Document) -> Shown:
    return [(layer.tiles, layer.opacity) for layer in document.layers if layer.visible and layer.opacity > 0]


def _same(a: tuple[Tiles, float], b: tuple[Tiles, float]) -> bool:
    return a[0] is b[0] and a[1] == b[1]
