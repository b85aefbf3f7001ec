"""Progress of a run or a download on stderr."""

from __future__ import annotations

import sys
import time

from paintdiff.generation.result import Progress


class ProgressBar:
    """A bar on a terminal, elsewhere one line for each quarter of the way."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._start = time.perf_counter()
        self._quarter = 0
        self._open = False

    def show(self, progress: Progress) -> None:
        if progress.stage == "compiling":
            print("paintdiff: compiling the network, once; this takes a minute", file=sys.stderr)
        if progress.stage not in ("sampling", "measuring") or progress.step == 0:
            return
        part = progress.step / progress.steps
        left = (time.perf_counter() - self._start) * (1 / part - 1)
        done = f"{part:.0%}" if progress.stage == "measuring" else f"step {progress.step}/{progress.steps}"
        self.draw(part, f"{done}, {left:.0f} s left")

    def draw(self, part: float, text: str) -> None:
        """Show that `part` of the way, 0 to 1, lies behind, and `text` beside it."""
        if self._terminal:
            self._open = True
            print(f"\r[{'█' * round(30 * part):<30}] {text}\033[K", end="", file=sys.stderr, flush=True)
        elif int(4 * part) > self._quarter:
            self._quarter = int(4 * part)
            print(f"paintdiff: {text}", file=sys.stderr)

    def close(self) -> None:
        if self._open:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
