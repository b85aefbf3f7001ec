"""One process of the comparison with pipelines: our engine or diffusers' inpaint pipeline on the same weights.

Prints one JSON object: seconds by case, and the peak of memory in bytes after the first picture.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image

from paintdiff.document import change_map
from paintdiff.document.edits import picture_document
from paintdiff.document.requests import make_request
from paintdiff.engine.checkpoints.checkpoint import prepare_libraries
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.placing import ALL, Placing
from paintdiff.generation.sampling import Sampling

PROMPT, GUIDANCE = "a red apple on a table", 7.5
MASK = 200  # pixels a side
PLACING = Placing(ALL, "bfloat16")


class Ours:
    """Our engine."""

    def __init__(self, folder: str, device: str, steps: int) -> None:
        self._engine, self._folder, self._device, self._steps = DiffusionEngine(), folder, device, steps
        self._side = self._engine.load(folder, device, PLACING).size

    def paint(self, side: int, seed: int, cancel: CancelToken | None = None) -> None:
        """Repaint the mask in a picture of `side` pixels."""
        pixels = np.dstack([picture(side), np.full((side, side), 255, np.uint8)])
        start = (side - MASK) // 2
        document = change_map.add(picture_document(pixels), np.full((MASK, MASK), 255, np.uint8), start, start)
        sampling = Sampling(
            prompt=PROMPT, guidance=GUIDANCE, steps=self._steps, sampler="ddim", seed=seed, candidates=1
        )
        request = make_request(
            document, "inpaint", sampling, model=self._folder, device=self._device, size=self._side, placing=PLACING
        )
        self._engine.generate(request, lambda progress: None, cancel or CancelToken())

    def cancelled(self, side: int, clock: Callable[[], float]) -> float:
        """Seconds from a cancel in the middle of the first step until the engine is free."""
        token, asked = CancelToken(), []

        def stop(*_: Any) -> None:
            asked.append(clock())
            token.cancel()

        assert self._engine._model is not None
        assert self._engine._model.parts is not None
        hook = self._engine._model.parts.denoiser.mid_block.register_forward_hook(stop)
        with suppress(Cancelled):
            self.paint(side, 0, token)
        hook.remove()
        return clock() - asked[0]


class Theirs:
    """StableDiffusionInpaintPipeline, as its documentation calls it."""

    def __init__(self, folder: str, device: str, steps: int) -> None:
        prepare_libraries()
        from diffusers import StableDiffusionInpaintPipeline

        self._pipeline = StableDiffusionInpaintPipeline.from_pretrained(
            folder, dtype=torch.bfloat16, safety_checker=None, use_safetensors=True, local_files_only=True
        ).to(device)
        self._pipeline.set_progress_bar_config(disable=True)
        self._steps = steps

    def paint(self, side: int, seed: int) -> None:
        """Repaint the mask in a picture of `side` pixels."""
        mask = np.zeros((side, side), np.uint8)
        start = (side - MASK) // 2
        mask[start : start + MASK, start : start + MASK] = 255
        self._pipeline(
            PROMPT, image=Image.fromarray(picture(side)), mask_image=Image.fromarray(mask), height=side, width=side,
            num_inference_steps=self._steps, guidance_scale=GUIDANCE, strength=1.0,
            generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip

    def cancelled(self, side: int, clock: Callable[[], float]) -> float:
        """Seconds from its interrupt, set in the middle of the first step, until the call returns."""
        asked: list[float] = []

        def stop(*_: Any) -> None:
            asked.append(clock())
            self._pipeline._interrupt = True

        hook = self._pipeline.unet.mid_block.register_forward_hook(stop)
        self.paint(side, 0)
        hook.remove()
        return clock() - asked[0]


def picture(side: int) -> np.ndarray:
    """(side, side, 3) uint8: a gradient with some noise."""
    ramp = np.linspace(40, 220, side)
    pixels = np.dstack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side)), np.full((side, side), 90.0)])
    return (pixels + np.random.default_rng(0).normal(0, 8, pixels.shape)).clip(0, 255).astype(np.uint8)


def make_clock(device: str) -> Callable[[], float]:
    """Seconds: on a CPU those that this process computed, which other programs do not lengthen."""
    if device == "cpu":
        return time.process_time

    def clock() -> float:
        torch.accelerator.synchronize()
        return time.perf_counter()

    return clock


def peak(device: str) -> int:
    """The most bytes that this process has held so far: of the device's memory, where torch tells, else of main memory.

    Main memory is what the system counts, with what files are mapped of which something was read.
    """
    if device in ("cuda", "xpu"):
        return torch.get_device_module(device).max_memory_allocated()
    if sys.platform == "linux":
        # Of this program alone. getrusage also counts what ran in the process before, up to its start.
        status = Path("/proc/self/status").read_text().split()
        return int(status[status.index("VmHWM:") + 1]) * 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on a Mac


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=("ours", "theirs"))
    for name in ("folder", "device"):
        parser.add_argument(name)
    for name in ("side", "steps"):
        parser.add_argument(name, type=int)
    for name in ("--again", "--cancel"):
        parser.add_argument(name, action="store_true")
    options = parser.parse_args()
    clock, began = make_clock(options.device), time.perf_counter()
    report: dict[str, float] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = clock()
        work()
        report[name] = clock() - start
        print(
            f"    {name}: {report[name]:.1f} s, after {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True
        )

    with torch.no_grad():
        start = clock()
        painter = (Ours if options.who == "ours" else Theirs)(options.folder, options.device, options.steps)
        report["load"] = clock() - start
        timed("first", lambda: painter.paint(options.side, 1))
        report["peak"] = peak(options.device)
        if options.again:
            timed("again", lambda: painter.paint(options.side, 2))
        if options.cancel:
            report["cancel"] = painter.cancelled(options.side, clock)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
