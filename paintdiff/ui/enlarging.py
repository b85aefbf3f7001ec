"""The commands Enlarge ×2 and ×4: the document scaled, and everything set so that Generate adds the detail."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication

from paintdiff.document.enlarging import enlarged
from paintdiff.editor import Editor
from paintdiff.generation.errors import UserError
from paintdiff.ui.generating import Generating
from paintdiff.ui.generation_panel import GenerationPanel


class Enlarging(QObject):
    """Signal: `noticed(str)` for the status bar."""

    noticed = Signal(str)

    def __init__(
        self, editor: Editor, panel: GenerationPanel, generating: Generating, show_whole: Callable[[], None]
    ) -> None:
        """`show_whole` makes the canvas show all of the picture."""
        super().__init__()
        self._editor, self._panel, self._generating, self._show_whole = editor, panel, generating, show_whole

    def enlarge(self, scale: int) -> None:
        """Scale the document, as one step to undo, and choose the mode that adds detail.

        Not while a generation runs or its candidates wait: they fit the picture as it is.
        """
        if self._generating.running or self._generating.has_candidates:
            self.noticed.emit("Stop the generation, and accept or discard the candidates, before you enlarge.")
            return
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)  # a second or two where the picture is large
        try:
            document = enlarged(self._editor.document, scale)
        except UserError as error:
            self.noticed.emit(str(error))
            return
        finally:
            QGuiApplication.restoreOverrideCursor()
        self._editor.replace(f"Enlarge ×{scale}", document)
        self._panel.mode_rows.set_scale(scale)
        self._panel.set_mode("upscale")
        self._show_whole()
        self.noticed.emit("Enlarged. Generate adds detail that the small picture had no room for.")
