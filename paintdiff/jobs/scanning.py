"""Looks for models on a thread of its own, so that rows arrive while the window stays awake."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from paintdiff.generation.model_card import ModelCard

BATCH_SECONDS = 0.05
Scan = Callable[[Sequence[Path]], Iterable[ModelCard]]

log = logging.getLogger(__name__)


class ScanThread(QThread):
    """One look through `folders`. Signals: `found(thread, list)` of cards, at most twenty times a second, and at the
    end `ended(thread)`."""

    found = Signal(object, list)
    ended = Signal(object)

    def __init__(self, scan: Scan, folders: Sequence[Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scan, self._folders = scan, tuple(folders)

    def run(self) -> None:
        try:
            self._look()
        except Exception:
            log.exception("Looking for models ended early")  # what was found until then is as good as ever
        self.ended.emit(self)

    def _look(self) -> None:
        batch: list[ModelCard] = []
        told = time.monotonic()
        try:
            for card in self._scan(self._folders):
                if self.isInterruptionRequested():
                    return
                batch.append(card)
                if time.monotonic() - told >= BATCH_SECONDS:
                    self.found.emit(self, batch)
                    batch, told = [], time.monotonic()
        finally:
            self.found.emit(self, batch)


class Scanning(QObject):
    """Looks through folders, one look at a time. Signals: `found(list)` of cards, `finished()` at the end of a look
    that no newer one cut short."""

    found = Signal(list)
    finished = Signal()

    def __init__(self, scan: Scan, parent: QObject | None = None) -> None:
        """`scan` is called on another thread."""
        super().__init__(parent)
        self._scan = scan
        self._threads: list[ScanThread] = []
        self._current: ScanThread | None = None

    @property
    def busy(self) -> bool:
        return self._current is not None

    def start(self, folders: Sequence[Path]) -> None:
        """Look through `folders`; a look under way is given up."""
        if self._current is not None:
            self._current.requestInterruption()
        thread = self._current = ScanThread(self._scan, folders, self)
        self._threads.append(thread)
        thread.found.connect(self._on_found)
        thread.ended.connect(self._on_ended)
        thread.start(QThread.Priority.LowPriority)

    def stop(self, wait_ms: int) -> bool:
        """Give up; False if a look is still stuck in the file system after `wait_ms`."""
        self._current = None
        for thread in self._threads:
            thread.requestInterruption()
        return all(thread.wait(wait_ms) for thread in self._threads)

    def _on_found(self, thread: ScanThread, cards: list[ModelCard]) -> None:
        if thread is self._current:
            self.found.emit(cards)

    def _on_ended(self, thread: ScanThread) -> None:
        thread.wait()
        self._threads.remove(thread)
        thread.deleteLater()
        if thread is self._current:
            self._current = None
            self.finished.emit()
