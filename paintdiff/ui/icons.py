"""Our line icons, drawn in the colour of the theme and crisp at every scale."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from paintdiff.resource_files import resource

SIZE = 20


class ThemeIcon(QIconEngine):
    """Draws the icon called `name` in the palette's colours of the moment, when and as large as it is shown."""

    _clones: ClassVar[list[ThemeIcon]] = []

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def clone(self) -> QIconEngine:
        clone = ThemeIcon(self._name)
        self._clones.append(clone)  # Qt takes it over without telling PySide, which would delete it under Qt's hands
        return clone

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return pixmap(self._name, min(size.width(), size.height()), 1, _colour(mode, state))

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        side = min(rect.width(), rect.height())
        painter.drawPixmap(rect.topLeft(), pixmap(self._name, side, ratio, _colour(mode, state)))


def _colour(mode: QIcon.Mode, state: QIcon.State) -> QColor:
    palette = QGuiApplication.palette()
    if mode == QIcon.Mode.Disabled:
        return palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
    on = state == QIcon.State.On
    return palette.color(QPalette.ColorRole.HighlightedText if on else QPalette.ColorRole.ButtonText)


def icon(name: str) -> QIcon:
    """The icon called `name`; it follows the theme by itself."""
    return QIcon(ThemeIcon(name))


def pixmap(name: str, size: int, scale: float, colour: QColor) -> QPixmap:
    """The icon as a picture of `size` widget units at `scale` screen pixels a unit."""
    return _drawn(name, round(size * scale), scale, colour.name())


def program_icon() -> QIcon:
    """The program's own mark, in its own colours."""
    result = QIcon()
    for side in (16, 32, 64, 128):
        result.addPixmap(_drawn("paintdiff", side, 1, "#000000"))
    return result


@lru_cache(maxsize=1024)
def _drawn(name: str, side: int, scale: float, colour: str) -> QPixmap:
    result = QPixmap(side, side)
    result.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))
    with QPainter(result) as painter:
        renderer.render(painter, QRectF(0, 0, side, side))
    result.setDevicePixelRatio(scale)
    return result


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")
