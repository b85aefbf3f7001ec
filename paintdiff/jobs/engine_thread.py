"""The thread that owns the engine: it alone imports, loads and runs a model."""

from __future__ import annotations

import gc
import logging
import queue
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QThread, Signal

from paintdiff.generation.cancel import Cancelled, CancelToken
from paintdiff.generation.engine import Engine
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.result import Progress
from paintdiff.jobs.outcome import Failure
from paintdiff.jobs.work import Work

log = logging.getLogger(__name__)

FAULT = "Something went wrong inside PaintDiff, and what was under way was stopped. The log has the details."
NOT_OPENED = "Something went wrong inside PaintDiff while the model was opened. The log has the details."


@dataclass(eq=False)
class Job:
    """Work in the queue. `latest` is the newest progress: written by the engine's thread, read by the window's."""

    number: int
    work: Work
    token: CancelToken = field(default_factory=CancelToken)
    latest: Progress | None = None


@dataclass(frozen=True)
class WarmUp:
    """Load a model ahead of the first request, so that the first Generate does not wait for it; unless cancelled."""

    model: str
    device: str
    placing: Placing = AUTOMATIC
    token: CancelToken = field(default_factory=CancelToken)


class EngineThread(QThread):
    """Takes tasks in order until it gets None.

    Signals: `job_started(Job)`, `model_loaded(ModelInfo, str)` with what was asked for, `warm_up_failed(str, str)` with
    the model and why, and for each job one of `job_finished(Job, object)` with what its work came to,
    `job_failed(Job, Failure)`, `job_cancelled(Job)`.
    """

    job_started = Signal(object)
    model_loaded = Signal(object, str)
    warm_up_failed = Signal(str, str)
    job_finished = Signal(object, object)
    job_failed = Signal(object, object)
    job_cancelled = Signal(object)

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        super().__init__()
        self.tasks: queue.SimpleQueue[Job | WarmUp | None] = queue.SimpleQueue()
        self._make_engine = make_engine
        self._engine: Engine | None = None

    def run(self) -> None:
        while (task := self.tasks.get()) is not None:
            if isinstance(task, WarmUp):
                self._warm_up(task)
            else:
                self._run_job(task)
        self._engine = None

    def _warm_up(self, task: WarmUp) -> None:
        if task.token.cancelled:
            return
        try:
            self._load(task.model, task.device, task.placing)
        except Exception as error:
            log.warning("Warming up %s failed", task.model, exc_info=True)
            self.warm_up_failed.emit(task.model, str(error) if isinstance(error, UserError) else NOT_OPENED)

    def _run_job(self, job: Job) -> None:
        """The one broad catch of the program: whatever an engine raises becomes one ending of the job."""
        self.job_started.emit(job)
        try:
            job.token.check()
            job.latest, asked = Progress("loading"), job.work.request
            engine = self._load(asked.model, asked.device, asked.placing)
            job.token.check()
            result = job.work.run(engine, lambda progress: self._report(job, progress), job.token)
        except Cancelled:
            self.job_cancelled.emit(job)
        except UserError as error:
            log.info("Job %d: %s", job.number, error)
            self.job_failed.emit(job, Failure(job.number, str(error)))
        except Exception:
            log.exception("Job %d failed", job.number)
            self.job_failed.emit(job, Failure(job.number, FAULT, traceback.format_exc()))
        else:
            self.job_finished.emit(job, result)

    def _report(self, job: Job, progress: Progress) -> None:
        before = job.latest
        if progress.preview is None and before is not None and before.candidate == progress.candidate:
            progress = replace(progress, preview=before.preview)  # the window may not have seen it yet
        job.latest = progress

    def _load(self, model: str, device: str, placing: Placing) -> Engine:
        # Importing torch makes millions of objects; collections during it would stall the window several times over.
        collecting = gc.isenabled()
        gc.disable()
        try:
            if self._engine is None:
                self._engine = self._make_engine()
            info = self._engine.load(model, device, placing)
        finally:
            if collecting:
                gc.enable()
        self.model_loaded.emit(info, model)
        return self._engine
