"""The candidates as a row of thumbnails: look, compare, accept one or discard them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate
from paintdiff.image.blending import over
from paintdiff.ui import icons
from paintdiff.ui.named import named
from paintdiff.ui.thumbnails import thumbnail

SIDE = 88


class CandidateStrip(QWidget):
    """Shows candidates; which one is looked at (the pointer over it, or else the chosen one) is told to the canvas.

    Signals: `looked_at(int)` with -1 for none, `accept_asked(int)`, `discard_asked()`, `comparing(bool)`.
    """

    looked_at = Signal(int)
    accept_asked = Signal(int)
    discard_asked = Signal()
    comparing = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)  # for the line above it
        self.list = CandidateList()
        self.accept = _button("accept", "Accept", "Put the chosen one in as a new layer (Enter)")
        self.discard = _button("discard", "Discard", "Drop all candidates (Delete)")
        self.compare = _button("compare", "Before", "Hold to see the picture without it (hold \\)")
        buttons = QVBoxLayout()
        buttons.setContentsMargins(0, 8, 0, 8)
        buttons.setSpacing(4)
        for button in (self.accept, self.compare, self.discard):
            buttons.addWidget(button)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.list, 1)
        row.addLayout(buttons)
        self.setFixedHeight(SIDE + 34)
        self.list.currentRowChanged.connect(lambda _row: self._tell())
        self.list.itemEntered.connect(lambda item: self.looked_at.emit(self.list.row(item)))
        self.list.pointer_left.connect(self._tell)
        self.list.accept_asked.connect(self._accept)
        self.list.discard_asked.connect(self.discard_asked)
        self.accept.clicked.connect(self._accept)
        self.discard.clicked.connect(self.discard_asked)
        self.compare.pressed.connect(lambda: self.comparing.emit(True))
        self.compare.released.connect(lambda: self.comparing.emit(False))
        self.hide()

    def add(self, request: Request, candidates: tuple[Candidate, ...]) -> None:
        """Put `candidates` at the end and choose the first of them."""
        first = self.list.count()
        for candidate in candidates:
            item = QListWidgetItem()
            item.setData(Qt.ItemDataRole.DecorationRole, thumbnail(over(request.picture, candidate.patch), SIDE))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"Candidate {self.list.count() + 1}")
            item.setToolTip(_described(candidate))
            self.list.addItem(item)
        self.show()
        self.choose(first)

    def choose(self, row: int) -> None:
        """Choose one, or none with -1."""
        self.list.setCurrentRow(row)
        if row < 0:
            self.list.clearSelection()
        self._show_buttons()

    def clear(self) -> None:
        self.list.clear()
        self.hide()

    def _tell(self) -> None:
        self._show_buttons()
        self.looked_at.emit(self.list.currentRow())

    def _accept(self) -> None:
        if self.list.currentRow() >= 0:
            self.accept_asked.emit(self.list.currentRow())

    def _show_buttons(self) -> None:
        chosen = self.list.currentRow() >= 0
        self.accept.setEnabled(chosen)
        self.compare.setEnabled(chosen)


class CandidateDelegate(QStyledItemDelegate):
    """Draws a thumbnail, framed if it is the chosen one."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        pixmap: QPixmap = index.data(Qt.ItemDataRole.DecorationRole)
        size = pixmap.deviceIndependentSize().toSize()
        place = QRect(0, 0, size.width(), size.height())
        place.moveCenter(rect.center())
        painter.drawPixmap(place, pixmap)
        role = QPalette.ColorRole
        chosen, pointed = state & QStyle.StateFlag.State_Selected, state & QStyle.StateFlag.State_MouseOver
        if chosen or pointed:
            colour = palette.color(role.Highlight if chosen else role.Mid)
            pen = QPen(colour, 3)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(place.adjusted(-3, -3, 2, 2))


class CandidateList(QListWidget):
    """The row of thumbnails; arrow keys move in it, Enter accepts, Delete discards."""

    pointer_left = Signal()
    accept_asked = Signal()
    discard_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("candidates")
        self.setAccessibleName("Candidates")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setMovement(QListView.Movement.Static)
        self.setItemDelegate(CandidateDelegate(self))
        self.setGridSize(QSize(SIDE + 12, SIDE + 12))
        self.setViewportMargins(8, 6, 8, 6)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().installEventFilter(self)
        self.itemDoubleClicked.connect(lambda _item: self.accept_asked.emit())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.viewport() and event.type() == QEvent.Type.Leave:
            self.pointer_left.emit()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.press(event):
            event.ignore()  # the window knows the other keys

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key says; False if it says nothing about candidates."""
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.accept_asked.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.discard_asked.emit()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Down) else -1
            self.setCurrentRow(min(max(self.currentRow() + step, 0), self.count() - 1))
        else:
            return False
        return True


def _described(candidate: Candidate) -> str:
    sampling = candidate.recipe.sampling
    prompt = " ".join(sampling.prompt.split())[:80] or "no prompt"
    return f"{prompt}\nSeed {sampling.seed}, {sampling.steps} steps, guidance {sampling.guidance:g}"


def _button(icon: str, text: str, tip: str) -> QPushButton:
    button = named(QPushButton(text), f"{icon}_candidate", tip)
    button.setIcon(icons.icon(icon))
    return button
