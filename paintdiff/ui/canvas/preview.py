"""What a generation would put on the canvas, shown over the document without touching it."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.view import View
from paintdiff.ui.qimage import image_over, to_bgra


class Preview:
    """`rgba` ((h, w, 4) uint8 straight alpha, of any size) stretched over `frame` (world pixels)."""

    def __init__(self, frame: Rect, rgba: np.ndarray) -> None:
        self.frame = frame
        self._levels = [to_bgra(rgba)]

    def draw(self, painter: QPainter, view: View) -> None:
        """Draw it with a painter that works in device pixels."""
        ox, oy = view.origin
        frame = self.frame
        target = QRectF(frame.x * view.zoom + ox, frame.y * view.zoom + oy, frame.w * view.zoom, frame.h * view.zoom)
        pixels = self._level_for(target.width())
        exact = pixels.shape[:2] == frame.shape and (view.zoom == 1 or view.zoom >= 2)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact)
        painter.drawImage(target, image_over(pixels))

    def _level_for(self, width: float) -> np.ndarray:
        """The pixels halved until they are less than twice as fine as the screen, so that none is skipped."""
        index = 0
        while self._levels[index].shape[1] >= 2 * width and min(self._levels[index].shape[:2]) > 1:
            if index + 1 == len(self._levels):
                fine = self._levels[index]
                half = (max(1, fine.shape[1] // 2), max(1, fine.shape[0] // 2))
                self._levels.append(cv2.resize(fine, half, interpolation=cv2.INTER_AREA))
            index += 1
        return self._levels[index]


def where_changed(rgba: np.ndarray, change_map: np.ndarray) -> np.ndarray:
    """`rgba` transparent where `change_map` keeps all pixels beneath, so that those are not shown as coarse as it is.

    `rgba` (h, w, 4) uint8 straight alpha stands for the pixels of `change_map` (h', w') uint8, at the same size or
    smaller.
    """
    height, width = rgba.shape[:2]
    covered = cv2.resize((change_map > 0).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    shown = rgba.copy()
    shown[covered == 0] = 0
    return shown
