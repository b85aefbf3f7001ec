"""The option strip: how the tool in hand is set, in one calm row above the canvas."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from paintdiff.paint.brush import MAX_SIZE, MIN_SIZE, Brush
from paintdiff.ui.tool_state import MASK_TOOLS, STROKE_TOOLS, Colour, ToolState

HINTS = {
    "mask_rectangle": "Drag a rectangle: Shift keeps it square, Alt takes it out of the mask.",
    "mask_lasso": "Draw around an area: Alt takes it out of the mask.",
    "picker": "Click a colour of the picture to paint with it.",
    "frame": "Drag a handle, the inside, or a new frame; Shift keeps it square. Past the edge it outpaints.",
    "hand": "Drag to move the view; the wheel zooms.",
}
SLIDER_STEPS = 200


class Amount(QWidget):
    """A whole number with its unit: a slider to feel it, a box to type it. `logarithmic` gives small values more room.

    Signal: `value_changed(int)`, when the user changed it.
    """

    value_changed = Signal(int)

    def __init__(self, name: str, low: int, high: int, unit: str, tip: str, logarithmic: bool = False) -> None:
        super().__init__()
        self._low, self._high, self._logarithmic = low, high, logarithmic
        label = QLabel(name)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setFixedWidth(72)
        self.box = QSpinBox(minimum=low, maximum=high, suffix=f" {unit}")
        self.box.setKeyboardTracking(False)
        label.setBuddy(self.box)
        for part in (label, self.slider, self.box):
            part.setToolTip(tip)
        self.slider.setAccessibleName(name)
        self.box.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for part in (label, self.slider, self.box):
            row.addWidget(part)
        self.slider.valueChanged.connect(lambda position: self.box.setValue(self._value_at(position)))
        self.box.valueChanged.connect(self._on_value)

    def set_value(self, value: float) -> None:
        """Show `value` without a signal."""
        with QSignalBlocker(self.box), QSignalBlocker(self.slider):
            self.box.setValue(round(value))
            self.slider.setValue(self._position_of(self.box.value()))

    def _on_value(self, value: int) -> None:
        with QSignalBlocker(self.slider):
            if self._value_at(self.slider.value()) != value:
                self.slider.setValue(self._position_of(value))
        self.value_changed.emit(value)

    def _value_at(self, position: int) -> int:
        part = position / SLIDER_STEPS
        if self._logarithmic:
            return round(self._low * (self._high / self._low) ** part)
        return round(self._low + (self._high - self._low) * part)

    def _position_of(self, value: int) -> int:
        if self._logarithmic:
            return round(SLIDER_STEPS * math.log(value / self._low) / math.log(self._high / self._low))
        return round(SLIDER_STEPS * (value - self._low) / (self._high - self._low))


class Swatch(QToolButton):
    """A button that shows a colour and lets the user choose another. Signal: `chosen((r, g, b))`."""

    chosen = Signal(tuple)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._colour: Colour = (0, 0, 0)
        self.setToolTip(title)
        self.setAccessibleName(title)
        self.setAutoRaise(True)
        self.setIconSize(QSize(26, 18))
        self.clicked.connect(self._ask)

    def set_colour(self, colour: Colour) -> None:
        self._colour = colour
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.iconSize() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(*colour))
        with QPainter(pixmap) as painter:
            painter.setPen(QColor(128, 128, 128))
            painter.drawRect(0, 0, self.iconSize().width() - 1, self.iconSize().height() - 1)
        self.setIcon(QIcon(pixmap))

    def _ask(self) -> None:
        dialog = QColorDialog(QColor(*self._colour), self)
        dialog.setWindowTitle(self._title)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(
            lambda colour: self.chosen.emit((colour.red(), colour.green(), colour.blue()))
        )
        dialog.open()


class ToolOptions(QWidget):
    """The settings of the tool in `tool_state`; shows those that the tool has, and a hint where it has few."""

    def __init__(self, tool_state: ToolState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = tool_state
        self.diameter = Amount(
            "Size", int(MIN_SIZE), int(MAX_SIZE), "px", "Diameter of the brush in canvas pixels ([ and ])", True
        )
        self.hardness = Amount("Hardness", 0, 100, "%", "How sharp the edge is; 0 % fades from the middle")
        self.opacity = Amount(
            "Opacity", 0, 100, "%", "The most that one stroke covers; on the mask, how strongly pixels are repainted"
        )
        self.pressure_size = _check("Pen size", "The pen's pressure changes the size")
        self.pressure_opacity = _check("Pen opacity", "The pen's pressure changes the opacity")
        self.foreground = Swatch("Foreground colour: what the brush paints with")
        self.background = Swatch("Background colour: X swaps the two, D sets black and white")
        self.overlay = Swatch("Colour that shows the mask")
        self.hatch = _check("Hatch", "Show the mask with stripes, to tell it from a picture of its colour")
        self.hint = QLabel()
        self._lay_out()
        self._connect()
        self._show_tool()
        self._show_colours()
        self._show_overlay()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(12)
        colours = QHBoxLayout()
        colours.setSpacing(2)
        for swatch in (self.foreground, self.background):
            colours.addWidget(swatch)
        mask = QHBoxLayout()
        mask.setSpacing(6)
        mask.addWidget(self.overlay)
        mask.addWidget(self.hatch)
        settings = (self.diameter, self.hardness, self.opacity, self.pressure_size, self.pressure_opacity)
        for setting in settings:
            row.addWidget(setting)
        row.addLayout(colours)
        row.addLayout(mask)
        # A hint that does not fit is cut rather than widening the window.
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.hint, 1)
        self.setFixedHeight(self.sizeHint().height())  # of all settings: the canvas below must not move with the tool

    def _connect(self) -> None:
        state = self._state
        self.diameter.value_changed.connect(self._setter(lambda brush, value: replace(brush, size=float(value))))
        self.hardness.value_changed.connect(self._setter(lambda brush, value: replace(brush, hardness=value / 100)))
        self.opacity.value_changed.connect(self._setter(lambda brush, value: replace(brush, opacity=value / 100)))
        self.pressure_size.toggled.connect(self._setter(lambda brush, on: replace(brush, pressure_size=bool(on))))
        self.pressure_opacity.toggled.connect(self._setter(lambda brush, on: replace(brush, pressure_opacity=bool(on))))
        self.foreground.chosen.connect(state.set_foreground)
        self.background.chosen.connect(state.set_background)
        self.overlay.chosen.connect(state.set_overlay_colour)
        self.hatch.toggled.connect(state.set_hatch)
        state.tool_changed.connect(self._show_tool)
        state.brush_changed.connect(self._show_brush)
        state.colours_changed.connect(self._show_colours)
        state.overlay_changed.connect(self._show_overlay)

    def _setter(self, change: Callable[[Brush, int], Brush]) -> Callable[[int], None]:
        def set_brush(value: int) -> None:
            if self._state.brush is not None:
                self._state.set_brush(change(self._state.brush, value))

        return set_brush

    def _show_tool(self) -> None:
        tool = self._state.tool
        of_strokes = (self.diameter, self.hardness, self.pressure_size, self.pressure_opacity)
        shown: list[tuple[QWidget, bool]] = [
            *((part, tool in STROKE_TOOLS) for part in of_strokes),
            (self.opacity, self._state.brush is not None),
            *((part, tool in ("brush", "picker")) for part in (self.foreground, self.background)),
            *((part, tool in MASK_TOOLS) for part in (self.overlay, self.hatch)),
        ]
        for part, visible in shown:
            part.setVisible(visible)
        self.hint.setText(HINTS.get(tool, ""))
        self.hint.setToolTip(self.hint.text())
        self._show_brush()

    def _show_brush(self) -> None:
        brush = self._state.brush
        if brush is None:
            return
        self.diameter.set_value(brush.size)
        self.hardness.set_value(brush.hardness * 100)
        self.opacity.set_value(brush.opacity * 100)
        for box, on in ((self.pressure_size, brush.pressure_size), (self.pressure_opacity, brush.pressure_opacity)):
            with QSignalBlocker(box):
                box.setChecked(on)

    def _show_colours(self) -> None:
        self.foreground.set_colour(self._state.foreground)
        self.background.set_colour(self._state.background)

    def _show_overlay(self) -> None:
        self.overlay.set_colour(self._state.overlay_colour)
        with QSignalBlocker(self.hatch):
            self.hatch.setChecked(self._state.hatch)


def _check(name: str, tip: str) -> QCheckBox:
    box = QCheckBox(name)
    box.setToolTip(tip)
    return box
