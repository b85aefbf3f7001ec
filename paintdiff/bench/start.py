"""How long from process start until the window is on the screen, beside a bare PySide6 window."""

from __future__ import annotations

import subprocess
import sys
import time

from paintdiff.bench.measurement import Measurement, percentile

ROUNDS = 7

BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
window = QMainWindow()
window.resize(1280, 720)
window.show()
while not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
print("shown", flush=True)
"""

OURS = """
from paintdiff.app import open_window, start_application
application = start_application([])
window = open_window(None)
while not window.windowHandle().isExposed():
    application.processEvents()
application.processEvents()
print("shown", flush=True)
"""


def start_up() -> list[Measurement]:
    """Both in turn, each in a process of its own; the first of each only warms the disk cache."""
    bare, ours = [], []
    for _ in range(ROUNDS + 1):
        bare.append(_seconds_until_shown(BARE))
        ours.append(_seconds_until_shown(OURS))
    bare_median, our_median = percentile(bare[1:], 50), percentile(ours[1:], 50)
    detail = f"{our_median:.2f} s beside {bare_median:.2f} s for a bare PySide6 window, medians of {ROUNDS}"
    return [Measurement("process start to window shown, warm", our_median / bare_median, "× bare", 2, detail)]


def _seconds_until_shown(code: str) -> float:
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        process.kill()
    if line.strip() != "shown":
        raise RuntimeError("the window did not open; run `python main.py` to see why")
    return seconds
