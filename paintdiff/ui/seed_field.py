"""The seed: a number, a dice that throws another, and a lock that keeps it."""

from __future__ import annotations

import random

from PySide6.QtWidgets import QToolButton

from paintdiff.generation.sampling import Parameter
from paintdiff.ui import icons
from paintdiff.ui.fields import NumberField
from paintdiff.ui.named import named


class SeedField(NumberField):
    """Unlocked, every generation gets a new seed, shown here; locked, it stays. Typing a seed locks it."""

    def __init__(self, name: str, parameter: Parameter) -> None:
        super().__init__(name, parameter)
        self.dice = _button("seed_dice", "Throw a new seed")
        self.lock = _button("seed_lock", "Keep this seed; unlocked, every generation gets a new one")
        self.lock.setCheckable(True)
        self.dice.setIcon(icons.icon("dice"))
        self._show_lock(False)
        for button in (self.dice, self.lock):
            button.setFixedHeight(self.box.sizeHint().height())  # or this row would be higher than the others
            self.row.addWidget(button)
        self.dice.clicked.connect(self.throw)
        self.lock.toggled.connect(self._show_lock)
        self.box.lineEdit().textEdited.connect(lambda: self.lock.setChecked(True))
        self.throw()

    def throw(self) -> None:
        """Another seed, drawn at random."""
        self.set_value(random.randint(0, 2**31 - 1))

    def renew(self) -> None:
        """Another seed unless this one is locked."""
        if not self.lock.isChecked():
            self.throw()

    def _show_lock(self, locked: bool) -> None:
        self.lock.setIcon(icons.icon("lock" if locked else "unlock"))


def _button(name: str, tip: str) -> QToolButton:
    button = named(QToolButton(), name, tip)
    button.setProperty("flat", True)
    return button
