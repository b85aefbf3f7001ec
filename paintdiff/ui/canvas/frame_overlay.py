"""The frame on the canvas: what the model will see, where it will paint, and where the result blends in."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform

from paintdiff.document.document import Document
from paintdiff.document.requests import map_of, windows_of
from paintdiff.image.geometry import Rect
from paintdiff.ui.canvas.blend_edge import blend_edges
from paintdiff.ui.canvas.frame_handles import HANDLES, position
from paintdiff.ui.canvas.view import View

DIM = QColor(0, 0, 0, 70)
LINE, SHADOW = QColor(255, 255, 255, 230), QColor(0, 0, 0, 150)
BEYOND, BEYOND_LINES = QColor(120, 170, 255, 26), QColor(150, 190, 255, 80)
WINDOW_LINE, WINDOW_SHADOW = QColor(255, 255, 255, 150), QColor(0, 0, 0, 70)
HANDLE_SIDE = 9.0


class FrameOverlay:
    """`frame` in world pixels and the outlines of the mask that `mode` makes in it; `feather` is in canvas pixels.

    Where a model of side `size` will see the frame part by part, the parts are outlined too.
    """

    def __init__(self, frame: Rect, feather: int, mode: str, size: int = 64) -> None:
        self.frame = frame
        self.feather = feather
        self.mode = mode
        self.size = size
        self.windows: tuple[Rect, ...] = ()
        self._mask_edge = QPainterPath()
        self._blend_end = QPainterPath()

    def trace(self, document: Document) -> None:
        """Follow the change map of `document`; takes milliseconds, so call it once the map has come to rest."""
        self._mask_edge, self._blend_end = blend_edges(document, self.mode, self.frame, self.feather)
        change_map = map_of(document, self.mode, self.frame, self.feather)
        windows = windows_of(document, self.mode, self.frame, change_map, self.size)
        self.windows = windows if len(windows) > 1 else ()

    def alike(self, other: FrameOverlay) -> bool:
        """Whether both show the same frame in the same way."""
        return (self.frame, self.feather, self.mode, self.size) == (other.frame, other.feather, other.mode, other.size)

    def keep_trace(self, before: FrameOverlay) -> None:
        """Show the outlines of `before` until they are traced anew: they rarely move far, and do not blink then."""
        self._mask_edge, self._blend_end = before._mask_edge, before._blend_end
        self.windows = before.windows

    def draw(self, painter: QPainter, view: View, canvas: Rect, dimmed: bool, handles: bool, outlines: bool) -> None:
        """Draw over the picture with a painter that works in widget units.

        `dimmed` darkens what lies outside; without `outlines` nothing is drawn inside, where a preview shows.
        """
        frame = view.rect_to_widget(self.frame)
        if dimmed:
            around = QPainterPath()
            around.addRect(QRectF(0, 0, view.width, view.height))
            around.addRect(frame)
            painter.fillPath(around, DIM)
        if outlines:
            self._draw_beyond(painter, view, canvas)
            self._draw_outlines(painter, view)
            self._draw_windows(painter, view)
        _two_tone(painter, frame, dashed=not handles)
        if handles:
            self._draw_handles(painter, view)

    def _draw_beyond(self, painter: QPainter, view: View, canvas: Rect) -> None:
        """What lies past the canvas will be painted anew: a light pattern says so."""
        if canvas.contains(self.frame):
            return
        beyond = QPainterPath()
        beyond.addRect(view.rect_to_widget(self.frame))
        inside = QPainterPath()
        inside.addRect(view.rect_to_widget(canvas))
        beyond = beyond.subtracted(inside)
        painter.fillPath(beyond, BEYOND)
        painter.fillPath(beyond, QBrush(BEYOND_LINES, Qt.BrushStyle.BDiagPattern))

    def _draw_outlines(self, painter: QPainter, view: View) -> None:
        origin = view.to_widget(0, 0)
        to_widget = QTransform.fromTranslate(origin.x(), origin.y()).scale(view.scale, view.scale)
        painter.save()
        painter.setClipRect(view.rect_to_widget(self.frame), Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        edge, end = to_widget.map(self._mask_edge), to_widget.map(self._blend_end)
        painter.setPen(QPen(SHADOW, 3))
        painter.drawPath(edge)
        painter.setPen(QPen(LINE, 1.2))
        painter.drawPath(edge)
        if self.feather * view.scale >= 3:
            painter.setPen(QPen(SHADOW, 1))
            painter.drawPath(end)
            painter.setPen(QPen(LINE, 1, Qt.PenStyle.DotLine))
            painter.drawPath(end)
        painter.restore()

    def _draw_windows(self, painter: QPainter, view: View) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(WINDOW_SHADOW, 1), QPen(WINDOW_LINE, 1, Qt.PenStyle.DotLine)):
            painter.setPen(pen)
            for window in self.windows:
                painter.drawRect(view.rect_to_widget(window))

    def _draw_handles(self, painter: QPainter, view: View) -> None:
        painter.setPen(QPen(SHADOW, 1))
        painter.setBrush(LINE)
        for handle in HANDLES:
            middle = view.to_widget(*position(self.frame, handle))
            half = HANDLE_SIDE / 2
            painter.drawRect(QRectF(middle - QPointF(half, half), middle + QPointF(half, half)))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _two_tone(painter: QPainter, rect: QRectF, dashed: bool) -> None:
    """A rectangle outlined light on dark, to be seen on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(SHADOW, 3))
    painter.drawRect(rect)
    pen = QPen(LINE, 1)
    if dashed:
        pen.setDashPattern([6, 4])
    painter.setPen(pen)
    painter.drawRect(rect)
