"""What happens between press and release: each gesture turns the pointer's way into one edit, or into none."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from paintdiff.document import change_map
from paintdiff.document.document import Document
from paintdiff.document.edits import set_layer_tiles
from paintdiff.image import masks
from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.inks import ClearMask, Colour, Erase, Ink, MarkMask
from paintdiff.paint.stroke import Stroke
from paintdiff.ui.canvas.frame_handles import Handle, dragged, drawn
from paintdiff.ui.canvas.view import View

Edit = tuple[str, Document]
LABELS = {"brush": "Brush stroke", "eraser": "Erase", "mask_brush": "Paint mask", "mask_eraser": "Erase mask"}


class Gesture(Protocol):
    """Follows the pointer; `finish` gives the edit it amounts to, as (label, document), or None."""

    def move(self, sample: Sample, shift: bool) -> Rect:
        """Go on to `sample`; the world rectangle whose pixels may look different now."""
        ...

    def finish(self) -> Edit | None: ...

    def draw(self, painter: QPainter, view: View) -> None:
        """Draw what is not pixels yet, with a painter in widget units."""
        ...


class StrokeGesture:
    """Paints with a brush, on the active layer or on the change map."""

    def __init__(
        self, tool: str, document: Document, brush: Brush, colour: tuple[int, int, int], first: Sample,
        start: Sample | None = None,
    ) -> None:
        """`start` is where a straight line to `first` begins."""
        self.tool = tool
        self.on_map = tool in ("mask_brush", "mask_eraser")
        inks: dict[str, Ink] = {
            "brush": Colour(colour), "eraser": Erase(), "mask_brush": MarkMask(), "mask_eraser": ClearMask()
        }
        base = document.change_map if self.on_map else document.active_layer.tiles
        self.stroke = Stroke(base, brush, inks[tool], document.canvas)
        self.last = first
        self.touched = EMPTY
        self._document = document
        if start is not None:
            self.move(start, False)
        self.move(first, False)
        if start is not None:
            self.settle()

    def move(self, sample: Sample, shift: bool) -> Rect:
        self.last = sample
        dirty = self.stroke.extend(sample)
        self.touched = self.touched.united(dirty)
        return dirty

    def settle(self) -> Rect:
        """Draw up to the last sample; the world rectangle that may look different."""
        dirty = self.stroke.finish()
        self.touched = self.touched.united(dirty)
        return dirty

    def finish(self) -> Edit | None:
        tiles = self.stroke.merged()
        if tiles is self.stroke.base:
            return None
        if self.on_map:
            return LABELS[self.tool], change_map.set_change_map(self._document, tiles)
        return LABELS[self.tool], set_layer_tiles(self._document, tiles)

    def draw(self, painter: QPainter, view: View) -> None:
        pass


class RectangleGesture:
    """Adds a rectangle to the change map at `value` (0..255), or takes it out; Shift keeps it square."""

    def __init__(self, document: Document, first: Sample, value: int, subtract: bool) -> None:
        self._document = document
        self._first = first
        self._value = value
        self._subtract = subtract
        self._rect = EMPTY

    def move(self, sample: Sample, shift: bool) -> Rect:
        dx, dy = sample.x - self._first.x, sample.y - self._first.y
        if shift:
            side = max(abs(dx), abs(dy))
            dx, dy = np.copysign(side, dx), np.copysign(side, dy)
        left, right = sorted((self._first.x, self._first.x + dx))
        top, bottom = sorted((self._first.y, self._first.y + dy))
        self._rect = Rect.from_edges(round(left), round(top), round(right), round(bottom))
        return EMPTY

    def finish(self) -> Edit | None:
        rect = self._rect.intersected(self._document.canvas)
        if rect.empty:
            return None
        return _marked(self._document, "rectangle", masks.rectangle(rect, rect), rect, self._value, self._subtract)

    def draw(self, painter: QPainter, view: View) -> None:
        if not self._rect.empty:
            draw_marching(painter, QPolygonF(view.rect_to_widget(self._rect)))


class LassoGesture:
    """Adds what the pointer encircles to the change map at `value` (0..255), or takes it out."""

    def __init__(self, document: Document, first: Sample, value: int, subtract: bool) -> None:
        self._document = document
        self._points = [(first.x, first.y)]
        self._value = value
        self._subtract = subtract

    def move(self, sample: Sample, shift: bool) -> Rect:
        self._points.append((sample.x, sample.y))
        return EMPTY

    def finish(self) -> Edit | None:
        points = np.array(self._points)
        low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
        rect = Rect.from_edges(int(low[0]), int(low[1]), int(high[0]), int(high[1])).intersected(self._document.canvas)
        mask = masks.lasso(points, rect)
        if not mask.any():
            return None
        return _marked(self._document, "lasso", mask, rect, self._value, self._subtract)

    def draw(self, painter: QPainter, view: View) -> None:
        draw_marching(painter, QPolygonF([view.to_widget(x, y) for x, y in self._points]))


class FrameGesture:
    """Drags a handle of the frame, the whole of it, or draws a new one; the edit is the window's to make.

    Nothing happens until the pointer has gone `slack` world pixels: a click leaves the frame where it was.
    """

    def __init__(self, frame: Rect, handle: Handle | None, first: Sample, slack: float) -> None:
        self.frame = self._start = frame
        self._handle = handle
        self._first = first
        self._slack = slack

    def move(self, sample: Sample, shift: bool) -> Rect:
        if math.hypot(sample.x - self._first.x, sample.y - self._first.y) < self._slack:
            return EMPTY
        self._slack = 0
        if self._handle is None:
            self.frame = drawn(self._first.x, self._first.y, sample.x, sample.y, shift)
        else:
            self.frame = dragged(
                self._start, self._handle, sample.x - self._first.x, sample.y - self._first.y, shift
            )
        return EMPTY

    @property
    def moved(self) -> bool:
        return self.frame != self._start

    def finish(self) -> Edit | None:
        return None

    def draw(self, painter: QPainter, view: View) -> None:
        pass


def _marked(document: Document, shape: str, mask: np.ndarray, rect: Rect, value: int, subtract: bool) -> Edit:
    mask = np.rint(mask * (value / 255)).astype(np.uint8)
    if subtract:
        return f"Take {shape} out of mask", change_map.subtract(document, mask, rect.x, rect.y)
    return f"Mask {shape}", change_map.add(document, mask, rect.x, rect.y)


def draw_marching(painter: QPainter, polygon: QPolygonF) -> None:
    """A closed outline in dashes, light on dark."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
    painter.drawPolygon(polygon)
    painter.setPen(QPen(QColor(255, 255, 255, 230), 1, Qt.PenStyle.DashLine))
    painter.drawPolygon(polygon)
    painter.restore()
