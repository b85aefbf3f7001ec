"""How much memory a model could have on this machine, found out without torch: before anything is loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from paintdiff.models.fitting import free_main_memory

MIB = 2**20
OURSELVES = 700 * MIB  # what the program takes without a model
PATIENCE_S = 10.0
DRM = Path("/sys/class/drm")


@dataclass(frozen=True)
class Machine:
    """Bytes that would be free with no model of ours loaded: of main memory, and of the graphics card called `card`,
    "" for none that we can ask. `shared`: the card computes in main memory."""

    main: int
    card: str = ""
    graphics: int = 0
    shared: bool = False


def measure_machine() -> Machine:
    """Ask the system; takes up to seconds, so not on the window's thread."""
    main = free_main_memory() + max(0, psutil.Process().memory_info().rss - OURSELVES)
    if sys.platform == "darwin" and os.uname().machine == "arm64":
        return Machine(main, "Apple GPU", main, shared=True)
    name, free = max((_nvidia(), _amd()), key=lambda found: found[1])
    return Machine(main, name, free)


def _nvidia() -> tuple[str, int]:
    """The name of the first card and its free bytes, counting as free what this process holds of it."""
    lines = _answer("--query-gpu=name,memory.free")
    if not lines or lines[0].count(",") != 1:
        return "", 0
    name, free = lines[0].split(",")
    held = sum(_mebibytes(line.split(",")[1]) for line in _answer("--query-compute-apps=pid,used_memory")
               if line.split(",")[0].strip() == str(os.getpid()) and line.count(",") == 1)  # fmt: skip
    return name.strip(), (_mebibytes(free) + held) * MIB


def _answer(question: str) -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, question, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=PATIENCE_S,
            check=True,
        )  # fmt: skip
        return done.stdout.strip().splitlines()
    return []


def _amd() -> tuple[str, int]:
    """The same of the AMD card with the most memory, from what its Linux driver tells."""
    found = [("", 0)]
    for device in DRM.glob("card*/device"):
        with suppress(OSError, ValueError):
            total, used = (int((device / f"mem_info_vram_{which}").read_text()) for which in ("total", "used"))
            found.append(("AMD GPU", total - used))
    return max(found, key=lambda each: each[1])


def _mebibytes(text: str) -> int:
    return int(text) if text.strip().isdigit() else 0
