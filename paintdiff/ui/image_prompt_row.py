"""The image prompt in the panel: the adapter, its image encoder, the picture and how strongly it counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QToolButton, QWidget

from paintdiff.generation.controls import MOST_WEIGHT, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.ui import icons
from paintdiff.ui.control_row import FileButton, MapView, number
from paintdiff.ui.named import named
from paintdiff.ui.source_box import SourceBox


class ImagePromptRow(QWidget):
    """Signals: `changed()`, `removed()`, `adapter_asked()` for a file."""

    changed = Signal()
    removed = Signal()
    adapter_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._adapter = self._encoder = ""
        self.adapter = FileButton("ip_adapter", "Choose an IP-Adapter…")
        self.encoder = FileButton("image_encoder", "Encoder: beside the adapter")
        self.encoder.setToolTip("The folder of the CLIP image encoder that the adapter was trained with")
        self.source = named(SourceBox(frame=False), "image_prompt_source", "The picture that works like a prompt")
        self.weight = number("image_prompt_weight", "How strongly the picture counts", MOST_WEIGHT)
        self.weight.setValue(ImagePrompt.weight)
        self.picture = MapView("image_prompt_picture")
        self._lay_out()
        self.adapter.clicked.connect(self.adapter_asked)
        self.encoder.clicked.connect(self._choose_encoder)
        self.source.source_changed.connect(self.changed)
        self.weight.valueChanged.connect(self.changed)

    def value(self) -> ImagePrompt:
        """Raises `UserError` as long as it is not whole."""
        if not self.source.source():
            raise UserError("Choose the picture of the image prompt, or take the image prompt out.")
        return ImagePrompt(self._adapter, self.source.source(), self._encoder, self.weight.value())

    def set_value(self, prompt: ImagePrompt) -> None:
        self._adapter, self._encoder = prompt.adapter, prompt.encoder
        self.adapter.show_file(prompt.adapter)
        self.encoder.show_file(prompt.encoder)
        self.source.set_source(prompt.source)
        self.weight.setValue(prompt.weight)
        self.changed.emit()

    def set_adapter(self, adapter: str) -> None:
        self._adapter = adapter
        self.adapter.show_file(adapter)
        self.changed.emit()

    def set_encoder(self, folder: str) -> None:
        """Take the image encoder in `folder`, "" for the one beside the adapter."""
        self._encoder = folder
        self.encoder.show_file(folder)
        self.changed.emit()

    def set_layers(self, names: Sequence[str]) -> None:
        self.source.set_layers(names)

    def described(self) -> str:
        """In a few words."""
        return f"image prompt {self.weight.text()}"

    def _lay_out(self) -> None:
        remove = named(QToolButton(), "remove_image_prompt", "Take the image prompt out")
        remove.setProperty("flat", True)
        remove.setIcon(icons.icon("trash"))
        remove.clicked.connect(self.removed)
        weight = QHBoxLayout()
        weight.setSpacing(6)
        weight.addWidget(QLabel("Weight"))
        weight.addWidget(self.weight)
        weight.addStretch()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(QLabel("Image prompt"), 0, 0)
        grid.addWidget(remove, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.adapter, 1, 0, 1, 2)
        grid.addWidget(self.encoder, 2, 0, 1, 2)
        grid.addWidget(self.source, 3, 0)
        grid.addLayout(weight, 4, 0)
        grid.addWidget(self.picture, 3, 1, 2, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)

    def _choose_encoder(self) -> None:
        beside = Path(self._adapter).parent if self._adapter else Path.home()
        folder = QFileDialog.getExistingDirectory(self.window(), "Choose the folder of the image encoder", str(beside))
        if folder:
            self.set_encoder(folder)
