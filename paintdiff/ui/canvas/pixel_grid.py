"""Lines between the pixels, once each is large enough to be worked on alone."""

from __future__ import annotations

from PySide6.QtCore import QLineF
from PySide6.QtGui import QColor, QPainter, QPen

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.view import View

FROM_ZOOM = 8.0
SHIFT = QColor(44, 44, 44)


def draw(painter: QPainter, view: View, rect: Rect) -> None:
    """Draw the grid inside `rect` (world pixels) with a painter that works in device pixels."""
    if view.zoom < FROM_ZOOM or rect.empty:
        return
    ox, oy = view.origin
    left, right = rect.x * view.zoom + ox, rect.right * view.zoom + ox
    top, bottom = rect.y * view.zoom + oy, rect.bottom * view.zoom + oy
    columns = (x * view.zoom + ox for x in range(rect.x, rect.right + 1))
    rows = (y * view.zoom + oy for y in range(rect.y, rect.bottom + 1))
    painter.save()
    # A difference of a few levels shows on black, on white and on everything between.
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.setPen(QPen(SHIFT, 1))
    painter.drawLines([*(QLineF(x, top, x, bottom) for x in columns), *(QLineF(left, y, right, y) for y in rows)])
    painter.restore()
