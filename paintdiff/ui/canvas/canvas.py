"""The canvas widget: shows the editor's document and turns pointer input into edits."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from paintdiff.editor import Editor
from paintdiff.image.geometry import Rect
from paintdiff.ui.tool_state import ToolState


class Canvas(QWidget):
    """Shows the document of `editor` and paints on it with the tool of `tool_state`.

    Signals: `frame_dragged(Rect)` when a drag of the frame ends, `zoom_changed(float)`, `pointer_moved(int, int)` in
    world pixels, `files_dropped(list)` of paths, `noticed(str)` with one sentence for the status bar.
    """

    frame_dragged = Signal(object)
    zoom_changed = Signal(float)
    pointer_moved = Signal(int, int)
    files_dropped = Signal(list)
    noticed = Signal(str)

    def __init__(self, editor: Editor, tool_state: ToolState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.tool_state = tool_state

    @property
    def zoom(self) -> float:
        """Screen pixels a canvas pixel; 1.0 is 100 %."""
        return 1.0

    def fit(self) -> None:
        """Show the whole canvas, centred."""

    def zoom_to(self, zoom: float) -> None:
        """Set the zoom (0.02..64) around the middle of the view."""

    def zoom_in(self) -> None:
        """One step closer, around the middle of the view."""

    def zoom_out(self) -> None:
        """One step away, around the middle of the view."""

    def set_preview(self, frame: Rect, rgba: np.ndarray | None) -> None:
        """Show `rgba` ((h, w, 4) uint8 straight alpha, any size) over the document inside `frame`; None clears it."""

    def clear_preview(self) -> None:
        """Show the document alone again."""

    def set_comparing(self, comparing: bool) -> None:
        """While true the preview is hidden."""

    def set_frame(self, frame: Rect | None, feather: int) -> None:
        """Show what the model will see, and a blend that runs `feather` canvas pixels inward from the map's edge."""

    def set_generating(self, generating: bool) -> None:
        """While true what lies outside the frame is dimmed."""

    def cancel_stroke(self) -> bool:
        """Drop the stroke or drag under way; True if there was one."""
        return False
