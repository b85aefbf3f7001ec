"""The modes as a grid of buttons: all in sight, one click or arrow key away."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QSizePolicy, QToolButton, QWidget

from paintdiff.generation.modes import MODES, Mode
from paintdiff.resource_files import resource
from paintdiff.ui import icons

COLUMNS = 3
ICON = 16


class ModeChooser(QWidget):
    """One of `MODES`, as buttons three to a row. Signal: `mode_changed(str)`, whoever changed it."""

    mode_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)  # arrow keys move within it
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for place, mode in enumerate(MODES.values()):
            self._buttons[mode.name] = _button(mode)
            self._group.addButton(self._buttons[mode.name])
            grid.addWidget(self._buttons[mode.name], place // COLUMNS, place % COLUMNS)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        next(iter(self._buttons.values())).setChecked(True)
        self._group.buttonToggled.connect(self._on_toggled)

    def mode(self) -> str:
        return next(name for name, button in self._buttons.items() if button.isChecked())

    def set_mode(self, mode: str) -> None:
        """Raises KeyError for a mode that there is not."""
        self._buttons[mode].setChecked(True)

    def button(self, mode: str) -> QToolButton:
        return self._buttons[mode]

    def _on_toggled(self, button: QToolButton, checked: bool) -> None:
        if checked:
            self.mode_changed.emit(str(button.property("mode")))


def _button(mode: Mode) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"mode_{mode.name}")
    button.setText(mode.label)
    button.setToolTip(mode.help)
    button.setAccessibleDescription(mode.help)
    button.setProperty("mode", mode.name)
    button.setProperty("segment", True)
    button.setCheckable(True)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    if resource("icons", f"mode_{mode.name}.svg").exists():
        button.setIcon(icons.icon(f"mode_{mode.name}"))
        button.setIconSize(QSize(ICON, ICON))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
