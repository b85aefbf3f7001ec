"""Where a picture surprises the model, as colours over it, with a legend that says what they mean."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter

from paintdiff.image.geometry import Rect
from paintdiff.image.heat import INFERNO, colours
from paintdiff.ui.canvas.preview import Preview
from paintdiff.ui.canvas.view import View

OPACITY = 0.8
GROUND, INK = QColor(20, 20, 22, 215), QColor(255, 255, 255)
BAR = (150.0, 8.0)  # widget units
PADDING, MARGIN = 8.0, 12.0
STOPS = 16


class Heat:
    """`surprise` (h, w) float32, nats a pixel, over `frame`; `most` is what the brightest colour stands for.

    The colours are those of inferno: even steps of surprise look like even steps, without colour vision too.
    """

    def __init__(self, frame: Rect, surprise: np.ndarray, most: float) -> None:
        self._most = most
        self._preview = Preview(frame, colours(surprise, most, OPACITY))

    def draw(self, painter: QPainter, view: View) -> None:
        """Draw it with a painter that works in device pixels."""
        self._preview.draw(painter, view)

    def draw_legend(self, painter: QPainter, corner: QPointF) -> None:
        """The legend with its lower left corner at `corner`, with a painter that works in widget units."""
        painter.save()
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(font)
        line = painter.fontMetrics().height()
        box = QRectF(0, 0, BAR[0] + 2 * PADDING, 2 * PADDING + 2 * line + 6 + BAR[1])
        box.moveBottomLeft(corner + QPointF(MARGIN, -MARGIN))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(GROUND)
        painter.drawRoundedRect(box, 4, 4)
        inner = box.adjusted(PADDING, PADDING, -PADDING, -PADDING)
        painter.setPen(INK)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, "Surprise, nats a pixel")
        bar = QRectF(inner.left(), inner.top() + line + 3, *BAR)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for stop in range(STOPS + 1):
            red, green, blue = (int(part) for part in INFERNO[round(stop / STOPS * 255)])
            gradient.setColorAt(stop / STOPS, QColor(red, green, blue))
        painter.fillRect(bar, gradient)
        low, high = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(inner, low | Qt.AlignmentFlag.AlignBottom, "0 expected")
        painter.drawText(inner, high | Qt.AlignmentFlag.AlignBottom, f"{self._most:.1f} or more")
        painter.restore()
