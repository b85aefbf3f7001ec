"""Lines between the pixels, once each is large enough to be worked on alone."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QBrush, QPainter

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.view import View
from paintdiff.ui.qimage import image_over

FROM_ZOOM = 8.0
DASHES = np.array([[0, 0, 0, 90], [0, 0, 0, 90], [60, 60, 60, 60], [60, 60, 60, 60]], np.uint8)
"""Premultiplied, along a line: dark and light by turns, so that it shows on black, on white and on what is between."""


def draw(painter: QPainter, view: View, rect: Rect) -> None:
    """Draw the grid inside `rect` (world pixels) with a painter that works in device pixels."""
    if view.zoom < FROM_ZOOM or rect.empty:
        return
    ox, oy = view.origin
    columns = [round(x * view.zoom) + ox for x in range(rect.x, rect.right + 1)]
    rows = [round(y * view.zoom) + oy for y in range(rect.y, rect.bottom + 1)]
    area = QRect(columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1)
    # Textured fills: line by line, the upright lines alone would take longer than the picture.
    across = np.zeros((len(DASHES), area.width(), 4), np.uint8)
    across[:, np.array(columns) - columns[0]] = DASHES[:, None]
    along = np.ascontiguousarray(np.tile(DASHES, (64, 1))[None])
    painter.save()
    # The dashes begin at the picture's origin, whatever part of it is being repainted.
    painter.setBrushOrigin(area.x(), oy)
    painter.fillRect(area, QBrush(image_over(across)))
    painter.setBrushOrigin(ox, oy)
    dashes = QBrush(image_over(along))
    for y in rows:
        painter.fillRect(area.x(), y, area.width(), 1, dashes)
    painter.restore()
