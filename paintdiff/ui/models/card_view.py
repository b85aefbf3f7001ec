"""The list of cards as a grid that fills its width, with words for the case that it is empty."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView

from paintdiff.ui.models.card_delegate import GAP, CardDelegate, card_height
from paintdiff.ui.models.card_list import CardList

CARD_WIDTH = 360  # at least; as many to a row as have room


class CardView(QListView):
    """Arrow keys choose a card, Enter uses it. Signals: `chosen_changed(str)` with a source or "", `use_asked(str)`,
    `starred(str)`, `typed(str)` for text that belongs into the search."""

    chosen_changed = Signal(str)
    use_asked = Signal(str)
    starred = Signal(str)
    typed = Signal(str)

    def __init__(self, cards: CardList) -> None:
        super().__init__()
        self.setObjectName("cards")
        self.setAccessibleName("Models")
        self.setModel(cards)
        self._cards = cards
        self._source = ""
        self._hint = ""
        delegate = self._delegate = CardDelegate(self)
        self.setItemDelegate(delegate)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        delegate.starred.connect(self.starred)
        delegate.use_asked.connect(self.use_asked)
        self.doubleClicked.connect(lambda index: self._use(index.row()))
        self.selectionModel().currentChanged.connect(lambda now, _before: self._on_current(now.row()))
        cards.modelReset.connect(self._find_again)

    @property
    def source(self) -> str:
        """That of the card chosen in the list, "" for none."""
        return self._source if self.currentIndex().isValid() else ""

    def choose(self, source: str) -> bool:
        """Choose the card of `source`; False if it is not in sight."""
        row = self._cards.row_of(source)
        if row >= 0:
            self.setCurrentIndex(self._cards.index(row))
            self.scrollTo(self._cards.index(row))
        return row >= 0

    def choose_first(self) -> None:
        self.setCurrentIndex(self._cards.index(0))

    def show_hint(self, text: str) -> None:
        """What stands in the room below the cards."""
        self._hint = text
        self.viewport().update()

    def _on_current(self, row: int) -> None:
        if row >= 0:
            self._source = self._cards.source_at(row)
        self.chosen_changed.emit(self.source)

    def _find_again(self) -> None:
        """After a search: the card that was chosen, or else the first."""
        if self._cards.rowCount() and not self.choose(self._source):
            self.choose_first()
        elif not self._cards.rowCount():
            self.chosen_changed.emit("")

    def _use(self, row: int) -> None:
        if row >= 0:
            self.use_asked.emit(self._cards.source_at(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._use(self.currentIndex().row())
        elif plain and event.text() and event.text().isprintable() and event.text() != " ":
            self.typed.emit(event.text())
        elif event.key() == Qt.Key.Key_Backspace:
            self.typed.emit("\b")
        elif event.key() == Qt.Key.Key_Space and self.source:
            self.starred.emit(self.source)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        width = self.viewport().width()
        columns = max(1, (width + GAP) // (CARD_WIDTH + GAP))
        self._delegate.cell = QSize((width - 1) // columns, card_height(QFontMetrics(self.font())))
        self.setGridSize(self._delegate.cell)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._hint:
            room = self.viewport().rect().adjusted(48, 24, -48, -24)
            if self._cards.rowCount():
                room.setTop(self.visualRect(self._cards.index(self._cards.rowCount() - 1)).bottom())
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
