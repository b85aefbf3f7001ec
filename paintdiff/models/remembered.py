"""What was told from headers before, so that a look through hundreds of files does not open each of them again."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from paintdiff import __version__
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.describe import Card, describe
from paintdiff.models.families import Part
from paintdiff.models.places import cache_folder, write_json

VERSION = f"{__version__}-3"  # of what is told; another one is not believed
MOST = 20_000


class Remembered:
    """Cards of files by path, size and time of change, kept as JSON in the user's cache folder.

    A memory that cannot be read or written is an empty one.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_folder() / "model-cards.json"
        self._old = self._read()
        self._new: dict[str, Any] = {}

    def describe(self, path: Path, place: Place) -> Card | None:
        """As `describe.describe`, from memory where the file has not changed. Folders are always looked at."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        if path.is_dir():
            return describe(path, place)
        key, state = str(path), [status.st_size, status.st_mtime_ns, place.value]
        entry = self._old.get(key)
        if isinstance(entry, dict) and entry.get("state") == state:
            with suppress(KeyError, TypeError, ValueError):
                card = _card(entry["card"])
                self._new[key] = entry
                return card
        card = describe(path, place)
        self._new[key] = {"state": state, "card": None if card is None else _values(card)}
        return card

    def write(self) -> None:
        """Keep what was met, and what was not met this time but is still there."""
        kept = {path: entry for path, entry in self._old.items() if path not in self._new and os.path.exists(path)}
        entries = dict(list((self._new | kept).items())[:MOST])
        if entries != self._old:
            with suppress(OSError):
                write_json(self._file, {"version": VERSION, "cards": entries})

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        cards = values.get("cards") if isinstance(values, dict) and values.get("version") == VERSION else None
        return cards if isinstance(cards, dict) else {}


def _values(card: Card) -> dict[str, Any]:
    return asdict(card)


def _card(values: Any) -> Card | None:
    """Raises KeyError, TypeError or ValueError for what is no card."""
    if values is None:
        return None
    values = values | {"family": Family(values["family"])}
    if "part" in values:
        return AddOnCard(**values | {"part": Part(values["part"])})
    return ModelCard(**values | {"place": Place(values["place"])})
