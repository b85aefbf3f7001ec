"""What the window remembers from one day to the next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTO, AUTOMATIC, DEVICES, Placing
from paintdiff.ui.models.remembered import RememberedModels

RECENT_COUNT = 10


class Settings:
    """Theme, recent files, the last folder and the window's place, kept in an INI file of the user's."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "PaintDiff", "PaintDiff"
        )

    @property
    def models(self) -> RememberedModels:
        """What is remembered of models."""
        return RememberedModels(self._store)

    @property
    def theme(self) -> str:
        return str(self._store.value("theme", "dark"))

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def recent(self) -> list[Path]:
        """Files opened or saved last, the newest first."""
        stored = self._store.value("recent", [])
        names = stored if isinstance(stored, list) else [stored] if stored else []  # an INI file has no list of one
        return [Path(str(name)) for name in names]

    def add_recent(self, path: Path) -> None:
        path = path.absolute()
        kept = [path, *(each for each in self.recent if each != path)][:RECENT_COUNT]
        self._store.setValue("recent", [str(each) for each in kept])

    def forget_recent(self, path: Path | None = None) -> None:
        """Drop `path`, or every recent file."""
        kept = [] if path is None else [str(each) for each in self.recent if each != path]
        self._store.setValue("recent", kept)

    @property
    def unfolded(self) -> list[str]:
        """The headings in the panel that stand open."""
        stored = self._store.value("unfolded", [])
        return [str(name) for name in (stored if isinstance(stored, list) else [stored])]

    @unfolded.setter
    def unfolded(self, headings: list[str]) -> None:
        self._store.setValue("unfolded", headings)

    @property
    def device(self) -> str:
        """What models run on, one of `DEVICES`."""
        stored = str(self._store.value("device", AUTO))
        return stored if stored in DEVICES else AUTO

    @property
    def placing(self) -> Placing:
        """How much of the device models may take."""
        memory, precision = (str(self._store.value(name, AUTO)) for name in ("memory", "precision"))
        try:
            return Placing(memory, precision, self._store.value("compile", "false") in (True, "true"))
        except UserError:
            return AUTOMATIC  # another version wrote it

    def set_placing(self, device: str, placing: Placing) -> None:
        self._store.setValue("device", device)
        for name, value in asdict(placing).items():
            self._store.setValue(name, value)

    @property
    def folder(self) -> Path:
        """Where file dialogs begin."""
        return Path(str(self._store.value("folder", str(Path.home()))))

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._store.setValue("folder", str(folder))

    @property
    def geometry(self) -> QByteArray:
        return self._bytes("geometry")

    @property
    def state(self) -> QByteArray:
        return self._bytes("state")

    def set_place(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember where the window was and how its docks lay."""
        self._store.setValue("geometry", geometry)
        self._store.setValue("state", state)

    def write(self) -> None:
        self._store.sync()

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()
