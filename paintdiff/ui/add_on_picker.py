"""Choosing a LoRA or another autoencoder: those in the user's folders by name, or any file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from paintdiff.generation.model_card import Family
from paintdiff.jobs.question import Question
from paintdiff.ui.models.described import readable_bytes, tilde
from paintdiff.ui.named import named

if TYPE_CHECKING:
    from paintdiff.models.add_on import AddOnCard

LORA, VAE = "LoRA", "autoencoder"  # as `Part` calls them
FILES = "Weights (*.safetensors)"
WALKING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
Look = Callable[[], "Iterable[AddOnCard]"]


def look_for_add_ons() -> Iterable[AddOnCard]:
    """Every add-on on this machine; called on another thread."""
    from paintdiff.models.catalogue import scan_add_ons

    return list(scan_add_ons())


class AddOnPicker(QDialog):
    """A list of the add-ons of one kind that go with a model. Signal: `chosen(str)`, the file or folder."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget, look: Look, part: str, family: Family) -> None:
        super().__init__(parent)
        self.setObjectName("add_on_picker")
        self.setWindowTitle(f"Choose {'an' if part[0] in 'aI' else 'a'} {part}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._part, self._family = part, family
        self.search = named(QLineEdit(placeholderText="Search", clearButtonEnabled=True), "add_on_search", "Search")
        self.list = named(QListWidget(), "add_on_list")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.about = QLabel("Looking…", wordWrap=True)
        self.about.setProperty("muted", True)
        self.use = named(QPushButton("Use"), "use_add_on")
        self.use.setDefault(True)
        self.use.setEnabled(False)
        self._lay_out()
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._filter)
        self.list.currentItemChanged.connect(self._on_current)
        self.list.itemActivated.connect(self._take)
        self.use.clicked.connect(lambda: self._take(self.list.currentItem()))
        self.resize(460, 420)
        self._question = Question(lambda: list(look()), self)
        self._question.answered.connect(self._fill)
        self._question.start()

    def _lay_out(self) -> None:
        browse = named(QPushButton("Choose a file…"), "browse_add_on")
        cancel = QPushButton("Cancel")
        browse.clicked.connect(self._browse)
        cancel.clicked.connect(self.reject)
        for button in (browse, cancel):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.addWidget(browse)
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.use)
        column = QVBoxLayout(self)
        for widget in (self.search, self.list, self.about):
            column.addWidget(widget)
        column.addLayout(buttons)

    def _fill(self, cards: list[AddOnCard]) -> None:
        mine = sorted((card for card in cards if card.part.value == self._part), key=lambda card: card.name.lower())
        for card in mine:
            self.list.addItem(self._item(card))
        if not mine:
            self.about.setText(
                f"No {self._part} lies in the folders that are looked through. Add a folder to All models, or choose a "
                "file."
            )
        else:
            self._on_current(self.list.currentItem())
        self._filter(self.search.text())

    def _item(self, card: AddOnCard) -> QListWidgetItem:
        item = QListWidgetItem(card.name)
        item.setData(Qt.ItemDataRole.UserRole, card.source)
        foreign = Family.UNKNOWN not in (card.family, self._family) and card.family is not self._family
        problem = card.problem or (f"Made for {card.family}, and the model is {self._family}." if foreign else "")
        known = "" if card.family is Family.UNKNOWN else str(card.family)
        facts = [known, readable_bytes(card.size_bytes), card.words and f"words: {card.words}"]
        about = problem or " · ".join(fact for fact in (*facts, tilde(Path(card.source).parent)) if fact)
        item.setData(Qt.ItemDataRole.UserRole + 1, about)
        item.setToolTip(f"{card.source}\n{about}")
        if problem:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        return item

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        items = [self.list.item(row) for row in range(self.list.count())]
        for item in items:
            item.setHidden(not all(word in item.text().lower() for word in words))
        usable = [each for each in items if not each.isHidden() and each.flags() & Qt.ItemFlag.ItemIsEnabled]
        if self.list.currentItem() not in usable:
            self.list.setCurrentItem(usable[0] if usable else None)  # type: ignore[arg-type]

    def _on_current(self, item: QListWidgetItem | None) -> None:
        self.use.setEnabled(item is not None)
        if self.list.count():
            self.about.setText(item.data(Qt.ItemDataRole.UserRole + 1) if item is not None else "Nothing of that name.")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While one types, the arrows walk through the list."""
        walks = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in WALKING
        if watched is self.search and walks:
            return QApplication.sendEvent(self.list, event)
        return super().eventFilter(watched, event)

    def _browse(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, self.windowTitle(), str(Path.home()), FILES)
        if file:
            self._choose(file)

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self._choose(item.data(Qt.ItemDataRole.UserRole))

    def _choose(self, source: str) -> None:
        self.chosen.emit(source)
        self.accept()

    def done(self, result: int) -> None:
        self._question.wait(2000)
        super().done(result)
