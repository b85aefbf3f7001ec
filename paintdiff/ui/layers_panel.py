"""The layer list with its opacity slider and buttons; every change is one undoable edit."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from paintdiff.document import edits
from paintdiff.document.document import Document
from paintdiff.editor import Editor
from paintdiff.generation.errors import UserError
from paintdiff.image.geometry import Rect
from paintdiff.ui import icons
from paintdiff.ui.layer_list import ROW, LayerDelegate, LayerModel, LayerView
from paintdiff.ui.named import named

THUMBNAIL_DELAY_MS = 250


class LayersPanel(QWidget):
    """Signals: `recipe_asked(Recipe)` to use the settings of a generated layer again, `noticed(str)`."""

    recipe_asked = Signal(object)
    noticed = Signal(str)

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self._editor = editor
        self.model = LayerModel(editor.document)
        self.view = named(LayerView(), "layers")
        self.view.setAccessibleName("Layers")
        self.view.setModel(self.model)
        self.view.setItemDelegate(LayerDelegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.view.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.view.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.opacity = named(QSlider(Qt.Orientation.Horizontal), "layer_opacity")
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Layer opacity")
        self.opacity.setToolTip("Opacity of the chosen layer")
        self.share = QLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.share.setMinimumWidth(self.share.fontMetrics().horizontalAdvance("100 %"))
        self._thumbnails_due = QTimer(self, singleShot=True, interval=THUMBNAIL_DELAY_MS)
        self._lay_out()
        self._connect()
        self.model.refresh_thumbnails()
        self._show_active()

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(QLabel("Opacity"))
        above.addWidget(self.opacity, 1)
        above.addWidget(self.share)
        below = QHBoxLayout()
        below.setSpacing(2)
        self.buttons: dict[str, QToolButton] = {}
        for name, icon, tip, act in (
            ("new_layer", "plus", "New layer above this one", self.add),
            ("raise_layer", "arrow_up", "Move the layer up", self.raise_active),
            ("lower_layer", "arrow_down", "Move the layer down", self.lower_active),
            ("merge_layer", "merge", "Merge the layer into the one below", self.merge_active),
            ("use_recipe", "restart", "Use the settings that made this layer again", self.use_recipe),
            ("delete_layer", "trash", "Delete the layer", self.remove_active),
        ):
            if name == "delete_layer":
                below.addStretch()
            below.addWidget(self._button(name, icon, tip, act))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 4)
        column.setSpacing(4)
        column.addLayout(above)
        column.addWidget(self.view, 1)
        column.addLayout(below)
        self.view.setMinimumHeight(2 * ROW + 2)  # two layers: what was painted, and what it was painted on

    def _button(self, name: str, icon: str, tip: str, act: Callable[[], None]) -> QToolButton:
        button = named(QToolButton(), name, tip)
        button.setProperty("flat", True)
        button.setIcon(icons.icon(icon))
        button.clicked.connect(lambda: act())
        self.buttons[name] = button
        return button

    def _connect(self) -> None:
        self._editor.document_changed.connect(self._on_document_changed)
        self._thumbnails_due.timeout.connect(self.model.refresh_thumbnails)
        self.model.renamed.connect(lambda at, name: self._edit("Rename layer", edits.rename_layer, at, name))
        self.model.moved.connect(lambda at, to: self._edit("Move layer", edits.move_layer, at, to))
        self.model.shown.connect(
            lambda at, shown: self._edit("Show layer" if shown else "Hide layer", edits.set_visible, at, shown)
        )
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.opacity.valueChanged.connect(self._on_opacity)
        self.opacity.sliderReleased.connect(self._editor.settle)

    @property
    def active(self) -> int:
        return self._editor.document.active

    def add(self) -> None:
        self._edit("New layer", edits.add_layer)

    def remove_active(self) -> None:
        self._edit("Delete layer", edits.remove_layer, self.active)

    def raise_active(self) -> None:
        if self.active < len(self._editor.document.layers) - 1:
            self._edit("Move layer", edits.move_layer, self.active, self.active + 1)

    def lower_active(self) -> None:
        if self.active > 0:
            self._edit("Move layer", edits.move_layer, self.active, self.active - 1)

    def merge_active(self) -> None:
        self._edit("Merge down", edits.merge_down, self.active)

    def toggle_active(self) -> None:
        layer = self._editor.document.active_layer
        self.model.shown.emit(self.active, not layer.visible)

    def rename_active(self) -> None:
        """Open the name of the active layer for typing."""
        self.view.edit(self.model.index(self.model.row_of(self.active)))

    def use_recipe(self) -> None:
        recipe = self._editor.document.active_layer.recipe
        if recipe is not None:
            self.recipe_asked.emit(recipe)

    def _edit(self, label: str, change: Callable[..., Document], *values: object) -> None:
        try:
            self._editor.replace(label, change(self._editor.document, *values))
        except UserError as error:
            self.noticed.emit(str(error))

    def _on_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            at = self.model.layer_index(current)
            if at != self.active:
                self._editor.amend(edits.select_layer(self._editor.document, at))

    def _on_opacity(self, percent: int) -> None:
        document = self._editor.document
        self._editor.replace(
            "Layer opacity", edits.set_opacity(document, document.active, percent / 100), merge=True
        )

    def _on_document_changed(self, document: Document, _dirty: Rect) -> None:
        before = self.model.document
        if document.layers is not before.layers or document.active != before.active:
            self.model.set_document(document)
            if document.canvas != before.canvas:
                self.model.forget_thumbnails()
            self._thumbnails_due.start()
            self._show_active()
        elif document.canvas != before.canvas:
            self.model.document = document
            self._thumbnails_due.start()

    def _show_active(self) -> None:
        document = self._editor.document
        layer, at = document.active_layer, document.active
        row = self.model.index(self.model.row_of(at))
        self.view.selectionModel().setCurrentIndex(row, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.view.scrollTo(row)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(layer.opacity * 100))
        self.share.setText(f"{layer.opacity * 100:.0f} %")
        below = document.layers[at - 1] if at else None
        for name, enabled in (
            ("raise_layer", at < len(document.layers) - 1),
            ("lower_layer", at > 0),
            ("merge_layer", below is not None),
            ("use_recipe", layer.recipe is not None),
            ("delete_layer", len(document.layers) > 1),
        ):
            self.buttons[name].setEnabled(enabled)
