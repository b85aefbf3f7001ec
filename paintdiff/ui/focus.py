"""Who has the keyboard: what takes text keeps its keys, and a click on anything else leaves them to the canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QScrollArea,
    QTextEdit,
    QWidget,
)

TYPED = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox)


def is_typing() -> bool:
    """Whether the keyboard is in something that takes text, a number or a choice."""
    return isinstance(QApplication.focusWidget(), TYPED)


def in_menu() -> bool:
    """Whether a menu is open, or the menu bar waits for a letter."""
    return QApplication.activePopupWidget() is not None or isinstance(QApplication.focusWidget(), QMenuBar)


def keep_at(canvas: QWidget, window: QWidget) -> None:
    """Let every click in `window` on what takes no text give the keyboard to `canvas`; Tab still reaches all.

    Undo and redo in its spin boxes are those of the picture.
    """
    for control in window.findChildren(QWidget):
        if isinstance(control, QAbstractButton | QAbstractSlider) and control.focusPolicy() & Qt.FocusPolicy.ClickFocus:
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        elif isinstance(control, QScrollArea):
            control.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    window.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # a click that nothing took comes up to here
    window.installEventFilter(_PassFocus(canvas, window))
    canvas.setFocus()
    passing = _PassUndo(window)
    for box in window.findChildren(QAbstractSpinBox):
        box.installEventFilter(passing)


class _PassFocus(QObject):
    """Hands what focus a widget gets on; as its focus proxy the canvas would cut the circle of Tab short."""

    def __init__(self, heir: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._heir = heir

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            self._heir.setFocus()
        return False


class _PassUndo(QObject):
    """Keeps a spin box from claiming Ctrl+Z for its digits."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if not (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)):
            return False
        event.ignore()
        return True
