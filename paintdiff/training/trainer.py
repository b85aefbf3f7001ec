"""The training loop: one code path for CPU and GPU, stoppable and resumable at any step."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from paintdiff.training import checkpoint
from paintdiff.training.batches import stream
from paintdiff.training.checkpoint import Run
from paintdiff.training.diffusion import Batch, draw_times, noised, task_weight, velocity_loss

_WARM_UP = 200
_AVERAGE = 0.999
_TIME_BUCKETS = 5

# (run, batch, seed, rate) -> times and losses, (N,) each
Step = Callable[[Run, Any, int, float], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how: minutes of wall time, or exact steps when `steps` is given; rates; how often to write.

    Over the last `cool_down` (0..1) of the run the learning rate falls linearly to zero.
    """

    minutes: float
    steps: int | None = None
    learning_rate: float = 4e-4
    seed: int = 1
    workers: int = 1
    cool_down: float = 0.0
    save_every_minutes: float = 4
    sheet_every_minutes: float = 20

    def progress(self, seconds: float, steps: int) -> float:
        """How much of the run is done, 0 to 1, after so much time and so many steps of it."""
        return seconds / max(60 * self.minutes, 1e-9) if self.steps is None else steps / self.steps


def train(
    run: Run, batches: Dataset, plan: TrainingPlan, folder: Path, sheet: Callable[[Run], None], step: Step | None = None
) -> None:
    """Train in place until the time is over or SIGTERM arrives; checkpoints, log and sheets go to `folder`.

    `step` is what a batch is for, `train_step` unless another is given.
    """
    step = step or train_step
    stop = _StopSignal()
    log = _Log(folder / "log.jsonl")
    started = saved = drawn = time.monotonic()
    first = run.step
    for batch in stream(batches, plan.workers):
        left = 1 - plan.progress(time.monotonic() - started, run.step - first)
        rate = plan.learning_rate * min(1.0, left / max(plan.cool_down, 1e-9))
        log.add(run, *step(run, batch, plan.seed, rate))
        now = time.monotonic()
        over = plan.progress(now - started, run.step - first) >= 1
        if stop.asked or over or now - saved > 60 * plan.save_every_minutes:
            checkpoint.save(run, folder / "checkpoint.safetensors")
            saved = now
        if stop.asked or over:
            return
        if now - drawn > 60 * plan.sheet_every_minutes:
            sheet(run)
            drawn = now


def train_step(run: Run, batch: Batch, seed: int, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of AdamW at the learning rate, and of the moving average; returns times and losses, (N,) each."""
    device = next(run.network.parameters()).device
    generator = torch.Generator().manual_seed(seed * 1_000_003 + run.step)
    count = len(batch.x0)
    t = draw_times(count, generator, batch.x0.shape[-1]).to(device)
    eps = torch.randn(batch.x0.shape, generator=generator).to(device)
    batch = batch.to(device)
    set_rate(run, rate)
    with torch.autocast(device.type, torch.bfloat16):
        text = run.network.encode_text(batch.tokens)
        x_t = noised(batch.x0, eps, t)
        x0_hat = run.network(x_t, t, batch.mask, batch.known, text, batch.tokens != 0, batch.reference)
    losses = velocity_loss(x0_hat, batch, t)
    run.optimizer.zero_grad()
    (losses * task_weight(batch)).mean().backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
    run.optimizer.step()
    average_step(run, count)
    return t.detach(), losses.detach()


def set_rate(run: Run, rate: float) -> None:
    """The learning rate of the next step, warmed up."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate * min(1.0, (run.step + 1) / _WARM_UP)


def average_step(run: Run, count: int) -> None:
    """Count a step of `count` samples and draw the moving average after it."""
    run.step += 1
    run.samples += count
    decay = min(_AVERAGE, (1 + run.step) / (10 + run.step))
    torch._foreach_lerp_(list(run.average.parameters()), list(run.network.parameters()), 1 - decay)


class _StopSignal:
    """Remembers that SIGTERM or SIGINT arrived, so that the loop ends after its step with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.asked = True


class _Log:
    """A JSON line every 100 steps: loss overall and by fifths of time, samples a second."""

    def __init__(self, path: Path, every: int = 100) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.every = path, every
        self._start()

    def _start(self) -> None:
        self.since, self.seen = time.monotonic(), 0
        self.sums, self.counts = torch.zeros(_TIME_BUCKETS), torch.zeros(_TIME_BUCKETS)

    def add(self, run: Run, t: torch.Tensor, losses: torch.Tensor) -> None:
        bucket = (t.cpu() * _TIME_BUCKETS).long().clamp(max=_TIME_BUCKETS - 1)
        self.sums.index_add_(0, bucket, losses.cpu())
        self.counts.index_add_(0, bucket, torch.ones(len(t)))
        self.seen += len(t)
        if run.step % self.every:
            return
        means = (self.sums / self.counts.clamp(min=1)).tolist()
        line = {
            "step": run.step,
            "samples": run.samples,
            "loss": round((self.sums.sum() / self.counts.sum()).item(), 4),
            "by_time": [round(value, 4) for value in means],
            "samples_per_second": round(self.seen / (time.monotonic() - self.since), 1),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._start()
