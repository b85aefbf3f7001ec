"""What single modes need besides parameters: one row each, in sight only in its mode."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from paintdiff.ui import icons
from paintdiff.ui.named import named

EDGES = {"left": "arrow_left", "right": "arrow_right", "top": "arrow_up", "bottom": "arrow_down"}
SCALES = (2, 4)


class ModeRows(QWidget):
    """The row of the mode that was last shown.

    Signals: `extend_asked(str)` with "left", "right", "top" or "bottom"; `hints_asked()` for a layer to brush colour
    hints on.
    """

    extend_asked = Signal(str)
    hints_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._scale = named(QComboBox(), "scale", "How many times the picture was enlarged: shrunk again it stays so")
        for scale in SCALES:
            self._scale.addItem(f"×{scale}", scale)
        self._rows = {"outpaint": self._extend_row(), "colorize": self._hints_row(), "upscale": self._scale_row()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for row in self._rows.values():
            column.addWidget(row)

    def show_mode(self, mode: str) -> None:
        for name, row in self._rows.items():
            row.setVisible(name == mode)
        self.setVisible(mode in self._rows)

    def scale(self) -> int:
        """How many times the picture was enlarged before detail is added to it."""
        return int(self._scale.currentData())

    def set_scale(self, scale: int) -> None:
        self._scale.setCurrentIndex(self._scale.findData(scale))

    def _extend_row(self) -> QWidget:
        """Outpainting by one click: the frame placed past an edge."""
        buttons = []
        for side, icon in EDGES.items():
            button = named(QToolButton(), f"extend_{side}", f"Place the frame past the {side} edge")
            button.setProperty("flat", True)
            button.setIcon(icons.icon(icon))
            button.clicked.connect(lambda _=False, side=side: self.extend_asked.emit(side))
            buttons.append(button)
        return _row("extend", "Frame past the edge", *buttons)

    def _hints_row(self) -> QWidget:
        button = named(QPushButton("Add hint layer"), "add_hints")
        button.setToolTip(
            "A layer to brush colours on that lead the colorization: their hue and saturation count, not how bright "
            "they are. It is no part of the picture; hide it to do without."
        )
        button.clicked.connect(lambda: self.hints_asked.emit())
        return _row("hints", "Brush what colour is where", button)

    def _scale_row(self) -> QWidget:
        return _row("enlarged", "The picture was enlarged", self._scale)


def _row(name: str, text: str, *widgets: QWidget) -> QWidget:
    row = named(QWidget(), name)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    line.addWidget(QLabel(text))
    line.addStretch()
    for widget in widgets:
        line.addWidget(widget)
    return row
