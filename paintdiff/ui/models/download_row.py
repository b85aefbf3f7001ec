"""One download: what it would take, how far it is, and what became of it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from paintdiff.models.hub import Fetching, Offer
from paintdiff.models.hub_name import parse_hub_name
from paintdiff.ui import icons
from paintdiff.ui.models.described import readable_bytes
from paintdiff.ui.named import named
from paintdiff.ui.run_bar import readable_seconds

KEPT = "What has arrived is kept."


class DownloadRow(QWidget):
    """Signals: `start_asked(str)` with what to fetch, `cancel_asked()`, `use_asked()`, `dismissed()`."""

    start_asked = Signal(str)
    cancel_asked = Signal()
    use_asked = Signal()
    dismissed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("download")
        self.name = name
        self._done = ""
        self.title = named(QLabel(name), "download_name")
        self.title.setProperty("strong", True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.said = named(QLabel(wordWrap=True), "download_said")
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.choice = named(QComboBox(), "download_choice", "Which of its checkpoints to fetch")
        self.bar = named(QProgressBar(), "download_progress")
        self.bar.setRange(0, 1000)
        self.act = named(QPushButton(), "download_act")
        self.act.setAutoDefault(False)
        self.close_button = named(QToolButton(), "download_close", "Take this line away")
        self.close_button.setProperty("flat", True)
        self.close_button.setIcon(icons.icon("discard"))
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 4, 0, 4)
        line.setSpacing(8)
        line.addWidget(self.title)
        for part in (self.said, self.choice, self.bar):
            line.addWidget(part, 1)
        line.addWidget(self.act)
        line.addWidget(self.close_button)
        self.act.clicked.connect(self._on_act)
        self.close_button.clicked.connect(self.dismissed)
        self.show_asking()

    def show_asking(self) -> None:
        self._say("Asking the hub…")
        self._offer("Cancel")

    def show_offer(self, offer: Offer) -> None:
        """What it would take; with several checkpoints in it, which."""
        self.choice.clear()
        for path, size in offer.choices:
            wanted = replace(parse_hub_name(self.name), file=path)
            self.choice.addItem(f"{path} · {readable_bytes(size)}", str(wanted))
        if offer.choices:
            self._show_only(self.choice)
            self._offer("Download")
            return
        self._say(said_of(offer))
        self._offer("Get it" if not offer.missing_bytes else f"Download {readable_bytes(offer.missing_bytes)}")

    def show_progress(self, fetching: Fetching) -> None:
        share = fetching.done / fetching.total if fetching.total else 0.0
        self.bar.setValue(round(1000 * share))
        self.bar.setFormat(progress_of(fetching))
        self.bar.setToolTip(fetching.file)
        self._done = f"{readable_bytes(fetching.done)} of {readable_bytes(fetching.total)}" if fetching.total else ""
        self._show_only(self.bar)
        self._offer("Cancel")

    def show_stopped(self) -> None:
        """The user stopped it."""
        self._say(f"Stopped at {self._done}. {KEPT}" if self._done else "Stopped.")
        self._offer("Resume" if self._done else "Try again")

    def show_failed(self, sentence: str) -> None:
        self._say(f"{sentence} {KEPT}" if self._done else sentence, bad=True)
        self._offer("Resume" if self._done else "Try again")

    def show_finished(self) -> None:
        self._say("It is here now.")
        self._offer("Use it")

    def _on_act(self) -> None:
        text = self.act.text()
        if text == "Cancel":
            self.cancel_asked.emit()
        elif text == "Use it":
            self.use_asked.emit()
        else:
            self.start_asked.emit(self.choice.currentData() if self.choice.isVisibleTo(self) else self.name)

    def _say(self, text: str, bad: bool = False) -> None:
        self.said.setText(text)
        self.said.setToolTip(text)
        self.said.setProperty("bad", bad)
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        self._show_only(self.said)

    def _show_only(self, shown: QWidget) -> None:
        for part in (self.said, self.choice, self.bar):
            part.setVisible(part is shown)

    def _offer(self, action: str) -> None:
        self.act.setText(action)
        self.close_button.setVisible(action != "Cancel")


def said_of(offer: Offer) -> str:
    """An offer in one line."""
    here = offer.size_bytes - offer.missing_bytes
    parts = [
        f"{readable_bytes(offer.size_bytes)}, of which {readable_bytes(here)} are here" if here else "",
        f"licence {offer.licence}" if offer.licence else "licence not said",
        "its makers want a token and their terms agreed to" if offer.gated else "",
    ]
    return " · ".join(part for part in parts if part)


def progress_of(fetching: Fetching) -> str:
    """How far it is, how fast, and how long it will take."""
    if fetching.stage != "fetching":
        return {"checking": "Checking…", "finishing": "Finishing…"}.get(fetching.stage, "Asking the hub…")
    parts = [f"{readable_bytes(fetching.done)} of {readable_bytes(fetching.total)}"]
    if fetching.speed > 0:
        parts.append(f"{readable_bytes(round(fetching.speed))}/s")
    if fetching.seconds_left is not None:
        parts.append(f"{readable_seconds(fetching.seconds_left)} left")
    return " · ".join(parts)
