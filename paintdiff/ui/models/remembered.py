"""What the window remembers of models: which were chosen last, the favourites, and each model's own settings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from PySide6.QtCore import QSettings

RECENT_COUNT = 5
Values = dict[str, object]


class RememberedModels:
    """Kept beside the other settings; models are named by their `ModelCard.source`."""

    def __init__(self, store: QSettings) -> None:
        self._store = store

    @property
    def recent(self) -> list[str]:
        """The models chosen last, the newest first."""
        return self._strings("models/recent")

    def add_recent(self, source: str) -> None:
        kept = [source, *(each for each in self.recent if each != source)][:RECENT_COUNT]
        self._store.setValue("models/recent", kept)

    def forget_recent(self, source: str) -> None:
        """Do not begin with it again."""
        self._store.setValue("models/recent", [each for each in self.recent if each != source])

    @property
    def first(self) -> str:
        """What to begin with: the model chosen last, or "" if there is none or it was being opened as all ended."""
        last = next(iter(self.recent), "")
        return "" if last == str(self._store.value("models/opening", "")) else last

    def note_opening(self, source: str) -> None:
        """`source` is being opened; "" when that is over, well or not."""
        self._store.setValue("models/opening", source)
        self._store.sync()  # a process that runs out of memory writes nothing any more

    @property
    def favourites(self) -> list[str]:
        return self._strings("models/favourites")

    def set_favourite(self, source: str, favourite: bool) -> None:
        kept = [each for each in self.favourites if each != source]
        self._store.setValue("models/favourites", [*kept, source] if favourite else kept)

    def settings_of(self, source: str) -> Values:
        """The values that the user saved as this model's own, by the name of their parameter."""
        return self._all_settings().get(source, {})

    def save_settings(self, source: str, values: Mapping[str, object]) -> None:
        """Keep `values` as the model's own; none forgets them."""
        every = self._all_settings()
        every.pop(source, None)
        if values:
            every[source] = dict(values)
        self._store.setValue("models/settings", json.dumps(every))

    @property
    def with_settings(self) -> list[str]:
        """The models that have settings of their own."""
        return list(self._all_settings())

    def _all_settings(self) -> dict[str, Values]:
        try:
            every = json.loads(str(self._store.value("models/settings", "{}")))
        except ValueError:
            return {}
        stored = every.items() if isinstance(every, dict) else ()
        return {source: values for source, values in stored if isinstance(values, dict)}

    def _strings(self, key: str) -> list[str]:
        stored = self._store.value(key, [])
        return [str(each) for each in (stored if isinstance(stored, list) else [stored] if stored else [])]
