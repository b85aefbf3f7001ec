"""The pixels of the document as the screen shows them: the picture, and the change map as a tint over it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPixmap

from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles, tile_rect
from paintdiff.paint.stroke import Stroke
from paintdiff.ui.canvas.changes import changed_tiles
from paintdiff.ui.canvas.pyramid import Pyramid
from paintdiff.ui.canvas.view import View
from paintdiff.ui.qimage import to_bgra

SQUARE = 8
LIGHT, DARK = QColor(150, 150, 150), QColor(112, 112, 112)
OVERLAY_OPACITY = 0.45
SHARP_FROM = 2.0
"""From this zoom on the pixels are shown as squares."""


class Picture:
    """Follows `document`, and the `stroke` under way on its layer or its change map; draws what a view shows."""

    def __init__(self, document: Document, overlay_colour: tuple[int, int, int]) -> None:
        self.document = document
        self.stroke: Stroke | None = None
        self._on_map = False
        self._tint = _tint(overlay_colour)
        self._reset()

    def _reset(self) -> None:
        canvas = self.document.canvas
        self._layers = Pyramid(canvas, lambda rect: to_bgra(self._compose(rect)))
        self._overlay = Pyramid(canvas, lambda rect: self._tinted(self._map(rect)))
        self._marked = self.document.change_map.extent

    def set_document(self, document: Document) -> list[Rect]:
        """Show `document`; the rectangles that look different, or the whole canvas where the canvas itself changed."""
        old, self.document = self.document, document
        if old.canvas != document.canvas:
            self._reset()
            return [old.canvas, document.canvas]
        layers = [tile_rect(key) for key in changed_tiles(old, document)]
        marks = [tile_rect(key) for key in document.change_map.changed_keys(old.change_map)]
        for rect in layers:
            self._layers.invalidate(rect)
        for rect in marks:
            self._overlay.invalidate(rect)
        self._marked = document.change_map.extent
        return layers + marks

    def set_overlay_colour(self, colour: tuple[int, int, int]) -> None:
        self._tint = _tint(colour)
        self._overlay.invalidate(self.document.canvas)

    def begin(self, stroke: Stroke, on_map: bool) -> None:
        """Show `stroke` in place of the active layer's pixels or of the change map."""
        self.stroke, self._on_map = stroke, on_map

    def refresh(self, rect: Rect) -> None:
        """The stroke has changed inside `rect`."""
        if self._on_map:
            self._marked = self._marked.united(rect)
            self._overlay.refresh(rect)
        else:
            self._layers.refresh(rect)

    def end(self, merged: Document | None, touched: Rect) -> None:
        """The stroke is over: `merged` holds its pixels, which are on show already; None drops it."""
        self.stroke = None
        if merged is not None:
            self.document = merged
        else:
            (self._overlay if self._on_map else self._layers).invalidate(touched)
        self._marked = self.document.change_map.extent

    def draw(self, painter: QPainter, view: View, exposed: Rect) -> None:
        """Draw the layers inside `exposed` (world pixels); the painter works in device pixels."""
        self._draw_level(painter, view, exposed, self._layers, self.document.canvas, checkered=True)

    def draw_overlay(self, painter: QPainter, view: View, exposed: Rect, hatch: bool) -> None:
        """Draw the change map inside `exposed` as a tint, with stripes if `hatch`."""
        if self._marked.empty:
            return
        if hatch:
            self._draw_hatched(painter, view, exposed)
        else:
            self._draw_level(painter, view, exposed, self._overlay, self._marked)

    def _draw_level(
        self, painter: QPainter, view: View, exposed: Rect, pyramid: Pyramid, part: Rect, checkered: bool = False
    ) -> None:
        level = pyramid.level_for(view.zoom)
        step = 1 << level
        bounds = pyramid.bounds
        visible = view.visible().intersected(bounds)
        # Bilinear sampling looks one pixel past what is exposed, and spreads what is there as far.
        shown = exposed.intersected(part.inflated(2 * step)).intersected(visible)
        if shown.empty:
            return
        image = pyramid.image(level, shown.inflated(2 * step))
        if checkered and pyramid.is_translucent(level, shown):
            _draw_squares(painter, view, bounds)
        # The source is cut by the view, not by what is exposed: partial repaints then sample as a whole one does.
        left, top = (visible.x - bounds.x) // step - 2, (visible.y - bounds.y) // step - 2
        right, bottom = -(-(visible.right - bounds.x) // step) + 2, -(-(visible.bottom - bounds.y) // step) + 2
        source = QRect(left, top, right - left, bottom - top).intersected(image.rect())
        scale = view.zoom * step
        corner = _device_rect(view, bounds).topLeft()
        painter.save()
        if shown != exposed:  # what is exposed the painter is clipped to already
            painter.setClipRect(_device_rect(view, shown), Qt.ClipOperation.IntersectClip)
        painter.translate(corner.x() + source.x() * scale, corner.y() + source.y() * scale)
        painter.scale(scale, scale)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.zoom < SHARP_FROM and scale != 1)
        painter.drawImage(QPointF(0, 0), image, QRectF(source))
        painter.restore()

    def _draw_hatched(self, painter: QPainter, view: View, exposed: Rect) -> None:
        """The overlay with stripes cut out of it; drawn aside first: the stripes keep their width on the screen."""
        area = _device_rect(view, exposed.intersected(self._marked)).toAlignedRect()
        area = area.intersected(QRect(0, 0, *view.device_size))
        if area.isEmpty():
            return
        aside = QImage(area.size(), QImage.Format.Format_ARGB32_Premultiplied)
        aside.fill(Qt.GlobalColor.transparent)
        pen = QPainter(aside)
        pen.translate(-area.x(), -area.y())
        self._draw_level(pen, view, exposed, self._overlay, self._marked)
        pen.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
        pen.fillRect(area, _stripes())
        pen.end()
        painter.drawImage(area.topLeft(), aside)

    def _compose(self, rect: Rect) -> np.ndarray:
        return compose(self.document, rect, None if self._on_map else self.stroke)

    def _map(self, rect: Rect) -> np.ndarray:
        source: Tiles | Stroke = self.document.change_map
        if self.stroke is not None and self._on_map:
            source = self.stroke
        return source.read(rect)

    def _tinted(self, change_map: np.ndarray) -> np.ndarray:
        return self._tint[change_map].view(np.uint8).reshape(*change_map.shape, 4)


def _tint(colour: tuple[int, int, int]) -> np.ndarray:
    """The overlay's premultiplied BGRA for each value of the map, (256,) uint32."""
    alpha = np.arange(256) / 255 * OVERLAY_OPACITY
    red, green, blue = colour
    pixels = np.stack([alpha * blue, alpha * green, alpha * red, alpha * 255], axis=1)
    return np.ascontiguousarray(np.rint(pixels).astype(np.uint8)).view(np.uint32)[:, 0]


def _device_rect(view: View, rect: Rect) -> QRectF:
    ox, oy = view.origin
    return QRectF(rect.x * view.zoom + ox, rect.y * view.zoom + oy, rect.w * view.zoom, rect.h * view.zoom)


def _draw_squares(painter: QPainter, view: View, bounds: Rect) -> None:
    """The squares that show through transparency; they keep their size on the screen and move with the picture."""
    side = round(SQUARE * view.ratio)
    tile = QPixmap(2 * side, 2 * side)
    tile.fill(LIGHT)
    with QPainter(tile) as pen:
        pen.fillRect(0, 0, side, side, DARK)
        pen.fillRect(side, side, side, side, DARK)
    painter.setBrushOrigin(*view.origin)
    painter.fillRect(_device_rect(view, bounds), QBrush(tile))


def _stripes() -> QBrush:
    """Diagonal stripes: what is opaque here is kept of the overlay."""
    side = 12
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(0, 0, 0, 90))
    with QPainter(image) as pen:
        pen.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        pen.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen.setPen(QPen(QColor(0, 0, 0, 255), 3.5))
        for offset in (-side, 0, side):
            pen.drawLine(offset - 2, side + 2, offset + side + 2, -2)
    return QBrush(image)
