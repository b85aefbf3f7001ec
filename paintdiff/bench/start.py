"""How long from process start until the window, and the picture in it, are on the screen, beside a bare window."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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
from paintdiff.__main__ import load_window
load_window()
from paintdiff.app import AfterFirstPaint, open_window, start_application
application = start_application([])
window = open_window(None)
AfterFirstPaint(window, lambda: print("shown", flush=True))
while not window.canvas.isVisible():
    application.processEvents()
application.processEvents()
print("picture", flush=True)
"""


def start_up() -> list[Measurement]:
    """Both in turn, each in a process of its own; the first of each only warms the disk cache and Python's."""
    bare, shown, pictured = [], [], []
    with tempfile.TemporaryDirectory() as bytecode:
        # Everything compiled once, as after an installation, whatever the environment says about bytecode.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(ROUNDS + 1):
            bare += _seconds_until(["shown"], BARE, environment)
            window, picture = _seconds_until(["shown", "picture"], OURS, environment)
            shown.append(window)
            pictured.append(picture)
    base = percentile(bare[1:], 50)
    return [
        _compared("process start to window shown, warm", shown[1:], base),
        _compared("process start to picture on the screen, warm", pictured[1:], base),
    ]


def _compared(what: str, seconds: list[float], bare: float) -> Measurement:
    ours = percentile(seconds, 50)
    detail = f"{ours:.2f} s beside {bare:.2f} s for a bare PySide6 window, medians of {ROUNDS}"
    return Measurement(what, ours / bare, "× bare", 2, detail)


def _seconds_until(words: list[str], code: str, environment: dict[str, str]) -> list[float]:
    """When a Python process that runs `code` prints each of `words`, in seconds from its start."""
    start = time.perf_counter()
    seconds = []
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for word in words:
            if process.stdout.readline().strip() != word:
                raise RuntimeError("the window did not open; run `python main.py` to see why")
            seconds.append(time.perf_counter() - start)
        process.kill()
    return seconds
