"""The line at the bottom: notices, the proof of kept pixels, model and device, the pointer, the zoom."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.placing import ALL, RUNGS
from paintdiff.generation.result import Report
from paintdiff.image.geometry import Rect
from paintdiff.ui.named import named

NOTICE_MS = 8000
CHANGE = "Click to choose the device and its memory."


class StatusBar(QStatusBar):
    """Labels that are always there, and notices that pass.

    Signal: `placing_asked()`, to choose the device and how much of its memory models may take.
    """

    placing_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setSizeGripEnabled(False)
        self.proof = named(QLabel(), "proof")
        self.proof.setProperty("good", True)
        self.model = named(QToolButton(), "model", f"The model that generates. {CHANGE}")
        self.model.setText("model not loaded yet")
        self.model.setProperty("flat", True)
        self.model.clicked.connect(self.placing_asked)
        self.place = named(QLabel(), "place")
        self.zoom = named(QLabel(), "zoom")
        self._size, self._pointer = "", ""
        self.info: ModelInfo | None = None
        for label in (self.proof, self.place, self.zoom):
            label.setContentsMargins(8, 2, 8, 2)
        for part in (self.proof, self.model, self.place, self.zoom):
            self.addPermanentWidget(part)
        for label in (self.place, self.zoom):
            label.setProperty("muted", True)
        self.place.setMinimumWidth(self.place.fontMetrics().horizontalAdvance("16384, 16384 · 16384 × 16384") + 16)
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("6400 %") + 16)

    def notice(self, sentence: str) -> None:
        """One sentence that stays for some seconds."""
        self.showMessage(sentence, NOTICE_MS)

    def show_proof(self, report: Report) -> None:
        """What the check of the last job found; a failed check is an error and never comes here.

        The job may have moved the model down the memory ladder.
        """
        if self.info is not None and report.memory != self.info.memory:
            self.info = replace(self.info, memory=report.memory)
            self._show_info()
        if report.kept_pixels:
            self.proof.setText(f"{report.kept_pixels:,} kept pixels unchanged ✓")
            self.proof.setToolTip("Every pixel outside the mask was compared byte by byte after the last generation.")
        else:
            self.proof.setText("whole frame repainted")
            self.proof.setToolTip("The mask covered the whole frame: there was nothing to keep.")

    def forget(self) -> None:
        """Another picture comes: what was said of the last one is over."""
        self.proof.clear()
        self.clearMessage()

    def show_model(self, info: ModelInfo) -> None:
        self.info = info
        self._show_info()

    def _show_info(self) -> None:
        info = self.info
        assert info is not None
        rung = "" if info.memory in ("", ALL) else f" · {info.memory}"
        self.model.setText(f"{info.name} · {info.size} px · {info.device.upper()}{rung}")
        how = f": {RUNGS[info.memory]}, {info.precision}" if info.memory else ""
        self.model.setToolTip(f"The model that generates, and the device that it runs on{how}. {CHANGE}")

    def show_zoom(self, zoom: float) -> None:
        percent = zoom * 100
        self.zoom.setText(f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %")

    def show_size(self, canvas: Rect) -> None:
        self._size = f"{canvas.w} × {canvas.h}"
        self._show_place()

    def show_pointer(self, x: int, y: int) -> None:
        self._pointer = f"{x}, {y} · "
        self._show_place()

    def _show_place(self) -> None:
        self.place.setText(self._pointer + self._size)
