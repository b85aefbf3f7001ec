"""Jobs as the window sees them: submit, cancel, and exactly one ending for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from paintdiff.generation.engine import Engine
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.request import Request
from paintdiff.generation.result import Progress
from paintdiff.jobs.engine_thread import EngineThread, Job, WarmUp
from paintdiff.jobs.outcome import Failure
from paintdiff.jobs.work import Generation, Measurement, Work

PROGRESS_INTERVAL_MS = 40


class Jobs(QObject):
    """The queue of generations and measurements. Lives on the window's thread; the work happens on an `EngineThread`.

    Every job ends in exactly one of `finished` (a generation), `measured`, `failed` and `cancelled`. Cancelling ends a
    job at once; what the engine still delivers for it is dropped. Progress is looked at every 40 ms, so that the newest
    wins and a fast engine cannot flood the window.
    """

    job_started = Signal(int)
    model_loaded = Signal(object, str)  # ModelInfo, the model as it was asked for
    warm_up_failed = Signal(str, str)  # the model as it was asked for, why in a sentence
    progressed = Signal(int, object)  # job, Progress
    finished = Signal(int, object)  # job, Result
    measured = Signal(int, object)  # job, tuple of a Likelihood for each patch
    failed = Signal(object)  # Failure
    cancelled = Signal(int)

    def __init__(self, make_engine: Callable[[], Engine], parent: QObject | None = None) -> None:
        """`make_engine` is called on the engine's thread, when the first job or warm-up needs it."""
        super().__init__(parent)
        self._open: dict[int, Job] = {}
        self._running: Job | None = None
        self._warm_up: WarmUp | None = None
        self._shown: Progress | None = None
        self._count = 0
        self._thread = EngineThread(make_engine)
        self._thread.job_started.connect(self._on_started)
        self._thread.model_loaded.connect(self.model_loaded)
        self._thread.warm_up_failed.connect(self.warm_up_failed)
        self._thread.job_finished.connect(self._on_finished)
        self._thread.job_failed.connect(self._on_failed)
        self._thread.job_cancelled.connect(self._on_cancelled)
        self._look = QTimer(self, interval=PROGRESS_INTERVAL_MS)
        self._look.timeout.connect(self._show_progress)

    @property
    def running(self) -> int | None:
        """The job that the engine works on, unless it was cancelled."""
        return None if self._running is None else self._running.number

    @property
    def waiting(self) -> int:
        """How many jobs stand in the queue behind the running one."""
        return len(self._open) - (self._running is not None)

    def submit(self, request: Request) -> int:
        """Queue the generation of `request`; returns the number by which every signal names its job."""
        return self._queue(Generation(request))

    def measure(self, request: Request, patches: tuple[np.ndarray, ...]) -> int:
        """Queue the question how likely each of `patches`, (h, w, 4) uint8 over its frame, is; returns the number."""
        return self._queue(Measurement(request, patches))

    def _queue(self, work: Work) -> int:
        self._count += 1
        job = Job(self._count, work)
        self._open[job.number] = job
        self._put(job)
        return job.number

    def warm_up(self, model: str, device: str, placing: Placing = AUTOMATIC) -> None:
        """Load a model in the background, behind the jobs in the queue; one that was asked for before, and has not
        begun, is not loaded any more. Ends in `model_loaded` or `warm_up_failed`."""
        if self._warm_up is not None:
            self._warm_up.token.cancel()
        self._warm_up = WarmUp(model, device, placing)
        self._put(self._warm_up)

    def cancel(self, number: int) -> None:
        """End a job at once, wherever it stands; nothing happens if it has ended."""
        job = self._open.get(number)
        if job is not None:
            job.token.cancel()
            self._end(job)
            self.cancelled.emit(number)

    def cancel_all(self) -> None:
        for number in reversed(list(self._open)):
            self.cancel(number)

    def stop(self, wait_ms: int) -> bool:
        """Cancel everything and end the thread; False if it still works on something after `wait_ms`."""
        self.cancel_all()
        if self._warm_up is not None:
            self._warm_up.token.cancel()
        self._thread.tasks.put(None)
        return self._thread.wait(wait_ms)

    def _put(self, task: Job | WarmUp) -> None:
        self._thread.tasks.put(task)
        if not self._thread.isRunning():
            self._thread.start()

    def _end(self, job: Job) -> bool:
        """Take `job` off the books; False if it was off them before."""
        if self._running is job:
            self._running = self._shown = None
            self._look.stop()
        return self._open.pop(job.number, None) is not None

    def _on_started(self, job: Job) -> None:
        if job.number in self._open:
            self._running = job
            self._look.start()
            self.job_started.emit(job.number)

    def _on_finished(self, job: Job, result: object) -> None:
        if self._end(job):
            (self.measured if isinstance(job.work, Measurement) else self.finished).emit(job.number, result)

    def _on_failed(self, job: Job, failure: Failure) -> None:
        if self._end(job):
            self.failed.emit(failure)

    def _on_cancelled(self, job: Job) -> None:
        if self._end(job):
            self.cancelled.emit(job.number)

    def _show_progress(self) -> None:
        job = self._running
        if job is not None and job.latest is not None and job.latest is not self._shown:
            self._shown = job.latest
            self.progressed.emit(job.number, job.latest)
