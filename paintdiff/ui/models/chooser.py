"""The model at the top of the panel: what it is, a click to the browser, and the ones used last in its menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.model_card import Family, ModelCard
from paintdiff.ui import icons
from paintdiff.ui.breaking import breakable
from paintdiff.ui.elided import Elided
from paintdiff.ui.models.badge import badge
from paintdiff.ui.models.described import place_of
from paintdiff.ui.named import named

MARK = 28

class ModelChooser(QWidget):
    """Signals: `browse_asked()`; `menu_asked()` before the menu shows, to fill it."""

    browse_asked = Signal()
    menu_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name, self.facts = named(Elided(), "model_name"), named(Elided(), "model_facts")
        self._mark = QLabel()
        self._mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.name.setProperty("strong", True)
        self.facts.setProperty("muted", True)
        for label in (self.name, self.facts):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.browse = named(QToolButton(), "browse_models", "Choose a model (Ctrl+M)")
        self.browse.setProperty("card", True)
        self.browse.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.menu_button = named(QToolButton(), "recent_models", "Models used last, and favourites")
        self.menu_button.setProperty("card", True)
        self.menu_button.setIcon(icons.icon("chevron_down"))
        self.menu_button.setIconSize(QSize(14, 14))
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.menu_button.setMenu(self.menu)
        self.problem = named(QLabel(wordWrap=True), "model_problem")
        self.problem.setProperty("bad", True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.dismiss = named(QToolButton(), "dismiss_model_problem", "Take this line away")
        self.dismiss.setProperty("flat", True)
        self.dismiss.setIcon(icons.icon("discard"))
        self.dismiss.setIconSize(QSize(14, 14))
        self._lay_out()
        self.show_problem("")
        self.dismiss.clicked.connect(lambda: self.show_problem(""))
        self.browse.clicked.connect(self.browse_asked)
        self.menu.aboutToShow.connect(self.menu_asked)

    def _lay_out(self) -> None:
        inside = QHBoxLayout(self.browse)
        inside.setContentsMargins(8, 4, 8, 4)
        inside.setSpacing(10)
        text = QVBoxLayout()
        text.setSpacing(0)
        text.addWidget(self.name)
        text.addWidget(self.facts)
        inside.addWidget(self._mark)
        inside.addLayout(text, 1)
        height = self.name.sizeHint().height() + self.facts.sizeHint().height() + 8
        self.browse.setFixedHeight(height)
        self.menu_button.setFixedHeight(height)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.browse, 1)
        row.addWidget(self.menu_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 4)
        column.setSpacing(6)
        column.addLayout(row)
        said = QHBoxLayout()
        said.setSpacing(4)
        said.addWidget(self.problem, 1)
        said.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(said)

    def show_model(self, card: ModelCard, info: ModelInfo | None, waiting: bool) -> None:
        """The chosen model; `info` is None until it is open, and `waiting` says that a job comes first."""
        name = card.name if card.family is not Family.UNKNOWN or info is None else info.name
        facts = facts_of(card, info, waiting)
        self.name.show_text(name.removesuffix(".safetensors"))
        self.facts.show_text(facts)
        self._mark.setPixmap(badge(card.family, MARK, self.devicePixelRatioF()))
        self.browse.setAccessibleName(f"Model: {name}, {facts}")
        self.browse.setToolTip(f"{name}\n{card.source}\n\nChoose a model (Ctrl+M)")

    def show_problem(self, sentence: str) -> None:
        """Why a model could not be opened, until it is cleared with ""."""
        self.problem.setText(breakable(sentence))
        for part in (self.problem, self.dismiss):
            part.setVisible(bool(sentence))


def facts_of(card: ModelCard, info: ModelInfo | None, waiting: bool) -> str:
    """What stands below the name: what it is, or what becomes of it."""
    if info is None:
        return "Opens after this generation" if waiting else "Opening…"
    family = "" if card.family is Family.UNKNOWN else str(card.family)
    if family == card.name:
        family = place_of(card)
    prompts = "" if info.text and not info.labels else f"{info.labels} classes" if info.labels else "no prompts"
    return " · ".join(part for part in (family, f"{info.size} px", prompts) if part)
