"""Our line icons, drawn in the colour of the theme and crisp at every scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QWidget

from paintdiff.resource_files import resource

SIZE = 20
SCALES = (1, 2, 3)


def icon(name: str, size: int = SIZE) -> QIcon:
    """The icon called `name` in the palette's text colours as they are now; ask again after a change of theme."""
    palette = QGuiApplication.palette()
    colours = {
        (QIcon.Mode.Normal, QIcon.State.Off): palette.color(QPalette.ColorRole.ButtonText),
        (QIcon.Mode.Normal, QIcon.State.On): palette.color(QPalette.ColorRole.HighlightedText),
        (QIcon.Mode.Disabled, QIcon.State.Off): palette.color(
            QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
        ),
    }
    result = QIcon()
    for (mode, state), colour in colours.items():
        for scale in SCALES:
            result.addPixmap(pixmap(name, size, scale, colour), mode, state)
    return result


def put(target: QAction | QAbstractButton, name: str) -> None:
    """Give `target` an icon that `refresh` draws again in a new theme."""
    target.setProperty("icon_name", name)
    target.setIcon(icon(name))


def refresh(root: QWidget) -> None:
    """Draw again every icon that was put on an action or button below `root`."""
    for kind in (QAction, QAbstractButton):
        for target in root.findChildren(kind):
            if name := target.property("icon_name"):
                target.setIcon(icon(name))


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
