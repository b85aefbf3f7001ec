"""The model browser: every model as a card, searched as you type, with folders and the hub to get more from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from paintdiff.generation.model_card import Family
from paintdiff.jobs.downloads import Downloads
from paintdiff.ui import icons
from paintdiff.ui.breaking import breakable
from paintdiff.ui.dropping import paths_in
from paintdiff.ui.elided import Elided
from paintdiff.ui.models.card_list import SHOWN, CardList, Shown
from paintdiff.ui.models.card_view import CardView
from paintdiff.ui.models.described import facts_of, problem_of, source_of
from paintdiff.ui.models.folder_menu import FolderMenu
from paintdiff.ui.models.hub_panel import HubPanel
from paintdiff.ui.named import named

WALKING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
SHARE = 0.8  # of the window's width and height, where that is more than it needs
HEIGHT = 28  # of what stands in one line
NONE_YET = (
    "Only the model that ships with PaintDiff is here yet.\n\nAdd a folder in which you keep models, name one on the "
    "hub below, or drop a .safetensors file here."
)


class ModelBrowser(QDialog):
    """Shows `cards`. Signals: `use_asked(str)` and `starred(str)` with a source, `dropped(list)` of paths."""

    use_asked = Signal(str)
    starred = Signal(str)
    dropped = Signal(list)

    def __init__(self, parent: QWidget | None, cards: CardList, folders: FolderMenu, downloads: Downloads) -> None:
        super().__init__(parent)
        self.setObjectName("model_browser")
        self.setWindowTitle("Models")
        self.setAcceptDrops(True)
        self._cards, self._looking = cards, False
        self._place: QPoint | None = None  # where the user left it
        self.search = named(QLineEdit(), "model_search", "Search by name, family, licence or folder")
        self.search.setPlaceholderText("Search models")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icons.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.family = named(QComboBox(), "model_family", "Show the models of one family")
        self.folders = folders
        self.folder_button = named(QToolButton(), "model_folders", "The folders in which PaintDiff looks for models")
        self.folder_button.setText("Folders")
        self.folder_button.setIcon(icons.icon("open"))
        self.folder_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.folder_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.folder_button.setMenu(folders)
        self.view = CardView(cards)
        self.hub = HubPanel(downloads)
        self.said = named(QLabel(), "model_said")
        self.said.setProperty("muted", True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.where = named(Elided(), "model_where")
        self.where.setProperty("muted", True)
        self.use = named(QPushButton("Use this model"), "use_model")
        self.use.setAutoDefault(False)
        self._lay_out()
        self._connect()
        self._show_families()
        self._show_said()
        self.search.setFocus()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.search, 1)
        top.addWidget(self.family)
        top.addWidget(self.folder_button)
        bottom = QHBoxLayout()
        bottom.setSpacing(12)
        said = QVBoxLayout()
        said.setSpacing(0)
        said.addWidget(self.said, 1)
        said.addWidget(self.where)
        bottom.addLayout(said, 1)
        bottom.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(10)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addLayout(bottom)
        column.addWidget(_rule())
        column.addWidget(self.hub)
        for control in (self.search, self.family, self.folder_button, self.use, self.hub.name, self.hub.get):
            control.setFixedHeight(HEIGHT)
        self.said.setFixedHeight(2 * self.said.fontMetrics().lineSpacing() + 2)
        above = self.parentWidget()
        self.resize(QSize(1000, 640).expandedTo(above.size() * SHARE if above is not None else QSize()))
        self.setMinimumSize(560, 420)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._filter())
        self.search.installEventFilter(self)
        self.family.currentIndexChanged.connect(lambda _index: self._filter())
        self.view.chosen_changed.connect(lambda _source: self._show_said())
        self.view.use_asked.connect(self.use_asked)
        self.view.starred.connect(self.starred)
        self.view.typed.connect(self._type)
        self.use.clicked.connect(lambda: self.use_asked.emit(self.view.source))
        for signal in (self._cards.rowsInserted, self._cards.rowsRemoved, self._cards.modelReset):
            signal.connect(self._on_rows)
        self._cards.dataChanged.connect(lambda *_: self._show_said())

    def show_looking(self, looking: bool) -> None:
        """Whether folders are being looked through just now."""
        self._looking = looking
        self._show_families()
        self._show_said()

    def show_problem(self, sentence: str) -> None:
        """Why a model could not be opened."""
        self._say(sentence, bad=True)

    def open_at(self, source: str) -> None:
        """Show it, with the card of `source` chosen."""
        if self._place is not None and not self.isVisible():
            self.move(self._place)  # or it comes back lower by its title bar
        self.show()
        self.raise_()
        self.activateWindow()
        self.search.setFocus()
        self.search.selectAll()
        if not self.view.choose(source) and self._cards.rowCount():
            self.view.choose_first()

    def hideEvent(self, event: QHideEvent) -> None:
        self._place = self.pos()
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While one types, the arrows walk through the cards and Enter uses the one they are on."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in WALKING:
                self.view.setFocus()
                self.view.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self.view.source:
                    self.use_asked.emit(self.view.source)
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # each field says itself what Enter does
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths_in(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if paths := paths_in(event):
            self.dropped.emit(paths)

    def _filter(self) -> None:
        self._cards.set_search(self.search.text(), self.family.currentData())

    def _type(self, text: str) -> None:
        self.search.setFocus()
        if text == "\b":
            self.search.backspace()
        else:
            self.search.insert(text)

    def _on_rows(self) -> None:
        self._show_families()
        if not self.view.currentIndex().isValid() and self._cards.rowCount():
            self.view.choose_first()
        self._show_said()

    def _show_families(self) -> None:
        shown = [self.family.itemData(row) for row in range(1, self.family.count())]
        if shown != self._cards.families or not self.family.count():
            chosen = self.family.currentData()
            self.family.blockSignals(True)
            self.family.clear()
            self.family.addItem("All families", None)
            for family in self._cards.families:
                self.family.addItem("Unknown kind" if family is Family.UNKNOWN else str(family), family)
            self.family.setCurrentIndex(max(0, self.family.findData(chosen)))
            self.family.blockSignals(False)
            if self.family.currentData() != chosen:
                self._filter()
        self.view.show_hint(self._hint())

    def _hint(self) -> str:
        """What there is to say where no cards are."""
        if not self._cards.rowCount() and self._cards.total:
            return "None of the models here fits.\n\nEsc clears the search; the hub below may have it."
        if self._cards.total > 1:
            return ""
        return "Looking for models…" if self._looking else NONE_YET

    def _show_said(self) -> None:
        """Under the cards: all there is to say of the chosen one."""
        index = self.view.currentIndex()
        shown: Shown | None = index.data(SHOWN) if index.isValid() else None
        self.use.setEnabled(shown is not None and not shown.card.problem and not shown.chosen)
        self.use.setText("In use" if shown is not None and shown.chosen and not shown.opening else "Use this model")
        if shown is None:
            self._say("Looking for models…" if self._looking else "")
        elif shown.card.problem:
            self._say(problem_of(shown.card), bad=True)
        else:
            self._say(shown.fit.whole if shown.fit is not None else facts_of(shown.card))
        self.where.show_text(source_of(shown.card) if shown is not None else "")

    def _say(self, text: str, bad: bool = False) -> None:
        self.said.setText(breakable(text))
        self.said.setToolTip(text)
        if self.said.property("bad") != bad:
            self.said.setProperty("bad", bad)
            self.said.setProperty("muted", not bad)
            self.said.style().unpolish(self.said)
            self.said.style().polish(self.said)


def _rule() -> QWidget:
    rule = named(QWidget(), "rule")
    rule.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    rule.setFixedHeight(1)
    return rule
