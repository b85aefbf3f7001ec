"""Where the canvas lies on the screen: zoom and pan as plain numbers, and the way there and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF

from paintdiff.image.geometry import Rect

MIN_ZOOM, MAX_ZOOM = 0.02, 64.0
STEPS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
KEPT_IN_SIGHT = 48
"""How many device pixels of the canvas stay in the view, however far it is dragged."""


@dataclass(frozen=True)
class View:
    """`zoom` is device pixels a world pixel, so that 1.0 is crisp on any screen; `x`, `y` is where world (0, 0) lies in
    device pixels of the widget; `width`, `height` are the widget's own size and `ratio` its device pixel ratio."""

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    width: int = 1
    height: int = 1
    ratio: float = 1.0

    @property
    def scale(self) -> float:
        """Widget units (what Qt's events and painters speak) a world pixel."""
        return self.zoom / self.ratio

    @property
    def origin(self) -> tuple[int, int]:
        """Where world (0, 0) is drawn: whole device pixels, so that a moving picture does not shimmer."""
        return round(self.x), round(self.y)

    @property
    def device_size(self) -> tuple[int, int]:
        return math.ceil(self.width * self.ratio), math.ceil(self.height * self.ratio)

    def to_world(self, point: QPointF) -> tuple[float, float]:
        """World coordinates of a point of the widget."""
        x, y = self.origin
        return (point.x() * self.ratio - x) / self.zoom, (point.y() * self.ratio - y) / self.zoom

    def to_widget(self, x: float, y: float) -> QPointF:
        """Where world (x, y) lies on the widget."""
        left, top = self.origin
        return QPointF((x * self.zoom + left) / self.ratio, (y * self.zoom + top) / self.ratio)

    def rect_to_widget(self, rect: Rect) -> QRectF:
        return QRectF(self.to_widget(rect.x, rect.y), self.to_widget(rect.right, rect.bottom))

    def visible(self) -> Rect:
        """The world pixels that the widget shows, whole or in part."""
        left, top = self.origin
        width, height = self.device_size
        return Rect.from_edges(
            math.floor(-left / self.zoom), math.floor(-top / self.zoom),
            math.ceil((width - left) / self.zoom), math.ceil((height - top) / self.zoom),
        )

    def resized(self, width: int, height: int, ratio: float) -> View:
        """The view in a widget of another size or on another screen; the world point in the middle stays there."""
        if (width, height, ratio) == (self.width, self.height, self.ratio):
            return self
        dx = (width * ratio - self.width * self.ratio) / 2
        dy = (height * ratio - self.height * self.ratio) / 2
        return replace(self, x=self.x + dx, y=self.y + dy, width=width, height=height, ratio=ratio)

    def zoomed(self, zoom: float, at: QPointF | None = None) -> View:
        """`zoom` with the world point under `at` (default: the middle of the widget) where it was."""
        zoom = min(max(zoom, MIN_ZOOM), MAX_ZOOM)
        if at is None:
            at = QPointF(self.width / 2, self.height / 2)
        factor = zoom / self.zoom
        x, y = at.x() * self.ratio, at.y() * self.ratio
        return replace(self, zoom=zoom, x=x - (x - self.x) * factor, y=y - (y - self.y) * factor)

    def moved(self, dx: float, dy: float) -> View:
        """Dragged by (dx, dy) widget units."""
        return replace(self, x=self.x + dx * self.ratio, y=self.y + dy * self.ratio)

    def fitted(self, rect: Rect, margin: float = 24, below: float = 0) -> View:
        """The largest zoom that shows all of `rect`, centred; from 200 % on a whole number: pixels stay square.

        `below` widget units at the bottom are left free.
        """
        width, height = self.width * self.ratio, (self.height - below) * self.ratio
        border = 2 * margin * self.ratio
        room = min(max(width - border, 1) / max(rect.w, 1), max(height - border, 1) / max(rect.h, 1))
        zoom = min(max(room if room < 2 else math.floor(room), MIN_ZOOM), MAX_ZOOM)
        cx, cy = rect.center
        return replace(self, zoom=zoom, x=width / 2 - cx * zoom, y=height / 2 - cy * zoom)

    def clamped(self, rect: Rect) -> View:
        """Moved as little as needed so that a strip of `rect` stays in sight."""
        width, height = self.width * self.ratio, self.height * self.ratio

        def clamp(offset: float, start: int, end: int, size: float) -> float:
            low, high = KEPT_IN_SIGHT - end * self.zoom, size - KEPT_IN_SIGHT - start * self.zoom
            return min(max(offset, low), high) if low <= high else offset

        return replace(
            self, x=clamp(self.x, rect.x, rect.right, width), y=clamp(self.y, rect.y, rect.bottom, height)
        )


def step_in(zoom: float) -> float:
    """The next larger of the usual zooms."""
    return next((step for step in STEPS if step > zoom * 1.01), MAX_ZOOM)


def step_out(zoom: float) -> float:
    """The next smaller of the usual zooms."""
    return next((step for step in reversed(STEPS) if step < zoom / 1.01), MIN_ZOOM)
