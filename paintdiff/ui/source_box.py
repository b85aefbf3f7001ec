"""Where a picture comes from: the frame, a layer of the document, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog

from paintdiff.generation.controls import FILE, FRAME, LAYER
from paintdiff.ui.fields import CHOICE_WIDTH, ChoiceBox, PassWheel

FILES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff *.ora)"
_CHOOSE = "choose"


class SourceBox(ChoiceBox):
    """Signal: `source_changed()`, whoever changed it."""

    source_changed = Signal()

    def __init__(self, frame: bool) -> None:
        """`frame`: the picture in the frame is offered too."""
        super().__init__()
        self._layers: tuple[str, ...] = ()
        self._frame, self._source = frame, FRAME if frame else ""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumWidth(CHOICE_WIDTH)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(PassWheel(self))
        self._list()
        self.activated.connect(self._on_activated)

    def source(self) -> str:
        """As `Control.source`; "" as long as none was chosen."""
        return self._source

    def set_source(self, source: str) -> None:
        if source != self._source:
            self._source = source
            self._list()
            self.source_changed.emit()

    def set_layers(self, names: Sequence[str]) -> None:
        """Offer the layers of these names."""
        if tuple(names) != self._layers:
            self._layers = tuple(names)
            self._list()

    def _list(self) -> None:
        """Write the list anew; a source that is gone stays in it, so that it is not exchanged unnoticed."""
        entries = {FRAME: "Picture in the frame"} if self._frame else {"": "Choose a picture"}
        entries |= {LAYER + name: f"Layer “{name}”" for name in self._layers}
        if self._source.startswith(LAYER):
            entries.setdefault(self._source, f"Layer “{self._source.removeprefix(LAYER)}” (gone)")
        if self._source.startswith(FILE):
            entries[self._source] = Path(self._source.removeprefix(FILE)).name
        entries[_CHOOSE] = "A file…"
        with QSignalBlocker(self):
            self.clear()
            for source, label in entries.items():
                self.addItem(label, source)
                self.setItemData(self.count() - 1, source.removeprefix(FILE) if FILE in source else label,
                                 Qt.ItemDataRole.ToolTipRole)  # fmt: skip
            self.setCurrentIndex(self.findData(self._source))

    def _on_activated(self, index: int) -> None:
        source = str(self.itemData(index))
        if source != _CHOOSE:
            self.set_source(source)
            return
        file, _ = QFileDialog.getOpenFileName(self.window(), "Choose a picture", str(Path.home()), FILES)
        self._list()
        if file:
            self.set_source(FILE + file)
