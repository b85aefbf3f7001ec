"""The candidates that wait: which there are, which is looked at and at what time, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from paintdiff.document import edits
from paintdiff.document.document import Document
from paintdiff.editor import Editor
from paintdiff.generation.errors import UserError
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.generation.result import Candidate
from paintdiff.generation.trajectory import Branch
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.image.heat import brightest
from paintdiff.ui.candidate_list import SIDE, Thumbnail
from paintdiff.ui.candidate_strip import CandidateStrip
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.canvas.heat import Heat
from paintdiff.ui.focus import is_typing
from paintdiff.ui.pending import (
    Pending,
    all_pending,
    by_likelihood,
    described,
    is_stale,
    to_look_through,
    within_budget,
)
from paintdiff.ui.thumbnails import thumbnail


@dataclass(frozen=True, eq=False)
class Shelf:
    """The candidates of the last acceptance, for the case that it is undone."""

    before: Document
    after: Document
    pending: list[Pending]
    accepted: Pending


class Candidates(QObject):
    """Holds the candidates, shows them in the strip and the one looked at on the canvas.

    Signals: `changed()` when candidates came or went, `noticed(str)` for the status bar, `branch_asked(Branch)`,
    `measure_asked()`.
    """

    changed = Signal()
    noticed = Signal(str)
    branch_asked = Signal(object)
    measure_asked = Signal()

    def __init__(self, editor: Editor, canvas: Canvas, strip: CandidateStrip) -> None:
        super().__init__()
        self._editor, self._canvas, self._strip = editor, canvas, strip
        self._pending: list[Pending] = []  # in the order they came
        self._rows: list[Pending] = []  # in the order they are shown
        self._pictures: dict[Candidate, QPixmap] = {}
        self._shelf: Shelf | None = None
        self._measuring = False
        editor.document_changed.connect(self._on_document_changed)
        strip.looked_at.connect(self._look_at)
        strip.chosen_changed.connect(lambda _row: self._show_time())
        strip.time_moved.connect(lambda: self._look_at(self._strip.chosen))
        strip.surprise_changed.connect(lambda: self._look_at(self._strip.chosen))
        strip.sorting_changed.connect(lambda: self._show(self.chosen))
        strip.accept_asked.connect(self.accept)
        strip.discard_asked.connect(self.discard)
        strip.branch_asked.connect(self._branch)
        strip.measure_asked.connect(self.measure_asked)
        strip.comparing.connect(canvas.set_comparing)

    @property
    def any(self) -> bool:
        return bool(self._pending)

    @property
    def looked_at(self) -> bool:
        """Whether the user looks at one just now, which no preview may cover."""
        return self._strip.looking

    @property
    def pending(self) -> tuple[Pending, ...]:
        """All of them, in the order they came."""
        return tuple(self._pending)

    @property
    def chosen(self) -> Pending | None:
        row = self._strip.chosen
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def add(self, request: Request, candidates: tuple[Candidate, ...], document: Document) -> None:
        """Put what came of `request`, made for `document`, at the end, and choose the first of it."""
        self._shelf = None
        self._pending = within_budget([*self._pending, *all_pending(request, candidates, document)])
        self._show(self._pending[-len(candidates)])
        if not self._canvas.hasFocus() and not is_typing():
            self._strip.list.setFocus()  # from the canvas the same keys choose and accept
        self.changed.emit()

    def accept(self, row: int) -> None:
        """Put a candidate in as a new layer. Undo brings the candidates back, to choose another."""
        pending, accepted, before = self._pending, self._rows[row], self._editor.document
        try:
            after = edits.accept(before, accepted.candidate)
        except UserError as error:
            self.noticed.emit(str(error))
            return
        self._drop()
        self._editor.replace("Accept candidate", after)
        self._shelf = Shelf(before, after, pending, accepted)

    def discard(self) -> None:
        self._shelf = None
        self._drop()

    def show_measuring(self, measuring: bool) -> None:
        """Whether a measurement is under way."""
        self._measuring = measuring
        self._show_measured()

    def set_likelihoods(self, found: dict[Candidate, Likelihood]) -> None:
        """Note how likely some of the candidates are; those that have gone meanwhile do not matter."""
        chosen = self.chosen
        at = self._pending.index(chosen) if chosen is not None else None
        self._pending = [
            replace(each, likelihood=found.get(each.candidate, each.likelihood)) for each in self._pending
        ]
        self._show(None if at is None else self._pending[at])

    def look_again(self) -> None:
        """Show the chosen one on the canvas, after a preview of something else."""
        self._look_at(self._strip.chosen)

    def _show(self, chosen: Pending | None) -> None:
        """Bring the strip up to date, with `chosen` chosen."""
        self._rows = by_likelihood(self._pending) if self._strip.sort.isChecked() else list(self._pending)
        self._pictures = {each.candidate: self._picture(each) for each in self._pending}
        document = self._editor.document
        self._strip.show_thumbnails([self._thumbnail(each, document) for each in self._rows])
        self._strip.choose(self._rows.index(chosen) if chosen is not None else -1)
        self._show_measured()
        self._show_time()
        self._look_at(self._strip.chosen)

    def _picture(self, pending: Pending) -> QPixmap:
        known = self._pictures.get(pending.candidate)
        return known or thumbnail(over(pending.request.picture, pending.candidate.patch), SIDE)

    def _thumbnail(self, pending: Pending, document: Document) -> Thumbnail:
        stale, found = is_stale(pending, document), pending.likelihood
        badge = "" if found is None else f"{found.bits_per_dim:.2f} ± {found.standard_error:.2f}"
        return Thumbnail(
            self._pictures[pending.candidate], described(pending, stale), badge, bool(pending.origin), stale
        )

    def _show_measured(self) -> None:
        found = [each.likelihood for each in self._pending if each.likelihood is not None]
        mapped = any(likelihood.surprise is not None for likelihood in found)
        self._strip.show_measured(len(found), self._measuring, mapped)

    def _show_time(self) -> None:
        chosen = self.chosen
        moments = to_look_through(chosen) if chosen is not None else ()
        self._strip.time.show_steps(tuple(moment.step for moment, _ in moments))

    def _branch(self) -> None:
        chosen, time = self.chosen, self._strip.time
        if chosen is not None and chosen.candidate.trajectory is not None and not time.at_end:
            moment, _ = to_look_through(chosen)[time.place]
            self.branch_asked.emit(Branch(chosen.candidate.trajectory, moment.step))

    def _look_at(self, row: int) -> None:
        if not 0 <= row < len(self._rows):
            self._canvas.clear_preview()
            return
        pending = self._rows[row]
        frame, picture = pending.candidate.frame, pending.candidate.patch
        at_end = row != self._strip.chosen or self._strip.time.at_end
        if not at_end:
            picture = to_look_through(pending)[self._strip.time.place][1]
        self._canvas.set_preview(frame, picture)
        surprise = pending.likelihood.surprise if pending.likelihood else None
        if at_end and surprise is not None and self._strip.surprise.isChecked():
            self._canvas.set_heat(Heat(frame, surprise, brightest(self._maps())))

    def _maps(self) -> list[np.ndarray]:
        """Every map of surprise, so that one colour means the same on all of them."""
        found = [each.likelihood for each in self._pending if each.likelihood is not None]
        return [each.surprise for each in found if each.surprise is not None]

    def _on_document_changed(self, document: Document, dirty: Rect) -> None:
        shelf = self._shelf
        if shelf is not None and document is shelf.before and not self._pending:
            self._pending = shelf.pending
            self._show(shelf.accepted)
            self.changed.emit()
        elif shelf is not None and document is shelf.after and self._pending:
            self._drop()
        elif not dirty.empty and self._pending:
            self._strip.choose(-1)  # what is being painted must be seen
            self._strip.show_thumbnails([self._thumbnail(each, document) for each in self._rows])

    def _drop(self) -> None:
        self._pending, self._rows, self._pictures = [], [], {}
        focused = QApplication.focusWidget()
        if focused is not None and self._strip.isAncestorOf(focused):
            self._canvas.setFocus()  # rather than what Qt finds beside a strip that hides
        self._strip.show_thumbnails([])
        self._look_at(-1)
        self.changed.emit()
