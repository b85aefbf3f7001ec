"""The cancel token: one flag, set by the window, obeyed inside every sampling step."""

from __future__ import annotations

import threading


class Cancelled(Exception):
    """Raised inside a job whose token was set; never an error to show."""


class CancelToken:
    """A thread-safe flag that a job looks at often."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the token was set."""
        if self._event.is_set():
            raise Cancelled
