"""The models as rows of a list: favourites first, those that cannot be opened last, searched and filtered."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.fit import Fit
from paintdiff.ui.models.described import abilities_of, matches, tooltip_of

Index = QModelIndex | QPersistentModelIndex
SHOWN = Qt.ItemDataRole.UserRole
Order = tuple[bool, bool, bool, str, str]


@dataclass(frozen=True)
class Shown:
    """What a card shows. `chosen`: it paints, or will once it is open, which `opening` says it is not yet.

    `fit` is None while that is not known. `own`: the user saved settings for it.
    """

    card: ModelCard
    fit: Fit | None = None
    favourite: bool = False
    chosen: bool = False
    opening: bool = False
    own: bool = False


class CardList(QAbstractListModel):
    """The rows that match `search` and `family`; a row's `SHOWN` is what to draw."""

    def __init__(self, fit_of: Callable[[ModelCard], Fit | None]) -> None:
        """`fit_of` says how a model fits this machine; it is asked for the rows in sight alone."""
        super().__init__()
        self._fit_of = fit_of
        self._cards: dict[str, ModelCard] = {}
        self._rows: list[Order] = []
        self._search = ""
        self._family: Family | None = None
        self._favourites: set[str] = set()
        self._own: set[str] = set()
        self._chosen, self._opening = "", False

    @property
    def families(self) -> list[Family]:
        """Those of all cards, matching or not, in the order of `Family`."""
        there = {card.family for card in self._cards.values()}
        return [family for family in Family if family in there]

    @property
    def total(self) -> int:
        """How many cards there are, matching or not."""
        return len(self._cards)

    def source_at(self, row: int) -> str:
        return self._rows[row][-1]

    def card_at(self, row: int) -> ModelCard:
        return self._cards[self.source_at(row)]

    def row_of(self, source: str) -> int:
        """-1 for one that is not in sight."""
        card = self._cards.get(source)
        if card is None:
            return -1
        place = bisect_left(self._rows, self._order(card))
        return place if place < len(self._rows) and self.source_at(place) == source else -1

    def take(self, cards: Iterable[ModelCard]) -> None:
        """Add cards, or show what is known better of them now."""
        for card in cards:
            row = self.row_of(card.source)
            if row >= 0 and self._matches(card) and self._order(card) == self._rows[row]:
                self._cards[card.source] = card
                self._changed(row)
                continue
            self._remove(row)
            self._cards[card.source] = card
            self._insert(card)

    def drop(self, sources: Iterable[str]) -> None:
        for source in sources:
            self._remove(self.row_of(source))
            self._cards.pop(source, None)

    def set_search(self, search: str, family: Family | None) -> None:
        """Show the cards that `search` finds, of one family or (None) of all."""
        self._search, self._family = search, family
        self._sort_anew()

    def set_favourites(self, favourites: Iterable[str]) -> None:
        self._favourites = set(favourites)
        self._sort_anew()

    def set_own(self, own: Iterable[str]) -> None:
        """Those that have settings of their own."""
        self._own = set(own)
        self._all_changed()

    def set_chosen(self, source: str, opening: bool) -> None:
        self._chosen, self._opening = source, opening
        self._all_changed()

    def refresh_fits(self) -> None:
        """How models fit is known, or otherwise than before."""
        self._all_changed()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        card = self.card_at(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return card.name
        if role == SHOWN:
            return self._shown(card)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_of(card, self._fit_of(card))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{card.name}, {card.family}, {card.problem or abilities_of(card)}"
        return None

    def _shown(self, card: ModelCard) -> Shown:
        source, chosen = card.source, card.source == self._chosen
        fit = None if card.problem else self._fit_of(card)
        return Shown(card, fit, source in self._favourites, chosen, chosen and self._opening, source in self._own)

    def _matches(self, card: ModelCard) -> bool:
        return self._family in (None, card.family) and matches(card, self._search)

    def _order(self, card: ModelCard) -> Order:
        favourite, bundled = card.source in self._favourites, card.place is Place.BUNDLED
        return not favourite, bool(card.problem), not bundled, card.name.casefold(), card.source

    def _insert(self, card: ModelCard) -> None:
        if self._matches(card):
            order = self._order(card)
            row = bisect_left(self._rows, order)
            self.beginInsertRows(QModelIndex(), row, row)
            self._rows.insert(row, order)
            self.endInsertRows()

    def _remove(self, row: int) -> None:
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._rows[row]
            self.endRemoveRows()

    def _sort_anew(self) -> None:
        self.beginResetModel()
        self._rows = sorted(self._order(card) for card in self._cards.values() if self._matches(card))
        self.endResetModel()

    def _changed(self, row: int) -> None:
        self.dataChanged.emit(self.index(row), self.index(row))

    def _all_changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
