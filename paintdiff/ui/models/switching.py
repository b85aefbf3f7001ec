"""Which model paints: from the choice to the loaded model, or back to the last good one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.model_card import ModelCard
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.generation.sampling import Sampling
from paintdiff.jobs.jobs import Jobs
from paintdiff.models.usual import asked_by_loras, described
from paintdiff.ui.generating import Generating
from paintdiff.ui.generation_panel import GenerationPanel
from paintdiff.ui.models.library import Library
from paintdiff.ui.models.remembered import RememberedModels


class Switching(QObject):
    """The next job runs on the model that was chosen last; one that cannot be opened gives way to the one before it.

    Signals: `changed()` when another model is chosen, is open, or has other settings of its own; `failed(str, str)`
    with the name of a model that cannot be opened and why; `noticed(str)` for the status bar.
    """

    changed = Signal()
    failed = Signal(str, str)
    noticed = Signal(str)

    def __init__(
        self, jobs: Jobs, generating: Generating, panel: GenerationPanel, library: Library,
        remembered: RememberedModels,
    ) -> None:
        super().__init__()
        self._jobs, self._generating, self._panel = jobs, generating, panel
        self._library, self._remembered = library, remembered
        self._good = BUNDLED_MODEL  # to fall back on
        self._info: ModelInfo | None = None
        self._keeps_settings = False
        jobs.model_loaded.connect(self._on_loaded)
        jobs.warm_up_failed.connect(self._on_failed)
        self._asked: dict[str, object] = {}  # by the LoRAs in the panel
        panel.add_ons.changed.connect(self._on_add_ons)
        panel.set_defaults(self._wanted())

    @property
    def chosen(self) -> str:
        """The source of the model that the next job runs on."""
        return self._generating.model

    @property
    def card(self) -> ModelCard:
        return self._library.card(self.chosen)

    @property
    def info(self) -> ModelInfo | None:
        """What the chosen model says of itself, once it is open."""
        return self._info

    @property
    def opening(self) -> bool:
        """Whether the chosen model is still to be opened."""
        return self._info is None

    @property
    def waiting(self) -> bool:
        """Whether that has to wait for the job that runs."""
        return self.opening and self._generating.running

    @property
    def has_own_settings(self) -> bool:
        """Whether the user saved settings for the chosen model."""
        return bool(self._remembered.settings_of(self.chosen))

    def choose(self, source: str, keep_settings: bool = False) -> None:
        """Run the next job on the model that `source` names, and open it in the background.

        The prompt stays, and so do settings that the user has set; with `keep_settings` all do.
        """
        if source == self.chosen:
            return
        problem = self._library.card(source).problem
        if problem:
            self.failed.emit(self._library.card(source).name, problem)
            return
        self._keeps_settings = keep_settings
        self._take(source)

    def open_chosen(self) -> None:
        """Open the chosen model before anyone asks for a picture."""
        self._remembered.note_opening(self.chosen)
        self._generating.warm_up()

    def save_settings(self) -> None:
        """Keep what the panel says now, as far as it differs from what the model itself wants, as the model's own."""
        wanted = self._own_defaults() | self._asked
        usual = Sampling()
        set_now = self._panel.settings_for_model()
        own = {name: value for name, value in set_now.items() if value != wanted.get(name, getattr(usual, name))}
        self._remembered.save_settings(self.chosen, own)
        self._panel.set_defaults(self._wanted(), follow=False)
        self.noticed.emit(f"These settings come back whenever you choose {self.card.name}.")
        self.changed.emit()

    def forget_settings(self) -> None:
        """Let the model's own settings go again."""
        self._remembered.save_settings(self.chosen, {})
        self._panel.set_defaults(self._wanted())
        self.changed.emit()

    def _take(self, source: str) -> None:
        self._info = None
        self._generating.set_model(source, self._library.card(source).side)
        self._panel.set_defaults(self._wanted(), follow=not self._keeps_settings)
        self.open_chosen()
        self.changed.emit()

    def _on_loaded(self, info: ModelInfo, source: str) -> None:
        if source != self.chosen:
            return
        first, self._good, self._info = self._info is None, source, info
        if first:  # and not for each of its jobs
            self._remembered.note_opening("")
            self._remembered.add_recent(source)
            self._panel.show_model(info)
            self._panel.set_defaults(self._wanted(), follow=not self._keeps_settings)
            self._keeps_settings = False
        self.changed.emit()

    def _on_failed(self, source: str, why: str) -> None:
        if source != self.chosen:
            return
        self._keeps_settings = False
        self._remembered.note_opening("")
        self.failed.emit(self._library.card(source).name, why)
        if source != self._good:
            self._remembered.forget_recent(source)
            self._take(self._good)
        elif self._info is None and source != BUNDLED_MODEL:
            self._good = BUNDLED_MODEL  # it opened before, and does not when it is gone back to
            self._take(BUNDLED_MODEL)

    def _on_add_ons(self) -> None:
        """Let the panel follow a LoRA for few steps that came or went."""
        fills = self._info is not None and self._info.mask_channels
        name, asked = asked_by_loras(self._panel.add_ons.value().loras, fills)
        if asked == self._asked:
            return
        self._asked = asked
        self._panel.set_defaults(self._wanted())
        if name:
            self.noticed.emit(f"{name} asks for {described(asked)}; what you have set yourself stays.")

    def _wanted(self) -> dict[str, object]:
        """What the chosen model wants, before that what the user wants of it, and first what a LoRA asks for."""
        return self._own_defaults() | self._remembered.settings_of(self.chosen) | self._asked

    def _own_defaults(self) -> dict[str, object]:
        return dict(self._info.defaults) if self._info is not None else {}
