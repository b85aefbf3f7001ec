"""A prompt as it is typed, with the names of what the model can draw offered below the cursor."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QListWidget, QPlainTextEdit, QWidget

from paintdiff.ui.named import named

LETTERS = 2  # typed before names are offered
_MOST, _ROWS = 40, 7  # names offered, and of them in sight
_MOST_WORDS = 4  # of a name
_LAST_WORDS = re.compile(r"(?:[^\W_]+[ -])*[^\W_]*$")


def completions(before: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """What of `before`, the text up to the cursor, may be the beginning of a name, and the names that it may become.

    First those that begin so, the shortest first, then those of which a later word does. ("", []) where nothing fits.
    """
    found = _LAST_WORDS.search(before)
    words = re.split(r"(?<=[ -])", found[0].lower()) if found else []
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        typed = "".join(words[-count:])
        whole = typed.rstrip()
        if len(whole) < LETTERS or (whole != typed and whole in names):
            continue
        begun = sorted((name for name in names if name.startswith(typed) and name != typed), key=len)
        within = [name for name in names if f" {typed}" in name] if count == 1 else []
        if begun or within:
            return before[len(before) - len(typed) :], [*begun, *within][:_MOST]
    return "", []


class PromptEdit(QPlainTextEdit):
    """Offers names while one types, and takes no key for it that is not meant so.

    Down and Up choose one, Tab or Enter takes it, a click too; Tab also takes the first one where the word typed is no
    name yet. Esc closes the list, Ctrl+Space lists all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._typed = ""
        self._list: QListWidget | None = None

    def set_names(self, names: Sequence[str]) -> None:
        """What the model can draw by name; nothing is offered where there are none."""
        self._names = tuple(names)
        self.close_list()

    @property
    def offered(self) -> list[str]:
        """The names in the list, none where it is closed."""
        rows = self._list
        return [] if rows is None or not rows.isVisible() else [rows.item(i).text() for i in range(rows.count())]

    def close_list(self) -> None:
        if self._list is not None:
            self._list.hide()

    def event(self, event: QEvent) -> bool:
        """Esc belongs to the list as long as it is open, and not to a shortcut."""
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if event.type() == QEvent.Type.ShortcutOverride and escape and self.offered:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._take_key(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        before, typed = self.toPlainText(), event.text()
        super().keyPressEvent(event)
        if self.toPlainText() != before and (event.key() == Qt.Key.Key_Backspace or (typed and typed.isprintable())):
            self._offer()
        elif event.key() not in _MODIFIERS:
            self.close_list()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.close_list()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.close_list()
        super().hideEvent(event)

    def _take_key(self, event: QKeyEvent) -> bool:
        """Whether a key is the list's."""
        key, plain = event.key(), event.modifiers() in _PLAIN
        if key == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier and self._names:
            self._show("", list(self._names))
            return True
        rows = self._list
        if rows is None or not self.offered or not plain:
            return False
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            step = 1 if key == Qt.Key.Key_Down else -1
            rows.setCurrentRow((rows.currentRow() + 1 + step) % (rows.count() + 1) - 1)  # with none between the ends
            return True
        if key == Qt.Key.Key_Escape:
            rows.hide()
            return True
        chosen = rows.currentRow()
        if key == Qt.Key.Key_Tab and chosen < 0 and self._typed and self._typed.lower() not in self._names:
            chosen = 0
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Enter) and chosen >= 0:
            self._insert(rows.item(chosen).text())
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            rows.hide()
        return False

    def _offer(self) -> None:
        cursor = self.textCursor()
        line, place = cursor.block().text(), cursor.positionInBlock()
        typed, names = completions(line[:place], self._names)
        if names and not line[place : place + 1].isalnum():
            self._show(typed, names)
        else:
            self.close_list()

    def _show(self, typed: str, names: Sequence[str]) -> None:
        self._typed = typed
        rows = self._list = self._list or self._make_list()
        rows.clear()
        rows.addItems(list(names))
        rows.setCurrentRow(-1)
        height = rows.sizeHintForRow(0) * min(_ROWS, len(names)) + 2 * rows.frameWidth()
        bar = rows.verticalScrollBar().sizeHint().width() if len(names) > _ROWS else 0
        rows.resize(rows.sizeHintForColumn(0) + 2 * rows.frameWidth() + bar + 8, height)
        rows.move(self._below_cursor(rows))
        rows.show()
        rows.raise_()
        rows.scrollToTop()

    def _make_list(self) -> QListWidget:
        """A part of the window, so that it takes neither the keyboard nor the pointer from anything else."""
        rows = named(QListWidget(self.window()), "completions", "What this model can draw by name")
        rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        rows.setFrameShape(QFrame.Shape.StyledPanel)
        rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows.setUniformItemSizes(True)
        rows.itemClicked.connect(lambda item: self._insert(item.text()))
        parent: QWidget | None = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QAbstractScrollArea):
                parent.verticalScrollBar().valueChanged.connect(self.close_list)
            parent = parent.parentWidget()
        return rows

    def _below_cursor(self, rows: QListWidget) -> QPoint:
        """Below the word, or above it where there is no room; within the window."""
        window, line = self.window(), self.cursorRect()
        back = self.fontMetrics().horizontalAdvance(self._typed)
        corner = self.viewport().mapTo(window, line.bottomLeft()) - QPoint(back + rows.frameWidth() + 2, -4)
        if corner.y() + rows.height() > window.height():
            corner.setY(self.viewport().mapTo(window, line.topLeft()).y() - rows.height() - 4)
        return QPoint(max(0, min(corner.x(), window.width() - rows.width())), max(0, corner.y()))

    def _insert(self, name: str) -> None:
        self.close_list()
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, len(self._typed))
        cursor.insertText(name)
        self.setTextCursor(cursor)


_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
