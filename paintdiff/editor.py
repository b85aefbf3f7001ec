"""The document being worked on: the one way in for changes, its history and its signals."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from paintdiff.document.dirty import dirty_between
from paintdiff.document.document import Document
from paintdiff.document.history import LIMIT, History
from paintdiff.image.geometry import Rect

UNTITLED = "Untitled"


class Editor(QObject):
    """Holds the current document and emits what changed.

    Signals:
        document_changed(Document, Rect): another document; outside the world rectangle it looks as before. Empty when
            only the frame, the active layer or a name changed. After `load` it is the whole canvas.
        history_changed(): what can be undone or redone, or how it is called, has changed.
        modified_changed(bool): whether there is work that is not saved.
        name_changed(str): what the document is called.
    """

    document_changed = Signal(object, object)
    history_changed = Signal()
    modified_changed = Signal(bool)
    name_changed = Signal(str)

    def __init__(self, document: Document, parent: QObject | None = None, *, limit: int = LIMIT) -> None:
        super().__init__(parent)
        self._limit = limit
        self._history = History(document, limit)
        self._saved: Document | None = document
        self._modified = False
        self._path: Path | None = None
        self._name = UNTITLED

    @property
    def document(self) -> Document:
        return self._history.document

    @property
    def path(self) -> Path | None:
        """Where the document was opened from or last saved to."""
        return self._path

    @property
    def name(self) -> str:
        return self._name

    @property
    def modified(self) -> bool:
        return self._modified

    @property
    def undo_label(self) -> str | None:
        """What undo would take back, or None."""
        return self._history.undo_label

    @property
    def redo_label(self) -> str | None:
        return self._history.redo_label

    @property
    def history(self) -> History:
        """To look at: its labels and what it costs. Changes go through the editor."""
        return self._history

    def replace(self, label: str, document: Document, merge: bool = False) -> None:
        """Make `document` the current one, as a step called `label`. Nothing happens if it is the current one already.

        With `merge`, steps of the same label in a row become one: a slider dragged, a frame moved.
        """
        before = self.document
        if document is before:
            return
        self._history.push(label, document, merge)
        self._changed(before)

    def amend(self, document: Document) -> None:
        """Make `document` the current one without a step to undo: the active layer chosen, and nothing painted."""
        before = self.document
        if document is before:
            return
        self._history.amend(document)
        if self._saved is before:
            self._saved = document
        self._changed(before)

    def settle(self) -> None:
        """The current step is complete (a slider let go): the next one does not merge with it."""
        self._history.settle()

    def undo(self) -> None:
        before = self.document
        if self._history.undo():
            self._changed(before)

    def redo(self) -> None:
        before = self.document
        if self._history.redo():
            self._changed(before)

    def load(self, document: Document, path: Path | None = None, name: str = UNTITLED, modified: bool = False) -> None:
        """Another document altogether, with a fresh history. `modified` says that it is not on disk as it is."""
        before = self.document
        self._history = History(document, self._limit)
        self._saved = None if modified else document
        self._set_place(path, path.name if path else name)
        self.document_changed.emit(document, before.canvas.united(document.canvas))
        self.history_changed.emit()
        self._update_modified()

    def mark_saved(self, path: Path, document: Document | None = None) -> None:
        """`document`, by default the current one, is on disk at `path` now."""
        self._saved = document or self.document
        self.settle()
        self._set_place(path, path.name)
        self._update_modified()

    def _changed(self, before: Document) -> None:
        document = self.document
        dirty: Rect = dirty_between(before, document)
        self.document_changed.emit(document, dirty)
        self.history_changed.emit()
        self._update_modified()

    def _set_place(self, path: Path | None, name: str) -> None:
        self._path = path
        if name != self._name:
            self._name = name
            self.name_changed.emit(name)

    def _update_modified(self) -> None:
        modified = self.document is not self._saved
        if modified != self._modified:
            self._modified = modified
            self.modified_changed.emit(modified)
