"""One generation from Generate to Accept: between the panel, the jobs, the canvas and the candidates."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from paintdiff.document import edits
from paintdiff.document.document import Document
from paintdiff.document.requests import frame_of, make_request
from paintdiff.editor import Editor
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate, Progress, Result
from paintdiff.image.geometry import Rect
from paintdiff.jobs.jobs import Jobs
from paintdiff.jobs.outcome import Failure
from paintdiff.ui.candidate_strip import CandidateStrip
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.focus import is_typing
from paintdiff.ui.frame_placing import past_edge
from paintdiff.ui.generation_panel import GenerationPanel

MODEL_SIDE = 64  # pixels, until the model says its own


@dataclass(frozen=True, eq=False)
class Pending:
    """A candidate that waits to be accepted, and the request that it answers."""

    request: Request
    candidate: Candidate


@dataclass(frozen=True, eq=False)
class Shelf:
    """The candidates of the last acceptance, for the case that it is undone."""

    before: Document
    after: Document
    pending: list[Pending]
    row: int  # the one accepted


class Generating(QObject):
    """Runs generations on snapshots of the document, and holds what came of them.

    Signals: `proved(Report)` after each finished job, `noticed(str)` for the status bar, `faulted(Failure)` for a fault
    of ours, `changed()` when a job or a candidate came or went.
    """

    proved = Signal(object)
    noticed = Signal(str)
    faulted = Signal(object)
    changed = Signal()

    def __init__(
        self, editor: Editor, jobs: Jobs, canvas: Canvas, panel: GenerationPanel, strip: CandidateStrip, model: str
    ) -> None:
        """`model` is the name of a bundled model or a folder."""
        super().__init__()
        self._model = model
        self._editor, self._jobs, self._canvas, self._panel, self._strip = editor, jobs, canvas, panel, strip
        self._requests: dict[int, Request] = {}
        self._pending: list[Pending] = []
        self._shelved: Shelf | None = None
        self._past_edge = False  # whether the frame, placed by hand, reaches past the canvas
        self._mode_is_ours = False  # "outpaint" because of that, not because the user chose it
        self._model_side = MODEL_SIDE
        self._connect()
        self._follow_frame(editor.document)
        self._show_frame()

    def _connect(self) -> None:
        jobs, panel, strip = self._jobs, self._panel, self._strip
        self._editor.document_changed.connect(self._on_document_changed)
        jobs.model_loaded.connect(self._on_model_loaded)
        jobs.job_started.connect(lambda _job: self._panel.run_bar.show_queued())
        jobs.progressed.connect(self._on_progressed)
        jobs.finished.connect(self._on_finished)
        jobs.failed.connect(self._on_failed)
        jobs.cancelled.connect(self._end)
        panel.run_bar.generate_asked.connect(self.generate)
        panel.run_bar.cancel_asked.connect(self.cancel)
        panel.run_bar.offer_taken.connect(lambda: self._panel.set_mode("renoise"))
        panel.mode_changed.connect(self._on_mode_changed)
        panel.feather_changed.connect(self._show_frame)
        panel.extend_asked.connect(self._place_past_edge)
        strip.looked_at.connect(self._look_at)
        strip.accept_asked.connect(self.accept)
        strip.discard_asked.connect(self.discard)
        strip.comparing.connect(self._canvas.set_comparing)
        self._canvas.frame_dragged.connect(self.place_frame)

    @property
    def running(self) -> bool:
        """Whether a job runs or waits."""
        return bool(self._requests)

    @property
    def has_candidates(self) -> bool:
        return bool(self._pending)

    def warm_up(self) -> None:
        """Load the model before anyone asks for a picture."""
        self._jobs.warm_up(self._model, "auto")

    def generate(self) -> None:
        """Queue a job for the document as it is now; what stands in the way is told in the panel."""
        self._panel.seed.renew()
        try:
            request = make_request(
                self._editor.document, self._panel.mode(), self._panel.sampling(), model=self._model,
                feather=self._panel.feather.value(), matte=self._panel.matte_colour(), size=self._model_side,
                scale=self._panel.mode_rows.scale(),
            )
        except UserError as error:
            self._show_problem(str(error))
            return
        self._panel.run_bar.show_hint("")
        self._requests[self._jobs.submit(request)] = request
        if len(self._requests) == 1:
            self._panel.run_bar.show_queued()
        self._canvas.set_generating(True)
        self.changed.emit()

    def cancel(self) -> bool:
        """Stop the job that runs, or else the one that waits longest; False if there is none."""
        if not self._requests:
            return False
        self._jobs.cancel(self._jobs.running or next(iter(self._requests)))
        self.noticed.emit("Generation cancelled.")
        return True

    def accept(self, row: int) -> None:
        """Put a candidate in as a new layer. Undo brings the candidates back, to choose another."""
        pending, before = self._pending, self._editor.document
        try:
            after = edits.accept(before, pending[row].candidate)
        except UserError as error:
            self.noticed.emit(str(error))
            return
        self._drop_candidates()
        self._editor.replace("Accept candidate", after)
        self._shelved = Shelf(before, after, pending, row)

    def discard(self) -> None:
        self._shelved = None
        self._drop_candidates()

    def forget(self) -> None:
        """Another document comes: stop every job and drop every candidate."""
        self._jobs.cancel_all()
        self.discard()
        self._panel.run_bar.show_hint("")

    def place_frame(self, frame: Rect | None) -> None:
        """Put the frame somewhere by hand, or let it follow the mask again (None)."""
        label = "Place frame" if frame is not None else "Automatic frame"
        self._editor.replace(label, edits.set_frame(self._editor.document, frame), merge=True)

    def _place_past_edge(self, side: str) -> None:
        self.place_frame(past_edge(self._editor.document.canvas, side, self._model_side))
        self._canvas.fit()

    def _on_model_loaded(self, info: ModelInfo) -> None:
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

    def _on_document_changed(self, document: Document, dirty: Rect) -> None:
        shelf = self._shelved
        if shelf is not None and document is shelf.before and not self._pending:
            self._bring_back(shelf)
        elif shelf is not None and document is shelf.after and self._pending is shelf.pending:
            self._drop_candidates()
        elif not dirty.empty and self._pending:
            self._strip.choose(-1)  # what is being painted must be seen
        self._follow_frame(document)
        self._show_frame()

    def _bring_back(self, shelf: Shelf) -> None:
        self._pending = shelf.pending
        for each in shelf.pending:
            self._strip.add(each.request, (each.candidate,))
        self._strip.choose(shelf.row)
        self.changed.emit()

    def _show_frame(self) -> None:
        document, mode = self._editor.document, self._panel.mode()
        self._canvas.set_frame(frame_of(document, self._model_side), self._panel.feather.value(), mode)
        if mode == "outpaint" and document.canvas.contains(frame_of(document, self._model_side)):
            self._show_problem("The frame lies inside the picture: place it past an edge.")
        else:
            self._panel.run_bar.show_hint("")

    def _show_problem(self, sentence: str) -> None:
        document = self._editor.document
        unmasked = document.change_map.content_rect.intersected(document.canvas).empty
        offer = "Re-noise the whole frame" if unmasked and self._panel.mode() == "inpaint" else ""
        self._panel.run_bar.show_hint(sentence, offer)

    def _on_progressed(self, job: int, progress: Progress) -> None:
        self._panel.run_bar.show_progress(progress, self._jobs.waiting)
        request = self._requests.get(job)
        if request is not None and progress.preview is not None:
            self._canvas.set_preview(request.frame, progress.preview)

    def _on_finished(self, job: int, result: Result) -> None:
        request = self._requests[job]
        self._end(job)
        self._shelved = None
        self._pending = self._pending + [Pending(request, candidate) for candidate in result.candidates]
        self._strip.add(request, result.candidates)
        if not self._canvas.hasFocus() and not is_typing():
            self._strip.list.setFocus()  # from the canvas the same keys choose and accept
        self.proved.emit(result.report)
        if result.report.notices:
            self.noticed.emit(" ".join(result.report.notices))
        self.changed.emit()

    def _on_failed(self, failure: Failure) -> None:
        self._end(failure.job)
        if failure.details:
            self.faulted.emit(failure)
        else:
            self._panel.run_bar.show_hint(failure.message)

    def _end(self, job: int) -> None:
        del self._requests[job]
        if self._requests:
            self._panel.run_bar.show_queued()
        else:
            self._panel.run_bar.show_idle()
            self._canvas.set_generating(False)
        self._look_at(self._strip.list.currentRow())
        self.changed.emit()

    def _look_at(self, row: int) -> None:
        if 0 <= row < len(self._pending):
            pending = self._pending[row]
            self._canvas.set_preview(pending.candidate.frame, pending.candidate.patch)
        else:
            self._canvas.clear_preview()

    def _drop_candidates(self) -> None:
        self._pending = []
        focused = QApplication.focusWidget()
        if focused is not None and self._strip.isAncestorOf(focused):
            self._canvas.setFocus()  # rather than what Qt finds beside a strip that hides
        self._strip.clear()
        self._canvas.clear_preview()
        self.changed.emit()
