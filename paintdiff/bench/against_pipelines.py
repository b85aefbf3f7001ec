"""Our inpainting beside diffusers' on the same full-size weights: seconds and peak memory, as ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from paintdiff.bench.full_size import write_inpainting
from paintdiff.bench.measurement import Measurement
from paintdiff.models.fitting import gigabytes

WHOLE = 512
CARD = 2048  # pixels a side of the picture with a small mask
CPU = 1024  # the same on a CPU, where a pipeline that is given 2048 takes hours and all memory
STEPS = 2
CASES = {
    "whole": f"a whole frame of {WHOLE} pixels",
    "crop": "a mask of 200 pixels in a picture of {side}",
    "again": "the same mask again with a new seed",
    "cancel": "a cancel in the middle of a step",
}


def against_pipelines(steps: int = STEPS, folder: Path | None = None, side: int = 0) -> list[Measurement]:
    """Each case ours against theirs; `folder` is an inpainting checkpoint to take instead of one of full size."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = side or (CARD if device == "cuda" else CPU)
    with tempfile.TemporaryDirectory(prefix="paintdiff-bench-") as scratch:
        model = folder or write_inpainting(Path(scratch) / "model")
        found = {
            who: _run(who, "whole", model, device, steps, WHOLE) | _run(who, "crop", model, device, steps, side)
            for who in ("ours", "theirs")
        }
    ours, theirs = found["ours"], found["theirs"]
    measured = []
    for case, words in CASES.items():
        detail = f"{ours[case]:.2f} s against {theirs[case]:.2f} s; {steps} steps on {device}"
        what = f"time for {words.format(side=side)}, of that of diffusers' pipeline"
        measured.append(Measurement(what, ours[case] / theirs[case], "×", 1, detail))
    for case in ("whole", "crop"):
        mine, other = ours[f"peak {case}"], theirs[f"peak {case}"]
        detail = f"{gigabytes(round(mine))} against {gigabytes(round(other))}, each in a process of its own"
        what = f"peak memory for {CASES[case].format(side=side)}, of that of diffusers' pipeline"
        measured.append(Measurement(what, mine / other, "×", 1, detail))
    return measured


def _run(who: str, cases: str, model: Path, device: str, steps: int, side: int) -> dict[str, float]:
    """What a process of its own measures; both sides compute on as many threads."""
    print(f"  {who}: {CASES[cases].format(side=side)} ...", file=sys.stderr, flush=True)
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
    done = subprocess.run(
        [sys.executable, "-m", "paintdiff.bench.inpainting", who, cases, str(model), device, str(steps), str(side)],
        env=os.environ | {"OMP_NUM_THREADS": threads}, stdout=subprocess.PIPE, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    report: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {f"peak {cases}" if name == "peak" else name: value for name, value in report.items()}
