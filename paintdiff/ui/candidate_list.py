"""The row of thumbnails: what each is, how likely, whether it has gone stale."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from paintdiff.ui import icons

SIDE = 76
BADGE, INK = QColor(0, 0, 0, 185), QColor(255, 255, 255)
FADED = 0.4
SHOWN = Qt.ItemDataRole.UserRole
STEP_KEYS = {",": -1, ".": 1}


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """What the row shows of one candidate. `badge` is a few characters, "" for none; `branch` marks a branch."""

    picture: QPixmap
    description: str
    badge: str = ""
    branch: bool = False
    stale: bool = False


class CandidateDelegate(QStyledItemDelegate):
    """Draws a thumbnail with its marks, framed if it is the chosen one."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        shown: Thumbnail = index.data(SHOWN)
        place = QRect(QPoint(0, 0), shown.picture.deviceIndependentSize().toSize())
        place.moveCenter(rect.center())
        painter.setOpacity(FADED if shown.stale else 1)
        painter.drawPixmap(place, shown.picture)
        painter.setOpacity(1)
        corners = [QPoint(place.right() - 18, place.top() + 3), QPoint(place.left() + 3, place.top() + 3)]
        for marked, icon, corner in zip((shown.stale, shown.branch), ("stale", "branch"), corners, strict=True):
            if marked:
                _mark(painter, icon, corner)
        if shown.badge:
            _badge(painter, shown.badge, place)
        role = QPalette.ColorRole
        chosen, pointed = state & QStyle.StateFlag.State_Selected, state & QStyle.StateFlag.State_MouseOver
        if chosen or pointed:
            pen = QPen(palette.color(role.Highlight if chosen else role.Mid), 3)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(-3, -3, 2, 2))


def _mark(painter: QPainter, icon: str, corner: QPoint) -> None:
    square = QRect(corner, QSize(16, 16))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(BADGE)
    painter.drawRoundedRect(square, 3, 3)
    painter.drawPixmap(corner + QPoint(2, 2), icons.pixmap(icon, 12, painter.device().devicePixelRatioF(), INK))


def _badge(painter: QPainter, text: str, place: QRect) -> None:
    painter.save()
    font = painter.font()
    font.setPointSizeF(font.pointSizeF() * 0.85)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text) + 8
    pill = QRect(0, 0, min(width, place.width()), painter.fontMetrics().height() + 2)
    pill.moveCenter(QPoint(place.center().x(), place.bottom() - pill.height() // 2 - 2))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(BADGE)
    painter.drawRoundedRect(pill, 4, 4)
    painter.setPen(INK)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


class CandidateList(QListWidget):
    """Arrow keys choose, Enter accepts, Delete discards, comma and full stop walk through the steps of the run,
    Shift+Enter branches. Signals: `pointer_left()`, `accept_asked()`, `discard_asked()`, `step_asked(int)`,
    `branch_asked()`. `pointed` says whether the pointer is on one.
    """

    pointed = False

    pointer_left = Signal()
    accept_asked = Signal()
    discard_asked = Signal()
    step_asked = Signal(int)
    branch_asked = Signal()

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
        self.setViewportMargins(8, 4, 8, 4)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().installEventFilter(self)
        self.itemDoubleClicked.connect(lambda _item: self.accept_asked.emit())
        self.itemEntered.connect(lambda _item: self._point(True))
        self.viewportEntered.connect(lambda: self._point(False))

    def show_thumbnails(self, thumbnails: list[Thumbnail]) -> None:
        """Show these, in this order; as many as before keep their places and the choice."""
        while self.count() > len(thumbnails):
            self.takeItem(self.count() - 1)
        while self.count() < len(thumbnails):
            self.addItem(QListWidgetItem())
        for row, thumbnail in enumerate(thumbnails):
            item = self.item(row)
            item.setData(SHOWN, thumbnail)
            item.setSizeHint(QSize(SIDE + 10, SIDE + 10))  # room for the frame of the chosen one
            name = f"Candidate {row + 1}"
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, {thumbnail.badge}" if thumbnail.badge else name)
            item.setToolTip(thumbnail.description)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.viewport() and event.type() == QEvent.Type.Leave:
            self._point(False)
        return super().eventFilter(watched, event)

    def _point(self, pointed: bool) -> None:
        self.pointed = pointed
        if not pointed:
            self.pointer_left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.press(event):
            event.ignore()  # the window knows the other keys

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key says; False if it says nothing about candidates."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = modifiers == Qt.KeyboardModifier.ShiftModifier
        entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.text() in STEP_KEYS and (shift or not modifiers):  # on some keyboards the full stop needs Shift
            self.step_asked.emit(STEP_KEYS[event.text()])
        elif entered and shift:
            self.branch_asked.emit()
        elif modifiers:
            return False
        elif entered:
            self.accept_asked.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.discard_asked.emit()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Down) else -1
            self.setCurrentRow(min(max(self.currentRow() + step, 0), self.count() - 1))
        else:
            return False
        return True
