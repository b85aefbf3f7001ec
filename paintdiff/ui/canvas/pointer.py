"""What is drawn at the pointer: the brush's outline, and the cursors, all two-tone so that they show on any picture."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QPainter, QPen, QPixmap

from paintdiff.ui.canvas.frame_handles import Handle

LIGHT, DARK = QColor(255, 255, 255, 220), QColor(0, 0, 0, 170)
SMALLEST_OUTLINE = 3.0
"""A circle of a smaller radius, in widget units, would hide what it encloses."""
LARGEST_KEPT = 256.0


class Outline:
    """The brush's edge; drawn once and kept, since it moves far more often than it changes."""

    def __init__(self) -> None:
        self._size = (0.0, 0.0)
        self._circle = QPixmap()

    def draw(self, painter: QPainter, middle: QPointF, radius: float, ratio: float) -> None:
        """Draw with a painter in widget units on a screen of `ratio` pixels a unit."""
        if radius < SMALLEST_OUTLINE:
            return
        if radius > LARGEST_KEPT:
            painter.save()
            _draw_circles(painter, middle, radius)
            painter.restore()
            return
        if self._size != (radius, ratio):
            self._size, self._circle = (radius, ratio), _circle(radius, ratio)
        half = self._circle.deviceIndependentSize().width() / 2
        painter.drawPixmap(middle - QPointF(half, half), self._circle)


def _circle(radius: float, ratio: float) -> QPixmap:
    side = math.ceil((2 * radius + 4) * ratio)
    pixmap = QPixmap(side, side)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        _draw_circles(painter, QPointF(side / ratio / 2, side / ratio / 2), radius)
    return pixmap


def _draw_circles(painter: QPainter, middle: QPointF, radius: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, offset in ((DARK, 0.5), (LIGHT, -0.5)):
        painter.setPen(QPen(colour, 1))
        painter.drawEllipse(middle, radius + offset, radius + offset)


def outline_rect(middle: QPointF, radius: float) -> QRectF:
    """What an `Outline` may touch."""
    reach = radius + 3
    return QRectF(middle.x() - reach, middle.y() - reach, 2 * reach, 2 * reach)


def crosshair(ratio: float, size: int = 21) -> QCursor:
    """Four short lines around a free middle."""
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    middle, gap, end = size / 2, 3.0, size / 2 - 1
    with QPainter(pixmap) as painter:
        for colour, width in ((QColor(0, 0, 0, 190), 3), (QColor(255, 255, 255), 1)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(
                    QPointF(middle + dx * gap, middle + dy * gap), QPointF(middle + dx * end, middle + dy * end)
                )
    return QCursor(pixmap, size // 2, size // 2)


def handle_cursor(handle: Handle | None) -> Qt.CursorShape:
    """The arrows that say which way a handle of the frame goes; a cross where there is none."""
    if handle is None:
        return Qt.CursorShape.CrossCursor
    if handle.h and handle.v:
        return Qt.CursorShape.SizeFDiagCursor if handle.h == handle.v else Qt.CursorShape.SizeBDiagCursor
    if handle.h:
        return Qt.CursorShape.SizeHorCursor
    return Qt.CursorShape.SizeVerCursor if handle.v else Qt.CursorShape.SizeAllCursor
