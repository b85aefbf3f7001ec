"""What the engine is asked for and how it ends: between the panel, the jobs, the canvas and the candidates."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from paintdiff.document import edits
from paintdiff.document.controls import with_shown
from paintdiff.document.document import Document
from paintdiff.document.requests import frame_of, make_request
from paintdiff.editor import Editor
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.placing import AUTO, AUTOMATIC, Placing
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Result
from paintdiff.generation.sampling import Sampling
from paintdiff.generation.trajectory import Branch
from paintdiff.image.geometry import Rect
from paintdiff.jobs.jobs import Jobs
from paintdiff.jobs.outcome import Failure
from paintdiff.ui.candidates import Candidates
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.canvas.preview import where_changed
from paintdiff.ui.frame_placing import also_past_edge
from paintdiff.ui.generation_panel import GenerationPanel

MODEL_SIDE = 64  # pixels, until the model says its own


class Generating(QObject):
    """Runs generations on snapshots of the document, and measures how likely their candidates are.

    Signals: `proved(Report)` after each finished job, `begun()` as one is queued, `noticed(str)` for the status bar,
    `faulted(Failure)` for a fault of ours, `changed()` when a job came or went.
    """

    proved = Signal(object)
    begun = Signal()
    noticed = Signal(str)
    faulted = Signal(object)
    changed = Signal()

    def __init__(
        self, editor: Editor, jobs: Jobs, canvas: Canvas, panel: GenerationPanel, candidates: Candidates, model: str
    ) -> None:
        """`model` is the name of a bundled model or a folder."""
        super().__init__()
        self._model, self._device, self._placing = model, AUTO, AUTOMATIC
        self._editor, self._jobs, self._canvas, self._panel = editor, jobs, canvas, panel
        self._candidates = candidates
        self._generations: dict[int, tuple[Request, Document]] = {}
        self._measurements: dict[int, tuple[Candidate, ...]] = {}
        self._past_edge = False  # whether the frame, placed by hand, reaches past the canvas
        self._mode_is_ours = False  # "outpaint" because of that, not because the user chose it
        self._model_side = MODEL_SIDE
        self._connect()
        self._follow_frame(editor.document)
        self._show_frame()

    def _connect(self) -> None:
        jobs, panel, candidates = self._jobs, self._panel, self._candidates
        self._editor.document_changed.connect(self._on_document_changed)
        jobs.model_loaded.connect(self._on_model_loaded)
        jobs.job_started.connect(lambda _job: self._panel.run_bar.show_queued())
        jobs.progressed.connect(self._on_progressed)
        jobs.finished.connect(self._on_finished)
        jobs.measured.connect(self._on_measured)
        jobs.failed.connect(self._on_failed)
        jobs.cancelled.connect(self._end)
        panel.run_bar.generate_asked.connect(self.generate)
        panel.run_bar.cancel_asked.connect(self.cancel)
        panel.run_bar.offer_taken.connect(lambda: self._panel.set_mode("renoise"))
        panel.mode_changed.connect(self._on_mode_changed)
        panel.feather_changed.connect(self._show_frame)
        panel.extend_asked.connect(self._place_past_edge)
        candidates.branch_asked.connect(self.branch)
        candidates.measure_asked.connect(self.measure)
        candidates.changed.connect(self._drop_measurements)
        self._canvas.frame_dragged.connect(self.place_frame)

    @property
    def running(self) -> bool:
        """Whether a job runs or waits."""
        return bool(self._generations or self._measurements)

    @property
    def has_candidates(self) -> bool:
        return self._candidates.any

    @property
    def model(self) -> str:
        """What the next job runs on."""
        return self._model

    def set_model(self, model: str, side: int = 0) -> None:
        """Let the next job run on another model, which works at `side` pixels; 0 if that is not known."""
        self._model = model
        self._model_side = side or self._model_side
        self._show_frame()

    def warm_up(self) -> None:
        """Load the model before anyone asks for a picture."""
        self._jobs.warm_up(self._model, self._device, self._placing)

    def set_placing(self, device: str, placing: Placing) -> None:
        """Let the next job run on `device`, and its model take no more of it than `placing` says."""
        self._device, self._placing = device, placing

    def generate(self) -> None:
        """Queue a job for the document as it is now; what stands in the way is told in the panel."""
        self._panel.seed.renew()
        self._submit(self._editor.document, self._panel.sampling())

    def branch(self, branch: Branch) -> None:
        """Queue a job that goes on from a step of an earlier run, with what the panel says now.

        The frame is that of the run, and so is the seed unless it is locked: then the first candidate keeps its noise.
        """
        run, sampling = branch.trajectory, self._panel.sampling()
        if run.model != self._model:
            self._show_problem("Another model made this run: choose that one again to go on from here.")
            return
        if not self._panel.seed.lock.isChecked():
            self._panel.seed.set_value(run.sampling.seed)
            sampling = replace(sampling, seed=run.sampling.seed, variation_seed=run.sampling.variation_seed)
        self._submit(replace(self._editor.document, frame=run.frame), sampling, branch)

    def _submit(self, document: Document, sampling: Sampling, branch: Branch | None = None) -> None:
        try:
            request = make_request(
                document, self._panel.mode(), sampling, model=self._model, device=self._device,
                feather=self._panel.feather.value(), matte=self._panel.matte_colour(), size=self._model_side,
                scale=self._panel.mode_rows.scale(), placing=self._placing,
            )
            request = replace(request, branch=branch, add_ons=self._panel.add_ons.value())
            request = with_shown(request, document, *self._panel.controls.value())
        except UserError as error:
            self._show_problem(str(error))
            return
        self._panel.run_bar.show_hint("")
        self.begun.emit()
        self._generations[self._jobs.submit(request)] = request, self._editor.document
        self._canvas.set_generating(True)
        self._begun()

    def measure(self) -> None:
        """Queue the question how likely each candidate is that was not measured yet."""
        asked: dict[Request, list[Candidate]] = {}
        for each in self._candidates.pending:
            if each.likelihood is None:
                asked.setdefault(each.request, []).append(each.candidate)
        for request, candidates in asked.items():
            job = self._jobs.measure(request, tuple(candidate.patch for candidate in candidates))
            self._measurements[job] = tuple(candidates)
            self._begun()

    def _begun(self) -> None:
        if len(self._generations) + len(self._measurements) == 1:
            self._panel.run_bar.show_queued()
        self._candidates.show_measuring(bool(self._measurements))
        self.changed.emit()

    def cancel(self) -> bool:
        """Stop the job that runs, or else the one that waits longest; False if there is none."""
        if not self.running:
            return False
        job = self._jobs.running or min([*self._generations, *self._measurements])
        what = "Measurement" if job in self._measurements else "Generation"
        self._jobs.cancel(job)
        self.noticed.emit(f"{what} cancelled.")
        return True

    def forget(self) -> None:
        """Another document comes: stop every job and drop every candidate."""
        self._jobs.cancel_all()
        self._candidates.discard()
        self._panel.run_bar.show_hint("")

    def _drop_measurements(self) -> None:
        """Stop measuring what has gone."""
        waiting = {each.candidate for each in self._candidates.pending}
        for job, candidates in list(self._measurements.items()):
            if waiting.isdisjoint(candidates):
                self._jobs.cancel(job)

    def place_frame(self, frame: Rect | None) -> None:
        """Put the frame somewhere by hand, or let it follow the mask again (None)."""
        label = "Place frame" if frame is not None else "Automatic frame"
        self._editor.replace(label, edits.set_frame(self._editor.document, frame), merge=True)

    def _place_past_edge(self, side: str) -> None:
        document = self._editor.document
        self.place_frame(also_past_edge(document.frame, document.canvas, side, self._model_side))
        self._canvas.fit()

    def _on_model_loaded(self, info: ModelInfo, model: str) -> None:
        if model == self._model:  # and not one of a job that was queued before another was chosen
            self._model_side = info.size
            self._show_frame()

    def _on_mode_changed(self, _mode: str) -> None:
        self._mode_is_ours = False
        self._show_frame()

    def _follow_frame(self, document: Document) -> None:
        """A frame that comes to reach past an edge means outpainting, until it (undone, say) no longer does."""
        past_edge = document.frame is not None and not document.canvas.contains(document.frame)
        if past_edge == self._past_edge:
            return
        self._past_edge = past_edge
        if past_edge and self._panel.mode() == "inpaint":
            self._panel.set_mode("outpaint")
            self._mode_is_ours = True
        elif self._mode_is_ours:
            self._panel.set_mode("inpaint")

    def _on_document_changed(self, document: Document, _dirty: Rect) -> None:
        self._follow_frame(document)
        self._show_frame()

    def _show_frame(self) -> None:
        document, mode = self._editor.document, self._panel.mode()
        frame, feather = frame_of(document, self._model_side), self._panel.feather.value()
        self._canvas.set_frame(frame, feather, mode, self._model_side)
        self._panel.controls.look_at(document, frame)
        if mode == "outpaint" and document.canvas.contains(frame_of(document, self._model_side)):
            self._show_problem("The frame lies inside the picture: place it past an edge, by an arrow above.")
        else:
            self._panel.run_bar.show_hint("")

    def _show_problem(self, sentence: str) -> None:
        document = self._editor.document
        unmasked = document.change_map.content_rect.intersected(document.canvas).empty
        offer = "Re-noise the whole frame" if unmasked and self._panel.mode() == "inpaint" else ""
        self._panel.run_bar.show_hint(sentence, offer)

    def _on_progressed(self, job: int, progress: Progress) -> None:
        self._panel.run_bar.show_progress(progress, self._waiting(job))
        if job in self._generations and progress.preview is not None and not self._candidates.looked_at:
            request, _ = self._generations[job]
            self._canvas.set_preview(request.frame, where_changed(progress.preview, request.change_map))

    def _waiting(self, job: int) -> int:
        """How many jobs stand behind `job`, as the user sees it: one measurement of all candidates is one."""
        others = len(self._generations) - (job in self._generations)
        return others + (bool(self._measurements) and job not in self._measurements)

    def _on_finished(self, job: int, result: Result) -> None:
        request, document = self._generations[job]
        self._end(job)
        self._candidates.add(request, result.candidates, document)
        self.proved.emit(result.report)
        if result.report.notices:
            notice = " ".join(result.report.notices)
            self.noticed.emit(notice)
            self._panel.run_bar.show_hint(notice)  # where there is room for it, until the next thing happens

    def _on_measured(self, job: int, likelihoods: tuple[Likelihood, ...]) -> None:
        found = dict(zip(self._measurements[job], likelihoods, strict=True))
        self._end(job)
        self._candidates.set_likelihoods(found)

    def _on_failed(self, failure: Failure) -> None:
        self._end(failure.job)
        if failure.details:
            self.faulted.emit(failure)
        else:
            self._panel.run_bar.show_hint(failure.message, bad=True)

    def _end(self, job: int) -> None:
        generated = self._generations.pop(job, None) is not None
        self._measurements.pop(job, None)
        if self.running:
            self._panel.run_bar.show_queued()
        else:
            self._panel.run_bar.show_idle()
        self._canvas.set_generating(bool(self._generations))
        if generated:
            self._candidates.look_again()
        self._candidates.show_measuring(bool(self._measurements))
        self.changed.emit()
