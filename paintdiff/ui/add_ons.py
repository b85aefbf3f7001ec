"""The part of the panel for what is put on top of the model: LoRAs with their weights, and another autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.model_card import Family
from paintdiff.ui import icons
from paintdiff.ui.add_on_picker import LORA, VAE, AddOnPicker, Look, look_for_add_ons
from paintdiff.ui.lora_row import LoraRow
from paintdiff.ui.named import named

FAMILIES = (Family.SD1, Family.SD2, Family.SDXL, Family.SD3, Family.FLUX)
OWN_VAE = "The model's own"


class LoraList(QWidget):
    """The LoRAs, one row each, and a button for more. Signals: `changed()`, `asked()` for another."""

    changed = Signal()
    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[LoraRow] = []
        add = named(QPushButton("Add LoRA…"), "add_lora", "Choose a LoRA; <lora:name:0.8> in the prompt does the same")
        add.setIcon(icons.icon("plus"))
        add.clicked.connect(self.asked)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(add)

    def value(self) -> tuple[Lora, ...]:
        return tuple(row.value() for row in self.rows)

    def set_value(self, loras: Sequence[Lora]) -> None:
        for row in self.rows:
            row.setParent(None)
            row.deleteLater()
        self.rows = []
        for lora in loras:
            self._add(lora)
        self.changed.emit()

    def add(self, file: str) -> None:
        """Add a file unless it is there."""
        if file not in [row.value().file for row in self.rows]:
            self._add(Lora(file))
            self.changed.emit()

    def described(self) -> str:
        """In a few words, "" for none."""
        names = [f"{Path(lora.file).stem} {lora.weight:g}" for lora in self.value()]
        return ", ".join(names)

    def _add(self, lora: Lora) -> None:
        row = LoraRow(lora)
        row.changed.connect(self.changed)
        row.removed.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._column.insertWidget(len(self.rows) - 1, row)

    def _remove(self, row: LoraRow) -> None:
        self.rows.remove(row)
        row.setParent(None)
        row.deleteLater()
        self.changed.emit()


class VaeChoice(QWidget):
    """Which autoencoder. Signals: `changed()`, `asked()` for another."""

    changed = Signal()
    asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._source = self._sha256 = ""
        self.name = QLabel()
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.choose = named(QToolButton(), "choose_vae", "Choose another autoencoder (VAE) than the model's own")
        self.choose.setText("Change…")
        self.own = named(QToolButton(), "own_vae", "Take the model's own autoencoder again")
        self.own.setProperty("flat", True)
        self.own.setIcon(icons.icon("discard"))
        self.choose.clicked.connect(self.asked)
        self.own.clicked.connect(lambda: self.set_value(""))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.name, 1)
        row.addWidget(self.own)
        row.addWidget(self.choose)
        self.set_value("")

    def value(self) -> tuple[str, str]:
        """The file or folder and its SHA-256, as far as they are known."""
        return self._source, self._sha256

    def set_value(self, source: str, sha256: str = "") -> None:
        self._source, self._sha256 = source, sha256
        self.name.setText(self.described() or OWN_VAE)
        self.name.setToolTip(source)
        self.name.setProperty("muted", not source)
        self.name.style().polish(self.name)
        self.own.setVisible(bool(source))
        self.changed.emit()

    def described(self) -> str:
        """In a few words, "" for the model's own."""
        path = Path(self._source)
        return (path.stem if path.suffix == ".safetensors" else path.name) if self._source else ""


class AddOnControls(QWidget):
    """Both, and the add-ons that they stand for. Signal: `changed()`."""

    changed = Signal()

    def __init__(self, look: Look = look_for_add_ons) -> None:
        super().__init__()
        self.loras, self.vae = LoraList(), VaeChoice()
        self.look = look
        self._words = AddOns().words
        self._family = Family.UNKNOWN
        title = QLabel("Autoencoder")
        title.setBuddy(self.vae.choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.loras)
        column.addWidget(title)
        column.addWidget(self.vae)
        self.loras.changed.connect(self.changed)
        self.vae.changed.connect(self.changed)
        self.loras.asked.connect(lambda: self._pick(LORA))
        self.vae.asked.connect(lambda: self._pick(VAE))

    def show_family(self, family: Family) -> bool:
        """Offer what goes with a model of that family; whether anything does."""
        self._family = family
        return family in FAMILIES

    def value(self) -> AddOns:
        """What is to be put on the model, which may be nothing that goes with it."""
        if self._family not in FAMILIES:
            return AddOns()
        vae, sha256 = self.vae.value()
        return AddOns(self.loras.value(), self._words, vae, sha256)

    def set_value(self, add_ons: AddOns) -> None:
        """As it was for a recipe; its words stay files as long as a prompt names them."""
        self._words = add_ons.words
        self.loras.set_value(add_ons.loras)
        self.vae.set_value(add_ons.vae, add_ons.vae_sha256)

    def clear(self) -> None:
        self.set_value(AddOns())

    def described(self) -> str:
        """What was set, in a few words."""
        parts = (self.loras.described(), self.vae.described() and f"autoencoder {self.vae.described()}")
        return ", ".join(part for part in parts if part)

    def _pick(self, part: str) -> None:
        picker = AddOnPicker(self.window(), self.look, part, self._family)
        picker.chosen.connect(self.loras.add if part == LORA else self.vae.set_value)
        picker.open()
