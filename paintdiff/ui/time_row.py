"""Diffusion's own time as a slider: look at any step of a run, and go on from there."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from paintdiff.ui import icons
from paintdiff.ui.named import named

LOOK = "Look at this run from noise to picture (, and .)"
GONE = "There is no run to look at: choose a candidate whose run was kept"


class TimeRow(QWidget):
    """Signals: `moved(int)` with a place from 0 (noise) to `last` (the picture) when the user moved there, `placed()`
    whoever did, `branch_asked()`."""

    moved = Signal(int)
    placed = Signal()
    branch_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[int, ...] = ()
        self.slider = named(QSlider(Qt.Orientation.Horizontal), "time", LOOK)
        self.slider.setPageStep(1)
        self.step = named(QLabel(), "step")
        self.step.setMinimumWidth(self.step.fontMetrics().horizontalAdvance("step 1000 of 1000"))
        self.branch = named(
            QPushButton("Branch from here"), "branch",
            "Go on from this step with what the panel says now: prompt, mask, strength, seed (Shift+Enter)",
        )  # fmt: skip
        self.branch.setIcon(icons.icon("branch"))
        noise, picture = QLabel("Noise"), QLabel("Picture")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 0)
        row.setSpacing(8)
        for part in (noise, self.slider, picture, self.step, self.branch):
            if isinstance(part, QLabel):
                part.setProperty("muted", True)
            row.addWidget(part, 1 if part is self.slider else 0)
        self.slider.valueChanged.connect(self._on_moved)
        self.branch.clicked.connect(self.branch_asked)
        self.show_steps(())

    @property
    def place(self) -> int:
        return self.slider.value()

    @property
    def at_end(self) -> bool:
        """Whether the finished picture is looked at."""
        return self.place == self.slider.maximum()

    def show_steps(self, steps: tuple[int, ...]) -> None:
        """The steps that can be looked at, the last of them the picture itself; stand there, without a signal."""
        self._steps = steps
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, len(steps) - 1 if steps else 1)  # with none the knob still stands at the picture
            self.slider.setValue(self.slider.maximum())
        self.setEnabled(len(steps) > 1)
        self.slider.setToolTip(LOOK if steps else GONE)
        self._show_place()

    def go_to_end(self) -> None:
        """Look at the finished picture."""
        self.slider.setValue(self.slider.maximum())

    def move_by(self, places: int) -> None:
        if self.isEnabled():
            self.slider.setValue(self.slider.value() + places)

    def _on_moved(self, place: int) -> None:
        self._show_place()
        self.moved.emit(place)

    def _show_place(self) -> None:
        self.step.setText(f"step {self._steps[self.place]} of {self._steps[-1]}" if self._steps else "")
        self.branch.setEnabled(bool(self._steps) and not self.at_end)
        self.placed.emit()
