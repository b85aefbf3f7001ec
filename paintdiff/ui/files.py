"""New, open, save and export: the dialogs around the document's files, and the care for unsaved work.

What reads and writes files is imported where it is needed: the window opens sooner without it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from paintdiff.document.document import Document
from paintdiff.editor import UNTITLED, Editor
from paintdiff.generation.errors import UserError
from paintdiff.ui.dialogs.messages import Answer, ask_to_save, may_overwrite, tell
from paintdiff.ui.settings import Settings

OPENED = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff *.gif *.ora);;All files (*)"
SAVED = "OpenRaster (*.ora)"
EXPORTED = "PNG (*.png)"


class Files(QObject):
    """Signals: `about_to_replace()` before another document is loaded, `replaced()` after it, `noticed(str)`,
    `recent_changed()`."""

    about_to_replace = Signal()
    replaced = Signal()
    noticed = Signal(str)
    recent_changed = Signal()

    def __init__(self, window: QWidget, editor: Editor, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._editor, self._settings = window, editor, settings

    def new(self) -> None:
        """Ask for a size and start an empty picture."""
        from paintdiff.ui.dialogs.new_picture import NewPictureDialog

        canvas = self._editor.document.canvas
        dialog = NewPictureDialog(self._window, QSize(canvas.w, canvas.h))
        if dialog.exec() and self.may_discard():
            self.load(dialog.document())

    def open(self) -> None:
        """Ask for a picture and open it."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open", str(self._settings.folder), OPENED)
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Open a picture in place of the current one, which is offered to be saved first."""
        from paintdiff.document.files import open_picture

        if not self.may_discard():
            return
        try:
            with _Busy():
                opened = open_picture(path)
        except UserError as error:
            tell(self._window, "Could not open", str(error))
            if not path.exists():
                self._settings.forget_recent(path)
                self.recent_changed.emit()
            return
        # Only an OpenRaster file can be saved back: any other format would lose layers.
        self.load(opened.document, path if opened.format == "ORA" else None, path.name)
        self._remember(path)
        if opened.notices:
            self.noticed.emit(" ".join(opened.notices))

    def load(self, document: Document, path: Path | None = None, name: str = UNTITLED) -> None:
        """Show another document; nothing is asked."""
        self.about_to_replace.emit()
        self._editor.load(document, path, name)
        self.replaced.emit()

    def save(self) -> bool:
        """Save with all layers, asking where if need be; False if it was not saved."""
        path = self._editor.path
        return self._save_to(path) if path is not None and path.suffix.lower() == ".ora" else self.save_as()

    def save_as(self) -> bool:
        """Ask where, and save with all layers; False if it was not saved."""
        path = self._ask_where("Save as", ".ora", SAVED)
        return path is not None and self._save_to(path)

    def export_png(self) -> None:
        """Ask where, and write the visible picture as PNG, with the recipe of what was generated last in it."""
        from paintdiff.document.save import export_png

        path = self._ask_where("Export PNG", ".png", EXPORTED)
        if path is None:
            return
        document = self._editor.document
        recipes = [layer.recipe for layer in document.layers if layer.visible and layer.recipe is not None]
        if self._write(lambda: export_png(path, document, recipes[-1] if recipes else None)):
            self._settings.folder = path.parent
            self.noticed.emit(f"Exported {path.name}.")

    def may_discard(self) -> bool:
        """Whether the current document may go: it is saved, or the user saved or gave it up."""
        if not self._editor.modified:
            return True
        answer = ask_to_save(self._window, self._editor.name)
        return self.save() if answer is Answer.SAVE else answer is Answer.DISCARD

    def _save_to(self, path: Path) -> bool:
        from paintdiff.document.openraster import save_ora

        document = self._editor.document
        if not self._write(lambda: save_ora(path, document)):
            return False
        self._editor.mark_saved(path, document)
        self._remember(path)
        self.noticed.emit(f"Saved {path.name}.")
        return True

    def _write(self, write: Callable[[], None]) -> bool:
        try:
            with _Busy():
                write()
        except UserError as error:
            tell(self._window, "Could not save", str(error))
            return False
        return True

    def _ask_where(self, title: str, suffix: str, kinds: str) -> Path | None:
        folder = self._editor.path.parent if self._editor.path else self._settings.folder
        start = folder / (Path(self._editor.name).stem + suffix)
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(start), kinds)
        if not name:
            return None
        path = Path(name)
        if path.suffix.lower() == suffix:
            return path
        path = path.with_name(path.name + suffix)  # a name that the dialog has not asked about
        return path if not path.exists() or may_overwrite(self._window, path) else None

    def _remember(self, path: Path) -> None:
        self._settings.add_recent(path)
        self._settings.folder = path.parent
        self.recent_changed.emit()


class _Busy:
    """The hourglass while something takes its time."""

    def __enter__(self) -> None:
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)

    def __exit__(self, *_: object) -> None:
        QApplication.restoreOverrideCursor()
