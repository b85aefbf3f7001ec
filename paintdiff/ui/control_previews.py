"""Small pictures of what controls are shown, drawn on a thread of their own a moment after something changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from paintdiff.document.compose import compose
from paintdiff.document.controls import control_picture, prompt_picture
from paintdiff.document.document import Document
from paintdiff.generation.controls import FRAME, KINDS
from paintdiff.generation.errors import UserError
from paintdiff.image.control_maps import control_map
from paintdiff.image.geometry import Rect
from paintdiff.jobs.question import Question

DELAY = 250  # ms
SIDE = 256  # pixels of a preview, at most
EMPTY = "This map is empty: there is nothing here that the control could follow."

Drawn = tuple[np.ndarray | None, str]  # (h, w, 4) uint8, or why there is none or nothing on it


@dataclass(frozen=True)
class Wanted:
    """A control's kind ("" for an image prompt), its source, and whether that is a map already."""

    kind: str
    source: str
    ready: bool = False


class Previews(QObject):
    """Signal: `drawn(list)` of (picture or None, reason), in the order in which they were wanted."""

    drawn = Signal(object)

    def __init__(self, wanted: Callable[[], Sequence[Wanted]], parent: QObject) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._document: Document | None = None
        self._frame: Rect | None = None
        self._question: Question | None = None
        self._timer = QTimer(self, singleShot=True, interval=DELAY)
        self._timer.timeout.connect(self._start)

    def look_at(self, document: Document, frame: Rect) -> None:
        """The picture has changed, or the frame has moved."""
        self._document, self._frame = document, frame
        self.renew()

    def renew(self) -> None:
        """Draw soon, once nothing changes any more."""
        self._timer.start()

    def stop(self) -> None:
        """Wait for what is being drawn."""
        self._timer.stop()
        if self._question is not None:
            self._question.wait(2000)

    def _start(self) -> None:
        wanted, document, frame = tuple(self._wanted()), self._document, self._frame
        if not wanted or document is None or frame is None:
            return
        if self._question is not None:
            self.renew()  # one after the other
            return
        self._question = Question(lambda: [draw(each, document, frame) for each in wanted], self)
        self._question.answered.connect(self.drawn)
        self._question.finished.connect(self._on_finished)
        self._question.start()

    def _on_finished(self) -> None:
        if self._question is not None:
            self._question.deleteLater()
        self._question = None


def draw(wanted: Wanted, document: Document, frame: Rect) -> Drawn:
    """A small picture of what a control is shown."""
    if wanted.kind and wanted.source == FRAME and KINDS[wanted.kind].given:
        return None, KINDS[wanted.kind].help
    try:
        if not wanted.kind:
            return _small(prompt_picture(wanted.source, document)), ""
        picture = control_picture(wanted.source, document, frame)
    except UserError as error:
        return None, str(error)
    small = _small(compose(document, frame) if picture is None else picture)
    height, width = small.shape[:2]
    free = cv2.resize(document.change_map.read(frame), (width, height), interpolation=cv2.INTER_AREA) > 0
    drawn = wanted.source != FRAME and int(small[..., 3].min()) < 255
    values = control_map(wanted.kind, small, free, ready=wanted.ready, drawn=drawn)
    shown = np.rint(np.maximum(values, 0) * 255).astype(np.uint8)
    return np.dstack([shown, np.full((height, width), 255, np.uint8)]), "" if shown.any() else EMPTY


def _small(rgba: np.ndarray) -> np.ndarray:
    height, width = rgba.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(rgba, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgba
