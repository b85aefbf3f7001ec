"""A hand for the tests: real mouse events at places given in world pixels."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from paintdiff.ui.canvas.canvas import Canvas

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NONE, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
)
Point = tuple[float, float]


def at(canvas: Canvas, point: Point) -> QPoint:
    """The widget pixel over a world point."""
    return canvas.view.to_widget(*point).toPoint()


def press(canvas: Canvas, point: Point, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, at(canvas, point))


def move(canvas: Canvas, point: Point, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Go to `point` with the left button down, and let the canvas repaint."""
    where = QPointF(at(canvas, point))
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, canvas.mapToGlobal(where), Qt.MouseButton.NoButton, LEFT, modifiers
    )
    QApplication.sendEvent(canvas, event)
    QApplication.processEvents()


def release(canvas: Canvas, point: Point, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseRelease(canvas, LEFT, modifiers, at(canvas, point))


def drag(canvas: Canvas, points: list[Point], modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press at the first point, go through the others, let go at the last."""
    press(canvas, points[0], modifiers)
    for point in points[1:]:
        move(canvas, point, modifiers)
    release(canvas, points[-1], modifiers)
