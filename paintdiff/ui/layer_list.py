"""The layers as rows, the top one first: eye, thumbnail, name and opacity; drawn, renamed and dragged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from paintdiff.document.document import Document, Layer
from paintdiff.generation.request import Recipe
from paintdiff.ui import icons
from paintdiff.ui.thumbnails import layer_thumbnail

ROW, EYE, THUMB, GAP = 32, 28, 28, 6
MIME = "application/x-paintdiff-layer"
Index = QModelIndex | QPersistentModelIndex


class LayerModel(QAbstractListModel):
    """The rows of a document's layers. Row 0 is the top layer.

    Signals: `renamed(index, str)`, `moved(index, to)`, `shown(index, bool)`, all in indices of `Document.layers`.
    """

    renamed = Signal(int, str)
    moved = Signal(int, int)
    shown = Signal(int, bool)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self._thumbnails: list[tuple[Layer, QPixmap]] = []

    def set_document(self, document: Document) -> None:
        """Show other layers; rows stay where they are as long as their number does, so that an edit goes on."""
        if len(document.layers) == len(self.document.layers):
            self.document = document
            self.dataChanged.emit(self.index(0), self.index(len(document.layers) - 1))
        else:
            self.beginResetModel()
            self.document = document
            self.endResetModel()

    def refresh_thumbnails(self) -> None:
        """Draw the thumbnails of layers whose pixels have changed."""
        known = {id(layer.tiles): pixmap for layer, pixmap in self._thumbnails}
        canvas = self.document.canvas
        self._thumbnails = [
            (layer, known.get(id(layer.tiles)) or layer_thumbnail(layer.tiles, canvas, THUMB))
            for layer in self.document.layers
        ]
        self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def forget_thumbnails(self) -> None:
        """The canvas has another shape: none of them fits."""
        self._thumbnails = []

    def thumbnail(self, index: int) -> QPixmap | None:
        """The last thumbnail drawn for layer `index`."""
        return self._thumbnails[index][1] if index < len(self._thumbnails) else None

    def layer_index(self, index: Index) -> int:
        """The place in `Document.layers` of a row."""
        return len(self.document.layers) - 1 - index.row()

    def row_of(self, layer: int) -> int:
        return len(self.document.layers) - 1 - layer

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.document.layers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        layer = self.document.layers[self.layer_index(index)]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return layer.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return described(layer)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, ROW)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{layer.name}, {'shown' if layer.visible else 'hidden'}, {layer.opacity:.0%}"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not str(value).strip():
            return False
        self.renamed.emit(self.layer_index(index), str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if not index.isValid():
            return flags | Qt.ItemFlag.ItemIsDropEnabled
        return flags | Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(MIME, str(self.layer_index(indexes[0])).encode())
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """A row dropped before `row`. The document moves it; the view must not, so this is always False."""
        if not data.hasFormat(MIME):
            return False
        source = int(bytes(data.data(MIME).data()))
        row = self.rowCount() if row < 0 else row
        target = self.row_of(source) if row < 0 else row - (self.row_of(source) < row)
        to = len(self.document.layers) - 1 - target
        if to != source:
            self.moved.emit(source, to)
        return False


class LayerView(QListView):
    """The list of rows. Letters are not searched for in it: they take tools."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().strip().isprintable() and event.text().strip():
            event.ignore()
        else:
            super().keyPressEvent(event)


class LayerDelegate(QStyledItemDelegate):
    """Draws a row, and takes clicks on its eye."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, LayerModel)
        layer = model.document.layers[model.layer_index(index)]
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        rect: QRect = option.rect
        palette: QPalette = option.palette
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        text = palette.color(role)
        painter.save()
        if selected:
            painter.fillRect(rect, palette.color(QPalette.ColorRole.Highlight))
        ratio = painter.device().devicePixelRatioF()
        eye = icons.pixmap("eye" if layer.visible else "eye_off", 18, ratio, text)
        painter.setOpacity(1.0 if layer.visible else 0.6)
        painter.drawPixmap(rect.x() + 6, rect.y() + (ROW - 18) // 2, eye)
        pixmap = model.thumbnail(model.layer_index(index))
        if pixmap is not None:
            size = pixmap.deviceIndependentSize().toSize()
            x = rect.x() + EYE + (THUMB - size.width()) // 2
            painter.drawPixmap(x, rect.y() + (ROW - size.height()) // 2, pixmap)
        painter.setPen(text)
        share = f"{layer.opacity:.0%}" if layer.opacity < 1 else ""
        width = option.fontMetrics.horizontalAdvance(share)
        area = name_rect(rect)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, share)
        area.adjust(0, 0, -width - GAP if share else 0, 0)
        name = option.fontMetrics.elidedText(
            layer.name, Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.restore()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(name_rect(option.rect).adjusted(-2, 8, 2, -8))

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        on_eye = isinstance(event, QMouseEvent) and event.position().x() < option.rect.x() + EYE
        if not on_eye or not isinstance(model, LayerModel):
            return super().editorEvent(event, model, option, index)
        if event.type() == QEvent.Type.MouseButtonRelease:
            at = model.layer_index(index)
            model.shown.emit(at, not model.document.layers[at].visible)
        return True


def name_rect(row: QRect) -> QRect:
    """Where the name stands in a row."""
    return row.adjusted(EYE + THUMB + 8, 0, -8, 0)


def described(layer: Layer) -> str:
    """What a layer is, for its tooltip: its name, and how it was made if it was generated."""
    return layer.name if layer.recipe is None else f"{layer.name}\n\n{recipe_text(layer.recipe)}"


def recipe_text(recipe: Recipe) -> str:
    """A recipe in a few lines."""
    sampling = recipe.sampling
    lines = [
        f"Prompt: {sampling.prompt[:200] or '(none)'}",
        f"{recipe.model}, {recipe.mode}, {sampling.sampler}, {sampling.steps} steps",
        *([] if recipe.branch is None else [f"From step {recipe.branch.step} of an earlier run"]),
        f"Guidance {sampling.guidance:g}, strength {sampling.strength:.0%}, seed {sampling.seed}",
    ]
    if sampling.negative:
        lines.insert(1, f"Negative: {sampling.negative[:200]}")
    return "\n".join(lines)
