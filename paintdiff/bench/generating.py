"""Generating beside painting: how late the window's events come, what the loop costs, how fast a cancel is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer

from paintdiff.app import make_engine, start_application
from paintdiff.bench.measurement import Measurement, milliseconds, percentile
from paintdiff.document import change_map
from paintdiff.document.edits import picture_document
from paintdiff.document.requests import make_request
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.jobs.jobs import Jobs

PERIOD = 0.008  # 125 Hz
ROUNDS = 5


def sample_request(steps: int = 20, candidates: int = 1) -> Request:
    """A 256-px frame of a gradient with a box masked in its middle."""
    ramp = np.linspace(40, 220, 256, dtype=np.uint8)
    pixels = np.full((256, 256, 4), 255, np.uint8)
    pixels[..., 0], pixels[..., 2] = ramp[None, :], ramp[:, None]
    document = change_map.add(picture_document(pixels), np.full((96, 96), 255, np.uint8), 80, 80)
    sampling = Sampling(prompt="a red apple", steps=steps, candidates=candidates, seed=1)
    return make_request(document, "inpaint", sampling)


def responsiveness() -> list[Measurement]:
    """A tick is due every 8 ms on the window's thread; its lateness is what a pointer event would feel."""
    start_application([])
    jobs = Jobs(make_engine)
    _run(jobs, sample_request())
    idle = _lateness(lambda stop: QTimer.singleShot(2000, stop))

    def generate(stop: Callable[[], None]) -> None:
        jobs.finished.connect(lambda *_: stop())
        jobs.failed.connect(lambda *_: stop())
        jobs.submit(sample_request(steps=40, candidates=3))

    busy = _lateness(generate)
    jobs.stop(10_000)
    detail = (
        f"{len(busy)} ticks at 125 Hz, median {milliseconds(busy, 50):.2f} ms, worst {max(busy) * 1000:.1f} ms; "
        f"idle p95 {milliseconds(idle, 95):.2f} ms"
    )
    return [Measurement("event latency while generating, p95", milliseconds(busy, 95), "ms", 10, detail)]


def _lateness(begin: Callable[[Callable[[], None]], None]) -> list[float]:
    """Seconds between when each tick was due and when it was served; ticks that a stall swallowed count too."""
    loop = QEventLoop()
    late: list[float] = []
    due = time.perf_counter() + PERIOD

    def serve() -> None:
        nonlocal due
        now = time.perf_counter()
        while due <= now:
            late.append(now - due)
            due += PERIOD

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(serve)
    timer.start(1)
    begin(loop.quit)
    loop.exec()
    timer.stop()
    return late


def _run(jobs: Jobs, request: Request) -> None:
    """Wait for one whole job. Raises RuntimeError with the sentence of a failed one."""
    loop = QEventLoop()
    failures: list[str] = []

    def on_failed(failure: object) -> None:
        failures.append(str(failure))
        loop.quit()

    jobs.finished.connect(loop.quit)
    jobs.failed.connect(on_failed)
    jobs.submit(request)
    loop.exec()
    jobs.finished.disconnect(loop.quit)
    jobs.failed.disconnect(on_failed)
    if failures:
        raise RuntimeError(failures[0])


def loop_overhead() -> list[Measurement]:
    """Sampling time that is not spent inside the network's own forward passes, previews included."""
    engine = make_engine()
    request = sample_request()
    engine.generate(request, lambda _: None, CancelToken())
    shares, seconds = [], []
    for seed in range(ROUNDS):
        again = replace(request, sampling=replace(request.sampling, seed=seed))
        spent = engine.generate(again, lambda _: None, CancelToken()).report.seconds
        shares.append(100 * (spent["sampling"] - spent["network"]) / spent["sampling"])
        seconds.append(sum(spent.values()) - spent["network"])
    detail = f"median of {ROUNDS} fills; a whole 256-px fill of {request.sampling.steps} steps takes "
    detail += f"{percentile(seconds, 50):.2f} s"
    return [Measurement("inpaint loop outside the network's forward passes", percentile(shares, 50), "%", 3, detail)]


def cancelling() -> list[Measurement]:
    """From Cancel in the middle of a long run until the engine is free and the next job starts."""
    start_application([])
    jobs = Jobs(make_engine)
    _run(jobs, sample_request())
    waits = [_cancel_once(jobs) for _ in range(ROUNDS)]
    jobs.stop(10_000)
    detail = f"worst of {ROUNDS}, until the next job starts; median {percentile(waits, 50):.3f} s"
    return [Measurement("cancel", max(waits), "s", 1, detail)]


def _cancel_once(jobs: Jobs) -> float:
    loop = QEventLoop()
    long_job = jobs.submit(sample_request(steps=500))
    QTimer.singleShot(700, loop.quit)
    loop.exec()
    start = time.perf_counter()
    jobs.cancel(long_job)
    jobs.job_started.connect(loop.quit)
    following = jobs.submit(sample_request(steps=1))
    loop.exec()
    seconds = time.perf_counter() - start
    jobs.job_started.disconnect(loop.quit)
    ended = QEventLoop()
    jobs.finished.connect(ended.quit)
    ended.exec()
    jobs.finished.disconnect(ended.quit)
    assert following != long_job
    return seconds
