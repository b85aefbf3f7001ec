"""The big button: Generate, and while a job runs its progress, the time left and Cancel."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from paintdiff.generation.result import Progress
from paintdiff.ui import icons
from paintdiff.ui.breaking import breakable
from paintdiff.ui.named import named

SLOW = 3.0  # seconds of a first step


class RunBar(QWidget):
    """Signals: `generate_asked()`, `cancel_asked()`, and `offer_taken()` when the user takes what the hint offers."""

    generate_asked = Signal()
    cancel_asked = Signal()
    offer_taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.generate = named(QPushButton("Generate"), "generate")
        self.generate.setToolTip("Generate with these settings (Ctrl+Enter)")
        self.progress = named(QProgressBar(textVisible=True), "progress")
        self.cancel = named(QPushButton("Cancel"), "cancel", "Stop this generation (Esc)")
        self.cancel.setIcon(icons.icon("cancel"))
        self.hint = named(QLabel(wordWrap=True), "hint")
        self.hint.setProperty("muted", True)
        self.hint.setProperty("bad", False)
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        self.offer = named(QPushButton(), "offer")
        idle, running = QWidget(), QWidget()
        self._beside = QHBoxLayout(idle)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(8)
        self._beside.addWidget(self.generate, 1)
        row = QHBoxLayout(running)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel)
        self._stack = QStackedWidget()
        self._stack.addWidget(idle)
        self._stack.addWidget(running)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.setSpacing(8)
        column.addWidget(self.hint)
        column.addWidget(self.offer)
        column.addWidget(self._stack)
        self._stack.setFixedHeight(self.generate.sizeHint().height() + 6)
        self.generate.clicked.connect(self.generate_asked)
        self.cancel.clicked.connect(self.cancel_asked)
        self.offer.clicked.connect(self.offer_taken)
        self._clock: tuple[int, float] | None = None
        self._begun: float | None = None
        self.show_hint("")
        self.show_idle()

    def add_beside(self, control: QWidget) -> None:
        """Let `control` stand beside the button."""
        self._beside.addWidget(control)

    def show_hint(self, hint: str, offer: str = "", bad: bool = False) -> None:
        """A sentence on what stands in the way, was done otherwise than asked or, `bad`, went wrong, and a button that
        helps; "" for none."""
        self.hint.setText(breakable(hint))
        if self.hint.property("bad") != bad:
            self.hint.setProperty("bad", bad)
            self.hint.setProperty("muted", not bad)
            self.hint.style().polish(self.hint)
        self.hint.setVisible(bool(hint))
        self.offer.setText(offer)
        self.offer.setVisible(bool(offer))

    def show_idle(self) -> None:
        self._clock = None
        self._stack.setCurrentIndex(0)

    def show_queued(self) -> None:
        """A job is on its way, and nothing is known of it yet."""
        self._clock = None
        self._show_stage("Waiting for the engine…")
        self._stack.setCurrentIndex(1)

    def show_progress(self, progress: Progress, waiting: int) -> None:
        """Where the running job stands; `waiting` jobs stand behind it."""
        self._stack.setCurrentIndex(1)
        more = f" · {waiting} waiting" if waiting else ""
        if progress.stage in ("sampling", "measuring") and progress.steps:
            what = "Measuring " if progress.stage == "measuring" else ""
            self.progress.setRange(0, progress.steps)
            self.progress.setValue(progress.step)
            self._show_text(f"{what}{progress.step} / {progress.steps}", self._time_left(progress), more)
        else:
            stages = {"finishing": "Finishing…", "encoding": "Walking the picture back…",
                      "compiling": "Compiling, once…"}
            self._show_stage(stages.get(progress.stage, "Loading the model…"), more)

    def _show_stage(self, *parts: str) -> None:
        self.progress.setRange(0, 1)  # a bar without an end would show no text
        self.progress.setValue(0)
        self._show_text(*parts)

    def _show_text(self, *parts: str) -> None:
        """As many of `parts` from the first as the bar has room for; its tooltip has them all."""
        self.progress.setToolTip("".join(parts))
        room = self.progress.width() - 8
        count = len(parts)
        while count > 1 and self.progress.fontMetrics().horizontalAdvance("".join(parts[:count])) > room:
            count -= 1
        self.progress.setFormat("".join(parts[:count]))

    def _time_left(self, progress: Progress) -> str:
        """Told from the second step on: the first also warms up. Where it takes long, it is better than no measure."""
        now = time.monotonic()
        if progress.step == 0:
            self._clock, self._begun = None, now
            return ""
        if self._clock is None or progress.step < self._clock[0]:
            self._clock = progress.step, now
        first, start = self._clock
        if progress.step == first == 1 and self._begun is not None and now - self._begun > SLOW:
            first, start = 0, self._begun
        if progress.step == first:
            return ""
        seconds = (now - start) / (progress.step - first) * (progress.steps - progress.step)
        return f" · {readable_seconds(seconds)} left"


def readable_seconds(seconds: float) -> str:
    """A rough duration: "3 s", "2 min", "1 h 10 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
