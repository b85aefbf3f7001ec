"""Asks which device models run on, how much of its memory they may take, and how exactly they compute."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QWidget

from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.placing import DEVICES, MEMORY, PRECISIONS, RUNGS, Placing
from paintdiff.ui.named import named


class PlacingDialog(QDialog):
    """Three choices and a box; a line says how the loaded model stands now."""

    def __init__(self, parent: QWidget | None, device: str, placing: Placing, loaded: ModelInfo | None) -> None:
        super().__init__(parent)
        self.setObjectName("placing")
        self.setWindowTitle("Device and memory")
        self.device_box = _choice("placing_device", DEVICES, device)
        self.memory_box = _choice("placing_memory", MEMORY, placing.memory)
        self.precision_box = _choice("placing_precision", PRECISIONS, placing.precision)
        self.compile_box = named(QCheckBox("Compile the network (CUDA and XPU)"), "placing_compile")
        self.compile_box.setChecked(placing.compile)
        self.compile_box.setToolTip("Faster steps, after a first run that takes a minute longer")
        self.memory_box.setToolTip("Each choice takes less of the device than the one above it, and more time")
        now = QLabel(standing(loaded), wordWrap=True)
        now.setProperty("muted", True)
        kind = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kind.Ok | kind.Cancel)
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.setSpacing(8)
        form.addRow("Device", self.device_box)
        form.addRow("Memory", self.memory_box)
        form.addRow("Precision", self.precision_box)
        form.addRow(self.compile_box)
        form.addRow(now)
        form.addRow(buttons)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)

    def device(self) -> str:
        return str(self.device_box.currentData())

    def placing(self) -> Placing:
        """What is chosen."""
        compiled = self.compile_box.isChecked()
        return Placing(self.memory_box.currentData(), self.precision_box.currentData(), compiled)


def standing(info: ModelInfo | None) -> str:
    """How the loaded model stands, in a sentence."""
    if info is None:
        return "No model is loaded yet."
    if not info.memory:
        return f"{info.name} runs on {info.device.upper()}; it is small enough for any memory."
    return f"{info.name} runs on {info.device.upper()} in {info.precision}: {RUNGS[info.memory]}."


def _choice(name: str, choices: Mapping[str, str], value: str) -> QComboBox:
    box = named(QComboBox(), name)
    for key, label in choices.items():
        box.addItem(label[:1].upper() + label[1:], key)
    box.setCurrentIndex(max(0, box.findData(value)))
    return box
