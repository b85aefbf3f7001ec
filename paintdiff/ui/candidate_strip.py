"""The candidates below the picture: look, compare, measure, go back in time, accept one or discard them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from paintdiff.ui import icons
from paintdiff.ui.candidate_list import SIDE, CandidateList, Thumbnail
from paintdiff.ui.named import named
from paintdiff.ui.time_row import TimeRow

HEIGHT = SIDE + 56
BACK = "To picture"
ACCEPT = "Put the chosen one in as a new layer (Enter)"


class CandidateStrip(QWidget):
    """Shows candidates; which one is looked at (the pointer over it, or else the chosen one) is told to the canvas.

    Signals: `chosen_changed(int)` and `looked_at(int)` with -1 for none, `accept_asked(int)`, `discard_asked()`,
    `comparing(bool)`, `time_moved()`, `branch_asked()`, `measure_asked()`, `sorting_changed()`, `surprise_changed()`.
    """

    chosen_changed = Signal(int)
    looked_at = Signal(int)
    accept_asked = Signal(int)
    discard_asked = Signal()
    comparing = Signal(bool)
    time_moved = Signal()
    branch_asked = Signal()
    measure_asked = Signal()
    sorting_changed = Signal()
    surprise_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)  # for its ground and the line above it
        self.list, self.time = CandidateList(), TimeRow()
        self.accept = _button("accept", BACK, ACCEPT)
        self.accept.setMinimumWidth(self.accept.sizeHint().width())  # whichever of the two it says
        self.discard = _button("discard", "Discard", "Drop all candidates (Delete)")
        self.compare = _button("compare", "Before", "Hold to see the picture without it (hold \\)")
        self.measure = _button(
            "likely", "How likely?", "Measure how likely the model finds each candidate; this takes a while"
        )
        self.sort = _button("sort", "Likeliest first", "Sort the candidates by how likely they are, once measured")
        self.surprise = _button("surprise", "Surprise", "Show where the picture surprises the model, once measured")
        self.sort.setCheckable(True)
        self.surprise.setCheckable(True)
        self._lay_out()
        self._connect()
        self.hide()

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setContentsMargins(0, 3, 0, 5)
        buttons.setHorizontalSpacing(4)
        buttons.setVerticalSpacing(2)
        columns = ((self.measure, self.sort, self.surprise), (self.accept, self.compare, self.discard))
        for x, held in enumerate(columns):
            for y, button in enumerate(held):
                buttons.addWidget(button, y, x)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.list, 1)
        row.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 1, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.time)
        column.addLayout(row, 1)
        self.setFixedHeight(max(HEIGHT, self.minimumSizeHint().height()))  # more with a large font

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemEntered.connect(lambda item: self.looked_at.emit(self.list.row(item)))
        self.list.pointer_left.connect(self._tell)
        self.list.accept_asked.connect(self._accept)
        self.list.discard_asked.connect(self.discard_asked)
        self.list.step_asked.connect(self.time.move_by)
        self.list.branch_asked.connect(self.time.branch.click)
        self.time.moved.connect(lambda _place: self.time_moved.emit())
        self.time.placed.connect(self._show_buttons)
        self.time.branch_asked.connect(self.branch_asked)
        self.accept.clicked.connect(self._accept)
        self.discard.clicked.connect(self.discard_asked)
        self.compare.pressed.connect(lambda: self.comparing.emit(True))
        self.compare.released.connect(lambda: self.comparing.emit(False))
        self.measure.clicked.connect(self.measure_asked)
        self.sort.toggled.connect(self.sorting_changed)
        self.surprise.toggled.connect(self.surprise_changed)

    @property
    def chosen(self) -> int:
        """The row of the chosen one, or -1."""
        return self.list.currentRow()

    @property
    def looking(self) -> bool:
        """Whether the user looks at one just now: the pointer is on it, or drags through its time."""
        return self.isVisible() and (self.list.pointed or self.time.slider.isSliderDown())

    def show_thumbnails(self, thumbnails: list[Thumbnail]) -> None:
        """Show these, in this order; without any the strip goes."""
        self.list.show_thumbnails(thumbnails)
        self.setVisible(bool(thumbnails))
        self._show_buttons()

    def choose(self, row: int) -> None:
        """Choose one, or none with -1."""
        self.list.setCurrentRow(row)
        if row < 0:
            self.list.clearSelection()
        self._show_buttons()

    def show_measured(self, measured: int, measuring: bool, mapped: bool) -> None:
        """How many are measured, whether a measurement is under way, and whether any has a map of surprise."""
        self.measure.setEnabled(not measuring and measured < self.list.count())
        self.measure.setText("Measuring…" if measuring else "How likely?")
        self.sort.setEnabled(measured > 1)
        self.surprise.setEnabled(mapped)

    def _on_row(self, row: int) -> None:
        self._show_buttons()
        self.chosen_changed.emit(row)
        self._tell()

    def _tell(self) -> None:
        self.looked_at.emit(self.chosen)

    def _accept(self) -> None:
        """What is accepted is the picture: from an earlier step of it the first Enter leads there."""
        if not self.time.at_end:
            self.time.go_to_end()
        elif self.chosen >= 0:
            self.accept_asked.emit(self.chosen)

    def _show_buttons(self) -> None:
        self.accept.setEnabled(self.chosen >= 0)
        at_end = self.time.at_end
        self.accept.setText("Accept" if at_end else BACK)
        self.accept.setToolTip(ACCEPT if at_end else "Look at the picture that came of this run again (Enter)")
        self.compare.setEnabled(self.chosen >= 0)


def _button(icon: str, text: str, tip: str) -> QPushButton:
    button = named(QPushButton(text), f"{icon}_candidate", tip)
    button.setIcon(icons.icon(icon))
    button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return button
