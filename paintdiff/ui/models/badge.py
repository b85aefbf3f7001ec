"""The mark of a model's family: a coloured tile with its short name, or the program's own mark."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPixmap

from paintdiff.generation.model_card import Family
from paintdiff.ui import icons

BADGES = {
    Family.SD1: ("SD 1", "#4f7fd6"), Family.SD2: ("SD 2", "#37877d"), Family.SDXL: ("XL", "#8a63d2"),
    Family.SD3: ("SD 3", "#a94d8d"), Family.FLUX: ("FLUX", "#a8662a"), Family.PIXELS: ("PX", "#517a33"),
    Family.UNKNOWN: ("?", "#6b7078"),
}  # fmt: skip


def draw_badge(painter: QPainter, square: QRect, family: Family) -> None:
    """Draw the mark of `family` into `square`, with a painter that works in widget units."""
    if family is Family.BUNDLED:
        painter.drawPixmap(square, icons.program_icon().pixmap(128, 128))
        return
    text, colour = BADGES[family]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(square, square.width() / 5, square.width() / 5)
    font = QFont(painter.font())
    font.setBold(True)
    font.setPixelSize(round(square.width() * (0.29 if len(text) > 2 else 0.42)))
    painter.setFont(font)
    painter.setPen(QColor("white"))
    painter.drawText(square, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def badge(family: Family, side: int, scale: float) -> QPixmap:
    """The mark as a picture of `side` widget units at `scale` screen pixels a unit."""
    pixmap = QPixmap(QSize(side, side) * scale)
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        draw_badge(painter, QRect(0, 0, side, side), family)
    return pixmap
