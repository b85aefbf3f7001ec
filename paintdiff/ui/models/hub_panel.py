"""Models from the hub: a field for a name, a token where one is needed, and a line for each download."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from paintdiff.generation.errors import UserError
from paintdiff.jobs.downloads import Downloads
from paintdiff.models.hub import Fetching, Offer
from paintdiff.models.hub_name import parse_hub_name
from paintdiff.models.preferences import hub_token, keep_hub_token
from paintdiff.ui import icons
from paintdiff.ui.models.download_row import DownloadRow
from paintdiff.ui.named import named

UNKEPT, KEPT = "hf_…, used until PaintDiff is closed", "One is kept on this machine"


class HubPanel(QWidget):
    """Asks `downloads` and shows how they go. Signals: `use_asked(str)` with the name of a model that is here now."""

    use_asked = Signal(str)

    def __init__(self, downloads: Downloads) -> None:
        super().__init__()
        self._downloads = downloads
        self._rows: dict[str, DownloadRow] = {}
        self.name = named(QLineEdit(), "hub_name", "A model on the hub, by name or by the address of its page")
        self.name.setPlaceholderText("owner/name, or the address of a model's page")
        self.name.setClearButtonEnabled(True)
        self.get = named(QPushButton("Get"), "hub_get", "Ask the hub what it is and how large; then download it")
        self.get.setIcon(icons.icon("download"))
        self.get.setAutoDefault(False)
        self.show_token = named(QToolButton(), "hub_token_button", "For models whose makers want to know who you are")
        self.show_token.setText("Token…")
        self.show_token.setCheckable(True)
        self.show_token.setProperty("flat", True)
        self.token = named(QLineEdit(), "hub_token", "The access token from your settings page on the hub")
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self._kept = bool(hub_token())
        self.token.setPlaceholderText(KEPT if self._kept else UNKEPT)
        self.remember = named(QCheckBox("Keep it on this machine"), "hub_remember")
        self.remember.setChecked(self._kept)
        self.remember.setToolTip("In PaintDiff's settings, in a file that only you can read.")
        self.problem = named(QLabel(wordWrap=True), "hub_problem")
        self.problem.setProperty("bad", True)
        self._lay_out()
        self._connect()
        self._show_token(False)
        self._say("")

    def _lay_out(self) -> None:
        self._lines = QVBoxLayout()
        self._lines.setSpacing(0)
        ask = QHBoxLayout()
        ask.setSpacing(8)
        label = QLabel("From the &hub")
        label.setBuddy(self.name)
        ask.addWidget(label)
        ask.addWidget(self.name, 1)
        ask.addWidget(self.get)
        ask.addWidget(self.show_token)
        self._token_line = QWidget()
        line = QHBoxLayout(self._token_line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(QLabel("Token"))
        line.addWidget(self.token, 1)
        line.addWidget(self.remember)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._lines)
        column.addLayout(ask)
        column.addWidget(self._token_line)
        column.addWidget(self.problem)

    def _connect(self) -> None:
        self.name.returnPressed.connect(self.ask)
        self.name.textChanged.connect(lambda: self._say(""))
        self.get.clicked.connect(self.ask)
        self.show_token.toggled.connect(self._show_token)
        self.token.editingFinished.connect(self._take_token)
        self.remember.toggled.connect(lambda _on: self._take_token())
        self._downloads.offered.connect(self._on_offered)
        self._downloads.progressed.connect(self._on_progressed)
        self._downloads.finished.connect(self._on_finished)
        self._downloads.failed.connect(self._on_failed)
        self._downloads.cancelled.connect(self._on_cancelled)

    def ask(self) -> None:
        """Ask the hub about the name in the field; what is wrong with it is said below."""
        if not self.name.text().strip():
            self._say("Type or paste the name of a model first, such as owner/name.")
            return
        try:
            name = str(parse_hub_name(self.name.text()))
        except UserError as error:
            self._say(str(error))
            return
        self._take_token()
        self.name.clear()
        self._row(name).show_asking()
        self._downloads.ask(name)

    def _row(self, name: str) -> DownloadRow:
        if name not in self._rows:
            row = self._rows[name] = DownloadRow(name)
            row.start_asked.connect(lambda wanted, name=name: self._start(name, wanted))
            row.cancel_asked.connect(lambda name=name: self._downloads.cancel(name))
            row.use_asked.connect(lambda name=name: self.use_asked.emit(name))
            row.dismissed.connect(lambda name=name: self._drop(name))
            self._lines.addWidget(row)
        return self._rows[name]

    def _start(self, name: str, wanted: str) -> None:
        if wanted != name:  # one checkpoint of several
            self._drop(name)
        self._row(wanted).show_progress(Fetching("asking"))
        self._downloads.start(wanted)

    def _drop(self, name: str) -> None:
        self._downloads.cancel(name)
        row = self._rows.pop(name, None)
        if row is not None:
            row.hide()
            row.deleteLater()

    def _take_token(self) -> None:
        """Use the token that was typed; keep it, or forget the one that was kept, as the user says."""
        token, keep = self.token.text().strip(), self.remember.isChecked()
        self._downloads.use_token(token)
        try:
            if token and keep:
                keep_hub_token(token)
            elif not keep and self._kept:
                keep_hub_token("")
        except UserError as error:
            self._say(str(error))
            return
        self._kept = keep and (self._kept or bool(token))
        self.token.setPlaceholderText(KEPT if self._kept else UNKEPT)

    def _show_token(self, shown: bool) -> None:
        self._token_line.setVisible(shown)
        if shown:
            self.token.setFocus()

    def _say(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _on_offered(self, name: str, offer: Offer) -> None:
        row = self._row(name)
        row.show_offer(offer)
        row.act.setFocus()
        if offer.gated and not self._kept and not self.token.text():
            self.show_token.setChecked(True)

    def _on_progressed(self, name: str, fetching: Fetching) -> None:
        self._row(name).show_progress(fetching)

    def _on_finished(self, name: str, _path: object) -> None:
        self._row(name).show_finished()

    def _on_failed(self, name: str, sentence: str) -> None:
        self._row(name).show_failed(sentence)
        if re.search(r"\btoken\b", sentence):
            self.show_token.setChecked(True)

    def _on_cancelled(self, name: str) -> None:
        if name in self._rows:
            self._rows[name].show_stopped()
