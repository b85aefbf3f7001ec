"""How a job can end badly, as plain data for the window."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why job `job` failed.

    `message` is for the screen. `details` is the traceback of a fault of ours, or "" where the user can mend it.
    """

    job: int
    message: str
    details: str = ""
