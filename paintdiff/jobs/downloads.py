"""Downloads from the hub as the window sees them: ask, start, cancel, and exactly one ending for each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.models.hub import Fetching, download, look_up
from paintdiff.models.preferences import hub_token

LOOK_MS = 100
FAULT = "Something went wrong inside PaintDiff, and the download was stopped. The log has the details."

log = logging.getLogger(__name__)


class DownloadThread(QThread):
    """One question or download. Signal, at its end: `ended(thread, object)` with the outcome, None if cancelled."""

    ended = Signal(object, object)

    def __init__(self, name: str, work: Callable[[DownloadThread], object], parent: QObject) -> None:
        super().__init__(parent)
        self.name, self.token, self._work = name, CancelToken(), work
        self.latest: Fetching | None = None  # written here, read by the window's thread

    def report(self, progress: Fetching) -> None:
        self.latest = progress

    def run(self) -> None:
        outcome: object
        try:
            outcome = self._work(self)
        except Cancelled:
            outcome = None
        except UserError as error:
            outcome = error
        except Exception as error:
            log.exception("Fetching %s failed", self.name)
            outcome = error
        self.ended.emit(self, outcome)


class Downloads(QObject):
    """What is being fetched, by the name that it is fetched under. Lives on the window's thread.

    `ask` ends in one of `offered`, `failed` and `cancelled`; `start` in one of `finished`, `failed` and `cancelled`.
    Several may run at once, one of each name. The user's token is taken from the settings as each begins.
    """

    offered = Signal(str, object)  # name, Offer
    progressed = Signal(str, object)  # name, Fetching; at most ten times a second
    finished = Signal(str, object)  # name, Path of the folder or file
    failed = Signal(str, str)  # name, a sentence
    cancelled = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open: dict[str, DownloadThread] = {}
        self._threads: set[DownloadThread] = set()
        self._shown: dict[str, Fetching] = {}
        self._token = ""
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._show_progress)

    @property
    def names(self) -> tuple[str, ...]:
        """What is under way."""
        return tuple(self._open)

    def use_token(self, token: str) -> None:
        """Use `token` for what begins from now on until the program ends; "" goes back to the one in the settings."""
        self._token = token.strip()

    def ask(self, name: str) -> None:
        """Ask the hub what fetching `name` would take; nothing happens if it is under way."""
        token = self._token or hub_token()
        self._begin(name, lambda thread: look_up(name, token, thread.token))

    def start(self, name: str) -> None:
        """Fetch `name` into the hub's cache; nothing happens if it is under way."""
        token = self._token or hub_token()
        self._begin(name, lambda thread: download(name, token, thread.report, thread.token))

    def cancel(self, name: str) -> None:
        """End it at once; what has arrived stays for the next time. Nothing happens if it has ended."""
        thread = self._open.get(name)
        if thread is not None:
            thread.token.cancel()
            self._close(thread)
            self.cancelled.emit(name)

    def stop(self, wait_ms: int) -> bool:
        """Cancel everything; False if something still runs after `wait_ms`."""
        for name in self.names:
            self.cancel(name)
        return all(thread.wait(wait_ms) for thread in list(self._threads))

    def _begin(self, name: str, work: Callable[[DownloadThread], object]) -> None:
        if name in self._open:
            return
        thread = DownloadThread(name, work, self)
        self._open[name] = thread
        self._threads.add(thread)
        thread.ended.connect(self._on_ended)
        self._look.start()
        thread.start()

    def _close(self, thread: DownloadThread) -> bool:
        """Take it off the books; False if it was off them before."""
        if self._open.get(thread.name) is not thread:
            return False
        del self._open[thread.name]
        self._shown.pop(thread.name, None)
        if not self._open:
            self._look.stop()
        return True

    def _on_ended(self, thread: DownloadThread, outcome: object) -> None:
        thread.wait()
        self._threads.discard(thread)
        thread.deleteLater()
        if not self._close(thread):
            return
        if outcome is None:
            self.cancelled.emit(thread.name)
        elif isinstance(outcome, Exception):
            self.failed.emit(thread.name, str(outcome) if isinstance(outcome, UserError) else FAULT)
        elif isinstance(outcome, Path):
            self.finished.emit(thread.name, outcome)
        else:
            self.offered.emit(thread.name, outcome)

    def _show_progress(self) -> None:
        for name, thread in list(self._open.items()):
            if thread.latest is not None and thread.latest is not self._shown.get(name):
                self._shown[name] = thread.latest
                self.progressed.emit(name, thread.latest)
