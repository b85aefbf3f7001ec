"""A heading of the panel that folds: what is set under it is summed up in its line, and can be set back from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from paintdiff.ui import icons
from paintdiff.ui.fields import Field
from paintdiff.ui.named import named
from paintdiff.ui.rows import add_field, form, label_for

INDENT = 20
DOT = 6


@dataclass(frozen=True)
class Row:
    """One row: `changed` says in a few words what differs from the default, or ""; `reset` sets the default."""

    control: QWidget
    changed: Callable[[], str]
    reset: Callable[[], None]


class Section(QWidget):
    """Signal: `folded(bool)`, when the user folded it or opened it."""

    folded = Signal(bool)

    def __init__(self, title: str, label_width: int) -> None:
        super().__init__()
        self.title = title
        self._rows: list[Row] = []
        self._shown: dict[QWidget, bool] = {}
        self._defaults: dict[Field, object] = {}
        self._label_width = label_width
        name = title.lower().replace(" ", "_")
        self.heading = named(QToolButton(), f"section_{name}")
        self.heading.setText(title)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setProperty("flat", True)
        self.summary = Summary()
        self.reset = named(QToolButton(), f"reset_{name}", f"Set all under {title} back to what it was at first")
        self.reset.setProperty("flat", True)
        self.reset.setIcon(icons.icon("undo"))
        self.reset.setIconSize(QSize(14, 14))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the line keeps its height
        self.reset.setSizePolicy(policy)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.heading)
        line.addWidget(self.summary, 1)
        line.addWidget(self.reset)
        self._form = form(INDENT)
        self._form.setContentsMargins(INDENT, 2, 0, 6)
        self._body = QWidget()
        self._body.setLayout(self._form)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self._body)
        self.heading.clicked.connect(self._on_heading)
        self.reset.clicked.connect(self._reset_all)
        self.set_open(False)

    @property
    def needed_width(self) -> int:
        """What its rows take at least, also while it is folded."""
        return self._form.minimumSize().width()

    @property
    def open(self) -> bool:
        return not self._body.isHidden()

    def set_open(self, open: bool) -> None:
        self._body.setVisible(open)
        self.heading.setIcon(icons.icon("chevron_down" if open else "chevron_right"))
        self.heading.setToolTip(f"{'Fold' if open else 'Show the settings under'} {self.title}")
        self.refresh()

    def add_field(self, field: Field, default: object) -> None:
        """A row for one parameter."""
        add_field(self._form, field, self._label_width)
        self._defaults[field] = default
        self._add(Row(
            field,
            lambda: "" if field.value() == self._defaults[field] else field.described().removeprefix(f"{self.title} "),
            lambda: field.set_value(self._defaults[field]),
        ))

    def set_default(self, field: Field, default: object) -> None:
        """Take `default` for what `field` is set back to."""
        self._defaults[field] = default

    def add_row(self, label: str, row: Row) -> None:
        """A row for anything else."""
        self._form.addRow(label_for(label, row.control, self._label_width), row.control)
        self._add(row)

    def add_wide_row(self, row: Row) -> None:
        """A row for a control that takes the whole width and says itself what it is for."""
        self._form.addRow(row.control)
        self._add(row)

    def show_row(self, control: QWidget, shown: bool) -> None:
        """Let the row of `control` appear or vanish; the section goes with its last row."""
        if self._shown[control] != shown:
            self._shown[control] = shown
            self._form.setRowVisible(control, shown)
        self.setVisible(any(self._shown.values()))

    def refresh(self) -> None:
        """Sum up what was set under a folded heading, and offer to set it back."""
        changed = [text for row in self._rows if self._shown[row.control] and (text := row.changed())]
        self.summary.show_text("" if self.open else ", ".join(changed), bool(changed))
        self.reset.setVisible(bool(changed))

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        self._shown[row.control] = True

    def _on_heading(self) -> None:
        self.set_open(not self.open)
        self.folded.emit(not self.open)

    def _reset_all(self) -> None:
        for row in self._rows:
            row.reset()
        self.refresh()


class Summary(QLabel):
    """A dot that says that something was set, and words on what, cut to the room there is."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("muted", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setIndent(DOT + 6)
        self._whole = ""
        self._marked = False

    def show_text(self, text: str, marked: bool) -> None:
        self._whole, self._marked = text, marked
        self.setToolTip(text)
        self._cut()
        self.update()

    @property
    def whole(self) -> str:
        """The words before they are cut."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._marked:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Link))
            painter.drawEllipse(0, (self.height() - DOT) // 2, DOT, DOT)

    def _cut(self) -> None:
        room = max(0, self.width() - self.indent() - 2)
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))
