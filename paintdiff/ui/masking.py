"""The commands of the Mask menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QInputDialog, QWidget

from paintdiff.document import change_map
from paintdiff.document.document import Document
from paintdiff.editor import Editor

MAX_RADIUS = 256


class Masking:
    """Whole-mask edits; those with a radius ask for it, and remember it."""

    def __init__(self, window: QWidget, editor: Editor) -> None:
        self._window, self._editor = window, editor
        self._radius = 8

    @property
    def any(self) -> bool:
        """Whether anything is masked at all."""
        return not self._editor.document.change_map.is_empty

    def fill(self) -> None:
        self._editor.replace("Mask all", change_map.fill(self._editor.document))

    def clear(self) -> None:
        self._editor.replace("Clear mask", change_map.clear(self._editor.document))

    def invert(self) -> None:
        self._editor.replace("Invert mask", change_map.invert(self._editor.document))

    def grow(self) -> None:
        self._with_radius("Grow mask", change_map.grow)

    def shrink(self) -> None:
        self._with_radius("Shrink mask", change_map.shrink)

    def feather(self) -> None:
        self._with_radius("Feather mask", change_map.feather)

    def _with_radius(self, label: str, edit: Callable[[Document, int], Document]) -> None:
        radius, chosen = QInputDialog.getInt(self._window, label, "By how many pixels?", self._radius, 1, MAX_RADIUS)
        if chosen:
            self._radius = radius
            self._editor.replace(label, edit(self._editor.document, radius))
