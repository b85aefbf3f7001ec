"""Undo: older documents, kept as long as the tiles that they alone hold fit into a budget of bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from paintdiff.document.dirty import left_behind
from paintdiff.document.document import Document

LIMIT = 1 << 30  # bytes
_ENTRY = 48  # bytes a tile that a document's own table of tiles takes, about


@dataclass(eq=False)
class _Entry:
    """A step: what it was called, the document it led to, whether the next like it may replace it.

    `left` are the tiles of the document before that this step replaced, and `table` what the older document's tables of
    tiles take.
    """

    label: str
    document: Document
    merge: bool = False
    left: list[np.ndarray] = field(default_factory=list)
    table: int = 0


class History:
    """The current document and its past and future. `limit` bounds the past in bytes; the newest step always stays."""

    def __init__(self, document: Document, limit: int = LIMIT) -> None:
        self._entries = [_Entry("", document)]
        self._at = 0
        self._limit = limit
        self._held: Counter[int] = Counter()
        self._bytes = 0

    @property
    def document(self) -> Document:
        return self._entries[self._at].document

    @property
    def bytes(self) -> int:
        """What the steps cost beyond the document itself: tiles replaced by later ones, each counted once."""
        return self._bytes

    @property
    def labels(self) -> tuple[str, ...]:
        """The steps that can be undone, oldest first."""
        return tuple(entry.label for entry in self._entries[1 : self._at + 1])

    @property
    def undo_label(self) -> str | None:
        return self._entries[self._at].label if self._at else None

    @property
    def redo_label(self) -> str | None:
        return self._entries[self._at + 1].label if self._at + 1 < len(self._entries) else None

    def push(self, label: str, document: Document, merge: bool = False) -> None:
        """A new step. With `merge` it takes the place of the step before if that merges too and has the same label."""
        while len(self._entries) > self._at + 1:
            self._release(self._entries.pop())
        last = self._entries[-1]
        if merge and last.merge and last.label == label and self._at:
            self._release(self._entries.pop())
        before = self._entries[-1].document
        entry = _Entry(label, document, merge, left_behind(before, document), _table(before, document))
        self._entries.append(entry)
        self._hold(entry)
        self._at = len(self._entries) - 1
        while self._bytes > self._limit and self._at > 1:
            del self._entries[0]
            self._release(self._entries[0])
            self._entries[0].left, self._entries[0].table = [], 0
            self._at -= 1

    def amend(self, document: Document) -> None:
        """Another document in place of the current one, as no step of its own (the active layer chosen anew)."""
        self._entries[self._at].document = document
        self.settle()

    def settle(self) -> None:
        """The current step is complete: the next one does not merge with it."""
        self._entries[self._at].merge = False

    def undo(self) -> bool:
        """One step back; False if there is none."""
        if not self._at:
            return False
        self._at -= 1
        self.settle()
        return True

    def redo(self) -> bool:
        """One step forward; False if there is none."""
        if self._at + 1 >= len(self._entries):
            return False
        self._at += 1
        self.settle()
        return True

    def _hold(self, entry: _Entry) -> None:
        self._bytes += entry.table
        for tile in entry.left:
            self._held[id(tile)] += 1
            if self._held[id(tile)] == 1:
                self._bytes += tile.nbytes

    def _release(self, entry: _Entry) -> None:
        self._bytes -= entry.table
        for tile in entry.left:
            self._held[id(tile)] -= 1
            if not self._held[id(tile)]:
                del self._held[id(tile)]
                self._bytes -= tile.nbytes


def _table(before: Document, after: Document) -> int:
    kept = {id(layer.tiles) for layer in after.layers} | {id(after.change_map)}
    rasters = [layer.tiles for layer in before.layers] + [before.change_map]
    return sum(_ENTRY * len(tiles.data) for tiles in rasters if id(tiles) not in kept)
