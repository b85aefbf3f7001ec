"""One LoRA in the panel: its name, how strongly it counts, and a button that takes it out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QSlider, QToolButton, QWidget

from paintdiff.generation.add_ons import LEAST_WEIGHT, MOST_WEIGHT, Lora
from paintdiff.ui import icons
from paintdiff.ui.fields import NumberBox, PassWheel
from paintdiff.ui.named import named

SLIDER_RANGE = -100, 200  # hundredths: what is usual; the box goes further
STEP = 0.05


class LoraRow(QWidget):
    """Signals: `changed()`, `removed()`."""

    changed = Signal()
    removed = Signal()

    def __init__(self, lora: Lora) -> None:
        super().__init__()
        self._lora = lora
        name = Path(lora.file).stem
        self.name = QLabel(name)
        self.name.setToolTip(lora.file)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.weight = named(NumberBox(), "lora_weight", f"How strongly {name} counts; 1 is as it was trained")
        self.weight.setDecimals(2)
        self.weight.setRange(LEAST_WEIGHT, MOST_WEIGHT)
        self.weight.setSingleStep(STEP)
        self.weight.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(*SLIDER_RANGE)
        self.slider.setMinimumWidth(60)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName(f"Weight of {name}")
        for control in (self.weight, self.slider):
            control.installEventFilter(PassWheel(control))
        remove = named(QToolButton(), "remove_lora", f"Take {name} out")
        remove.setProperty("flat", True)
        remove.setIcon(icons.icon("trash"))
        remove.clicked.connect(self.removed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(remove, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.slider, 1, 0)
        grid.addWidget(self.weight, 1, 1)
        grid.setColumnStretch(0, 1)
        self.slider.valueChanged.connect(lambda at: self.weight.setValue(at / 100))
        self.weight.valueChanged.connect(self._follow)
        self.weight.setValue(lora.weight)
        self._follow()

    def value(self) -> Lora:
        return replace(self._lora, weight=round(self.weight.value(), 4))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        stem = Path(self._lora.file).stem
        self.name.setText(self.fontMetrics().elidedText(stem, Qt.TextElideMode.ElideMiddle, self.slider.width()))

    def _follow(self) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(self.weight.value() * 100))
        self.changed.emit()
