"""One question that takes a moment, asked on a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QThread, Signal

log = logging.getLogger(__name__)


class Question(QThread):
    """Calls `ask` when it is started. Signal: `answered(object)`; there is none where asking failed."""

    answered = Signal(object)

    def __init__(self, ask: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ask = ask

    def run(self) -> None:
        try:
            answer = self._ask()
        except Exception:
            log.exception("A question was not answered")
            return
        self.answered.emit(answer)
