"""The two outlines that say what a generation will change: where the mask begins and where the blend has ended."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF

from paintdiff.document.document import Document
from paintdiff.document.requests import map_of
from paintdiff.image.blending import feather_alpha
from paintdiff.image.geometry import Rect

LARGEST = 640
"""A wider frame is outlined at a fraction of its resolution."""


def blend_edges(document: Document, mode: str, frame: Rect, feather: int) -> tuple[QPainterPath, QPainterPath]:
    """The outline of what `mode` will denoise and that of what will be replaced wholly, in world pixels.

    Between the two the result is blended with what lies beneath, over `feather` canvas pixels.
    """
    step = max(1, -(-max(frame.w, frame.h) // LARGEST))
    change_map = map_of(document, mode, frame, feather)
    small = cv2.dilate(change_map, np.ones((step, step), np.uint8))[::step, ::step] if step > 1 else change_map
    area = Rect(frame.x // step, frame.y // step, small.shape[1], small.shape[0])
    canvas = Rect.from_edges(
        document.canvas.x // step, document.canvas.y // step, -(-document.canvas.right // step),
        -(-document.canvas.bottom // step),
    )
    alpha = feather_alpha(small, area, canvas, round(feather / step))
    return _outline(alpha > 0, frame, step), _outline(alpha == 255, frame, step)


def _outline(inside: np.ndarray, frame: Rect, step: int) -> QPainterPath:
    path = QPainterPath()
    # The border of the array is no edge of the mask: repeat it, so that outlines run out of the frame instead.
    framed = cv2.copyMakeBorder(inside.astype(np.uint8), 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    contours, _ = cv2.findContours(framed, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        points = (contour[:, 0].astype(float) - 2 + 0.5) * step + (frame.x, frame.y)
        polygon = QPolygonF([QPointF(float(x), float(y)) for x, y in points])
        path.addPolygon(polygon)
        path.closeSubpath()
    return path
