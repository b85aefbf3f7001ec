"""The folders in which models are looked for, as a menu: add one, look again, take one out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from paintdiff.generation.errors import UserError
from paintdiff.ui import icons
from paintdiff.ui.models.described import tilde
from paintdiff.ui.models.library import Library


class FolderMenu(QMenu):
    """Signal: `noticed(str)`, why a folder cannot be added or taken out."""

    noticed = Signal(str)

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("folder_menu")
        self.setToolTipsVisible(True)
        self._library = library
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Bring the menu up to date."""
        self.clear()
        self.addAction(icons.icon("plus"), "Add a folder…", self.ask).setIconVisibleInMenu(True)
        self.addAction(icons.icon("restart"), "Look again", self._library.refresh).setIconVisibleInMenu(True)
        folders = self._library.folders
        if folders:
            self.addSection("Looked through")
        for folder in folders:
            here = folder.is_dir()
            name = tilde(folder).replace("&", "&&")
            entry = self.addMenu(icons.icon("open"), name if here else f"{name} (not there now)")
            remove = entry.addAction("Look there no more", partial(self._remove, folder))
            remove.setToolTip("The models in it stay where they are.")
        if not folders:
            self.addSection("No folder yet")

    def ask(self) -> None:
        """Ask for a folder and add it."""
        name = QFileDialog.getExistingDirectory(self.parentWidget(), "Add a folder of models", str(Path.home()))
        if name:
            self.add(Path(name))

    def add(self, folder: Path) -> None:
        try:
            self._library.add_folder(folder)
        except UserError as error:
            self.noticed.emit(str(error))

    def _remove(self, folder: Path) -> None:
        try:
            self._library.remove_folder(folder)
        except UserError as error:
            self.noticed.emit(str(error))
