"""How long a fill takes: `python -m paintdiff.training.seconds MODEL DEVICE`, in a process that does nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import torch

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.training.figures import Figure, Part
from paintdiff.training.setting import Setting

SIDE = 256
TARGET, FAST_TARGET = 5.0, 1.5  # seconds
PROMPT = "a red apple"
SETTINGS = {
    "default": Sampling(prompt=PROMPT, candidates=1),
    "fast": Sampling(prompt=PROMPT, candidates=1, steps=8),
}
_TIMES = 3


def seconds(setting: Setting) -> Part:
    """Wall time of a prompted 256-pixel fill of a loaded model, the median of three after one that does not count.

    On a machine with more to do than it has cores, the time says nothing of the model, and no verdict is given.
    """
    command = [sys.executable, "-m", "paintdiff.training.seconds", setting.painter.model, setting.painter.device]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured = json.loads(answer.splitlines()[-1])
    load, cores = measured["load"], os.cpu_count() or 1
    figures = []
    for name, target in (("default", TARGET), ("fast", FAST_TARGET)):
        took, worked = measured[name]["seconds"], measured[name]["cpu_seconds"]
        figures.append(
            Figure(
                f"a {SIDE}-px fill, {name} settings", f"{took:.2f} s", f"at most {target} s",
                None if load > cores else took <= target,
                f"{SETTINGS[name].steps} steps, one picture on {measured['device']}, {measured['threads']} of {cores} "
                f"cores, {worked:.2f} s of them at work" + f"; busy, load {load:.0f}: measure again" * (load > cores),
            )
        )  # fmt: skip
    return Part("seconds", tuple(figures), "", measured)


def measure(model: str, device: str) -> dict[str, object]:
    """Seconds of wall and of CPU time for each of `SETTINGS`, and what the machine was like."""
    engine = DiffusionEngine()
    info = engine.load(model, device)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    figures: dict[str, object] = {"device": info.device, "threads": torch.get_num_threads(), "load": load}
    for name, sampling in SETTINGS.items():
        took = [_timed(engine, model, device, sampling) for _ in range(_TIMES + 1)][1:]
        wall, worked = np.median(took, axis=0)
        figures[name] = {"seconds": float(wall), "cpu_seconds": float(worked)}
    return figures


def _timed(engine: DiffusionEngine, model: str, device: str, sampling: Sampling) -> tuple[float, float]:
    frame = Rect(0, 0, SIDE, SIDE)
    picture = np.full((SIDE, SIDE, 4), (200, 215, 235, 255), np.uint8)
    change_map = np.zeros((SIDE, SIDE), np.uint8)
    change_map[64:192, 64:192] = 255
    request = Request("inpaint", frame, frame, picture, change_map, sampling, model, device)
    wall, worked = time.perf_counter(), time.process_time()
    engine.generate(request, lambda progress: None, CancelToken())
    return time.perf_counter() - wall, time.process_time() - worked


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3])))
