"""Our inpainting beside diffusers' on the same full-size weights: seconds and peak memory, as ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from paintdiff.bench.inpainting import MASK
from paintdiff.bench.measurement import Measurement
from paintdiff.engine.hardware.device import find_device
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTO
from paintdiff.models.fitting import gigabytes

SIDES = ("ours", "theirs")
STEPS = 20
CASES = {
    "load": "until a model is loaded, before {}", "first": "for {}", "again": "for {}, again with a new seed",
    "cancel": "for a cancel in the middle of a step of {}",
}  # fmt: skip
# Ctrl-C ends what runs beside us at once and without a word; we have the say.
QUIETLY = "import runpy, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); runpy.run_module({!r}, None, '__main__')"


@dataclass(frozen=True)
class Setting:
    """What both sides paint in a process of their own: a square of `MASK` pixels in a picture of `side`, once more
    with a new seed if `again`, and once cancelled if `cancel`."""

    words: str
    side: int
    steps: int
    again: bool = False
    cancel: bool = False


def settings_on(device: str) -> tuple[Setting, ...]:
    """On a CPU a step of a pipeline that is given 2048² takes ten minutes, so there is one, and none is cancelled."""
    cpu = device == "cpu"
    return (
        Setting("a whole frame of 512²", 512, 2 if cpu else STEPS, again=True, cancel=True),
        Setting(f"a mask of {MASK}² in a picture of 2048²", 2048, 1 if cpu else STEPS, again=not cpu),
    )


def against_pipelines(folder: Path | None = None, settings: tuple[Setting, ...] | None = None) -> list[Measurement]:
    """Each case ours against theirs; `folder` is an inpainting checkpoint to take instead of one of full size.

    Raises `UserError` when a side fails.
    """
    device = find_device(AUTO).type
    settings = settings_on(device) if settings is None else settings
    with tempfile.TemporaryDirectory(prefix="paintdiff-bench-") as scratch:
        model = folder or Path(scratch) / "model"
        if folder is None:
            print("  writing a model with random weights, 2 GB ...", file=sys.stderr, flush=True)
            _python("paintdiff.bench.full_size", str(model))
        return [each for setting in settings for each in _compared(setting, model, device)]


def _compared(setting: Setting, model: Path, device: str) -> list[Measurement]:
    found = []
    for who in SIDES:
        print(f"  {who}: {setting.words}, {_steps(setting)} on {device} ...", file=sys.stderr, flush=True)
        flags = [name for name, wanted in (("--again", setting.again), ("--cancel", setting.cancel)) if wanted]
        numbers = [str(setting.side), str(setting.steps)]
        found.append(json.loads(_python("paintdiff.bench.inpainting", who, str(model), device, *numbers, *flags)))
    ours, theirs = found
    measured = []
    for name, words in CASES.items():
        if name in ours:
            detail = f"{ours[name]:.1f} s against {theirs[name]:.1f} s, {_steps(setting)} on {_words(device)}"
            measured.append(
                Measurement(f"time {words.format(setting.words)}", ours[name] / theirs[name], "× diffusers", 1, detail)
            )
    peaks = [round(each["peak"]) for each in found]
    detail = f"{gigabytes(peaks[0])} against {gigabytes(peaks[1])}, each in a process of its own"
    return [*measured, Measurement(f"peak memory for {setting.words}", peaks[0] / peaks[1], "× diffusers", 1, detail)]


def _steps(setting: Setting) -> str:
    return f"{setting.steps} step{'s' * (setting.steps > 1)}"


def _words(device: str) -> str:
    return f"{_threads()} CPU core(s), counted as they compute" if device == "cpu" else device


def _threads() -> str:
    """As many for both sides; half of the logical cores, which is about the physical ones, where nothing is said."""
    return os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))


def _python(module: str, *arguments: str) -> str:
    """The last line that `module` prints, run in a process of its own. Raises `UserError` where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", QUIETLY.format(module), *arguments], env=os.environ | {"OMP_NUM_THREADS": _threads()},
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    if done.returncode:
        raise UserError(
            f"The comparison with diffusers broke off at {' '.join((module.split('.')[-1], *arguments))}"
            f"{' (it was killed: perhaps for want of memory)' if done.returncode < 0 else ''}."
        )
    return (done.stdout.splitlines() or [""])[-1]
