"""What is drawn at the pointer: the brush's outline, and the cursors, all two-tone so that they show on any picture."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QPainter, QPen, QPixmap

LIGHT, DARK = QColor(255, 255, 255, 220), QColor(0, 0, 0, 170)
SMALLEST_OUTLINE = 3.0
"""A circle of a smaller radius, in widget units, would hide what it encloses."""


def draw_outline(painter: QPainter, middle: QPointF, radius: float) -> None:
    """The brush's edge, with the painter in widget units."""
    if radius < SMALLEST_OUTLINE:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, offset in ((DARK, 0.5), (LIGHT, -0.5)):
        painter.setPen(QPen(colour, 1))
        painter.drawEllipse(middle, radius + offset, radius + offset)
    painter.restore()


def outline_rect(middle: QPointF, radius: float) -> QRectF:
    """What `draw_outline` may touch."""
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
