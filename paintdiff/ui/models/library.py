"""Every model that is known just now: the bundled one, and what a look through the folders finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.jobs.scanning import Scan, Scanning
from paintdiff.models import preferences


class Library(QObject):
    """Cards by the source that opens them.

    Signals: `found(list)` of cards that are new or known better now, `gone(list)` of sources at the end of a look that
    found them no more, `looking_changed(bool)`, `folders_changed()`.
    """

    found = Signal(list)
    gone = Signal(list)
    looking_changed = Signal(bool)
    folders_changed = Signal()

    def __init__(self, scan: Scan, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cards: dict[str, ModelCard] = {}
        self._seen: set[str] = set()
        self._given: set[str] = set()
        self._scanning = Scanning(scan, self)
        self._scanning.found.connect(self._on_found)
        self._scanning.finished.connect(self._on_finished)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(self._cards.values())

    @property
    def looking(self) -> bool:
        """Whether a look through the folders is under way."""
        return self._scanning.busy

    @property
    def folders(self) -> tuple[Path, ...]:
        """Those that the user added, in that order."""
        return preferences.model_folders()

    def card(self, source: str) -> ModelCard:
        """What is known of the model that `source` names; only its name where nothing is."""
        known = self._cards.get(source)
        if known is None and source == BUNDLED_MODEL:
            return ModelCard(source, str(Family.BUNDLED), Family.BUNDLED, Place.BUNDLED)
        return known or ModelCard(source, Path(source.removesuffix(".safetensors")).name, Family.UNKNOWN, Place.FOLDER)

    def refresh(self) -> None:
        """Look through the folders again, in the background."""
        self._seen = set()
        self._scanning.start(self.folders)
        self.looking_changed.emit(True)

    def add(self, card: ModelCard) -> None:
        """Take in a model that lies outside the folders; a look does not forget it."""
        self._given.add(card.source)
        self._take([card])

    def add_folder(self, folder: Path) -> None:
        """Look in `folder` too. Raises `UserError` for one that cannot be looked into or is looked through already."""
        preferences.add_folder(folder)
        self.folders_changed.emit()
        self.refresh()

    def remove_folder(self, folder: Path) -> None:
        """Look in `folder` no more; what lies there stays where it is. Raises `UserError`."""
        preferences.remove_folder(folder)
        self.folders_changed.emit()
        self.refresh()

    def stop(self, wait_ms: int) -> bool:
        """End a look that is under way; False if it does not within `wait_ms`."""
        return self._scanning.stop(wait_ms)

    def _on_found(self, cards: Sequence[ModelCard]) -> None:
        self._seen.update(card.source for card in cards)
        self._take(cards)

    def _take(self, cards: Sequence[ModelCard]) -> None:
        news = [card for card in cards if self._cards.get(card.source) != card]
        self._cards.update((card.source, card) for card in news)
        if news:
            self.found.emit(news)

    def _on_finished(self) -> None:
        lost = [source for source in self._cards if source not in self._seen | self._given]
        for source in lost:
            del self._cards[source]
        if lost:
            self.gone.emit(lost)
        self.looking_changed.emit(False)
