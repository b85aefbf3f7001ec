"""All about models in the window: puts the library, the choice, the browser and the downloads together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family, ModelCard
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.jobs.jobs import Jobs
from paintdiff.jobs.question import Question
from paintdiff.jobs.scanning import Scan
from paintdiff.ui import icons
from paintdiff.ui.generating import Generating
from paintdiff.ui.generation_panel import ADD_ONS, CONTROLS, GenerationPanel
from paintdiff.ui.models.library import Library
from paintdiff.ui.models.remembered import RememberedModels
from paintdiff.ui.models.switching import Switching

if TYPE_CHECKING:
    from paintdiff.jobs.downloads import Downloads
    from paintdiff.models.add_on import AddOnCard
    from paintdiff.models.fit import Fit
    from paintdiff.models.machine import Machine
    from paintdiff.ui.models.browser import ModelBrowser
    from paintdiff.ui.models.card_list import CardList

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")  # the others are refused with a sentence


def scan_models(folders: Sequence[Path]) -> Iterable[ModelCard]:
    """Every model on this machine; called on another thread."""
    from paintdiff.models.catalogue import scan  # not before the window is shown

    return scan(folders)


def measure() -> Machine:
    """What this machine has free for a model; called on another thread."""
    from paintdiff.models.machine import measure_machine

    return measure_machine()


def is_model(path: Path) -> bool:
    """Whether what was dropped is to be opened as a model or a folder of them, and not as a picture."""
    return path.is_dir() or path.suffix.lower() in ENDINGS


class Models(QObject):
    """The window's models. What the browser needs is made when it is first opened.

    Signal: `noticed(str)` for the status bar.
    """

    noticed = Signal(str)

    def __init__(
        self, window: QWidget, jobs: Jobs, generating: Generating, panel: GenerationPanel,
        remembered: RememberedModels, scan: Scan = scan_models, measure: Callable[[], Machine] = measure,
    ) -> None:
        super().__init__(window)
        self._window, self._panel, self._remembered = window, panel, remembered
        self.chooser = panel.model_chooser
        self.library = Library(scan, self)
        self.switching = Switching(jobs, generating, panel, self.library, remembered)
        self.switching.setParent(self)
        self.browser: ModelBrowser | None = None
        self.downloads: Downloads | None = None
        self._cards: CardList | None = None
        self._machine: Machine | None = None
        self._measure, self._questions = measure, list[Question]()
        self.chooser.browse_asked.connect(self.browse)
        self.chooser.menu_asked.connect(self._fill_menu)
        self.switching.changed.connect(self._show_chosen)
        self.switching.failed.connect(self._on_failed)
        self.switching.noticed.connect(self.noticed)
        generating.changed.connect(self._show_chosen)
        self.library.found.connect(lambda _cards: self._show_chosen())
        self._show_chosen()

    def browse(self) -> None:
        """Open the browser, and look again what is there."""
        first = self.browser is None
        browser = self._made_browser()
        if not first or not self.library.looking:
            self.library.refresh()
        self._ask_machine()
        browser.open_at(self.switching.chosen)

    def choose(self, source: str, keep_settings: bool = False) -> None:
        """Let `source` paint from the next job on; the prompt stays, and so do settings that the user has set."""
        self.chooser.show_problem("")
        self.switching.choose(source, keep_settings)

    def open_path(self, path: Path) -> None:
        """Open a file or folder that was dropped: a model is chosen, a folder of models is looked through."""
        from paintdiff.models.add_on import AddOnCard
        from paintdiff.models.catalogue import look_at
        from paintdiff.models.walk import CONFIG, INDEX

        if path.is_dir() and not any((path / file).is_file() for file in (CONFIG, INDEX)):
            self._add_folder(path)
            return
        try:
            card = look_at(str(path))
        except UserError as error:
            self._say_problem(_without_folder(str(error), str(path)))
            return
        if isinstance(card, AddOnCard):
            self._add_on(card)
            return
        self.library.add(card)
        if not card.problem and self.browser is not None:
            self.browser.hide()
        self.choose(card.source)

    def close(self) -> None:
        """The window goes: begin nothing more."""
        self._remembered.note_opening("")
        if self.browser is not None:
            self.browser.close()
        self.stop(0)

    def stop(self, wait_ms: int) -> bool:
        """End what runs in the background; False if something does not within `wait_ms`."""
        ended = self.library.stop(wait_ms)
        if self.downloads is not None:
            ended = self.downloads.stop(wait_ms) and ended
        return all(question.wait(wait_ms) for question in self._questions) and ended

    def _made_browser(self) -> ModelBrowser:
        if self.browser is None:
            from paintdiff.jobs.downloads import Downloads
            from paintdiff.ui.models.browser import ModelBrowser
            from paintdiff.ui.models.card_list import CardList
            from paintdiff.ui.models.folder_menu import FolderMenu

            self.downloads = Downloads(self)
            self._cards = CardList(self._fit_of)
            self._cards.setParent(self)
            folders = FolderMenu(self.library, self._window)
            self.browser = ModelBrowser(self._window, self._cards, folders, self.downloads)
            self._connect_browser(self.browser, self._cards, self.downloads, folders)
        return self.browser

    def _connect_browser(
        self, browser: ModelBrowser, cards: CardList, downloads: Downloads, folders: QObject
    ) -> None:
        library = self.library
        cards.set_favourites(self._remembered.favourites)
        cards.set_own(self._remembered.with_settings)
        cards.take(library.cards)
        library.found.connect(cards.take)
        library.gone.connect(cards.drop)
        library.looking_changed.connect(browser.show_looking)
        browser.show_looking(library.looking)
        browser.use_asked.connect(self._use)
        browser.starred.connect(self._star)
        browser.dropped.connect(lambda paths: self.open_path(paths[0]))
        browser.folders.noticed.connect(browser.show_problem)
        browser.hub.use_asked.connect(self._use_fetched)
        downloads.finished.connect(self._on_fetched)
        downloads.failed.connect(lambda name, why: None if browser.isVisible() else self.noticed.emit(f"{name}: {why}"))
        self._show_chosen()

    def _use(self, source: str) -> None:
        card = self.library.card(source)
        if card.problem:
            self._say_problem(card.problem)
            return
        if self.browser is not None:
            self.browser.hide()
        self.choose(source)

    def _use_fetched(self, name: str) -> None:
        from paintdiff.models.hub_name import parse_hub_name

        self._use(str(replace(parse_hub_name(name), variant="")))

    def _on_fetched(self, name: str, _path: object) -> None:
        self.library.refresh()
        self.noticed.emit(f"Downloaded {name}.")

    def _star(self, source: str) -> None:
        self._remembered.set_favourite(source, source not in self._remembered.favourites)
        if self._cards is not None:
            self._cards.set_favourites(self._remembered.favourites)

    def _add_on(self, card: AddOnCard) -> None:
        """Put what was dropped on the models that it fits."""
        from paintdiff.models.families import Part

        add_ons, controls = self._panel.add_ons, self._panel.controls
        ways: dict[Part, tuple[str, Callable[[str], None]]] = {
            Part.LORA: (ADD_ONS, add_ons.loras.add), Part.VAE: (ADD_ONS, add_ons.vae.set_value),
            Part.CONTROLNET: (CONTROLS, controls.add_network), Part.IP_ADAPTER: (CONTROLS, controls.add_adapter),
        }  # fmt: skip
        what = f"{card.name} ({card.part.value})"
        if card.problem:
            self._say_problem(_without_folder(card.problem, card.source))
        elif card.part in ways:
            heading, take = ways[card.part]
            take(card.source)
            others = "another kind of model" if card.family is Family.UNKNOWN else card.family
            waits = f"is for {others}: it counts once such a model is chosen"
            hidden = self._panel.sections[heading].isHidden()
            self.noticed.emit(f"{what} {waits if hidden else f'is under “{heading}” now'}.")
        elif card.part is Part.EMBEDDING:
            self.noticed.emit(f"{what}: add its folder in All models, then write {card.name} in a prompt.")
        else:
            self.noticed.emit(f"{what} is no model but goes with one.")

    def _add_folder(self, folder: Path) -> None:
        try:
            self.library.add_folder(folder)
        except UserError as error:
            self._say_problem(str(error))
            return
        self.noticed.emit(f"Looking for models in {folder.name}.")
        self.browse()

    def _ask_machine(self) -> None:
        self._questions = [each for each in self._questions if each.isRunning()]
        question = Question(self._measure, self)
        question.answered.connect(self._on_machine)
        self._questions.append(question)
        question.start()

    def _on_machine(self, machine: Machine) -> None:
        self._machine = machine
        if self._cards is not None:
            self._cards.refresh_fits()

    def _fit_of(self, card: ModelCard) -> Fit | None:
        from paintdiff.models.fit import fit_of

        return fit_of(card, self._machine) if self._machine is not None else None

    def _on_failed(self, name: str, why: str) -> None:
        self._say_problem(why if name in why else f"{name}: {why}")

    def _say_problem(self, sentence: str) -> None:
        self.chooser.show_problem(sentence)
        if self.browser is not None and self.browser.isVisible():
            self.browser.show_problem(sentence)

    def _show_chosen(self) -> None:
        switching = self.switching
        self.chooser.show_model(switching.card, switching.info, switching.waiting)
        if self._cards is not None:
            self._cards.set_own(self._remembered.with_settings)
            self._cards.set_chosen(switching.chosen, switching.opening)

    def _fill_menu(self) -> None:
        menu, switching = self.chooser.menu, self.switching
        menu.clear()
        favourites = self._remembered.favourites
        last = [each for each in (*self._remembered.recent, BUNDLED_MODEL) if each not in favourites]
        for title, sources in (("Favourites", favourites), ("Used last", list(dict.fromkeys(last)))):
            if sources:
                menu.addAction(title).setEnabled(False)
            for source in sources:
                menu.addAction(self._switch_to(source))
        menu.addSeparator()
        menu.addAction(icons.icon("model"), "All models…\tCtrl+M", self.browse)
        menu.addSeparator()
        name = switching.card.name.replace("&", "&&")
        keep = menu.addAction("Keep these settings for this model", switching.save_settings)
        keep.setToolTip(f"They come back whenever you choose {name}; prompt, seed and strength are not among them.")
        forget = menu.addAction("Forget this model's own settings", switching.forget_settings)
        forget.setEnabled(switching.has_own_settings)

    def _switch_to(self, source: str) -> QAction:
        card = self.library.card(source)
        action = QAction(card.name.replace("&", "&&"), self.chooser.menu)
        if source == self.switching.chosen:  # the others show no empty box
            action.setCheckable(True)
            action.setChecked(True)
        action.setEnabled(not card.problem)
        action.setToolTip(card.problem or source)
        action.triggered.connect(lambda: self.choose(source))
        return action


def _without_folder(problem: str, source: str) -> str:
    """`problem` with the file's name alone: who dropped it knows where it lies, and the panel is narrow."""
    return problem.replace(f"{Path(source).parent}/", "")
