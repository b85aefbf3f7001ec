"""What leads a generation besides its prompt: ControlNets with their pictures, and an image prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from paintdiff.document.document import Document
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.controls import Control, ImagePrompt
from paintdiff.generation.model_card import Family
from paintdiff.image.geometry import Rect
from paintdiff.ui import icons
from paintdiff.ui.add_on_picker import AddOnPicker, Look, look_for_add_ons
from paintdiff.ui.control_previews import Previews, Wanted
from paintdiff.ui.control_row import ControlRow
from paintdiff.ui.image_prompt_row import ImagePromptRow
from paintdiff.ui.named import named

CONTROLNET, IP_ADAPTER = "ControlNet", "IP-Adapter"  # as `Part` calls them
FAMILIES = (Family.SD1, Family.SD2, Family.SDXL)


class Controls(QWidget):
    """A row for each ControlNet and one for the image prompt. Signals: `changed()`, `added(QWidget)` with the row that
    the user asked for."""

    changed = Signal()
    added = Signal(QWidget)

    def __init__(self, look: Look = look_for_add_ons) -> None:
        super().__init__()
        self.look = look
        self.rows: list[ControlRow] = []
        self.image_prompt = ImagePromptRow()
        self._layers: tuple[str, ...] = ()
        self._family = Family.UNKNOWN
        self.add_control = named(
            QPushButton("Add control"), "add_control", "Lead the shapes with a ControlNet that fits the model"
        )
        self.add_prompt = named(
            QPushButton("Add image prompt"), "add_image_prompt", "Prompt with a picture, through an IP-Adapter"
        )
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        for widget in (self.image_prompt, self.add_control, self.add_prompt):
            self._column.addWidget(widget)
        for button in (self.add_control, self.add_prompt):
            button.setIcon(icons.icon("plus"))
        self.previews = Previews(self._wanted, self)
        self.previews.drawn.connect(self._show_maps)
        self.changed.connect(self.previews.renew)
        self.add_control.clicked.connect(lambda: self.added.emit(self._add()))
        self.add_prompt.clicked.connect(lambda: self._show_prompt(True))
        self.add_prompt.clicked.connect(lambda: self.added.emit(self.image_prompt))
        self.image_prompt.removed.connect(lambda: self._show_prompt(False))
        self.image_prompt.changed.connect(self.changed)
        self.image_prompt.adapter_asked.connect(lambda: self._pick(IP_ADAPTER, self.image_prompt.set_adapter))
        self._show_prompt(False)

    def show_family(self, family: Family) -> bool:
        """Offer what goes with a model of that family; whether anything does."""
        self._family = family
        return family in FAMILIES

    def look_at(self, document: Document, frame: Rect) -> None:
        """The layers that can be looked at, and what the maps are drawn from."""
        names = tuple(dict.fromkeys(layer.name for layer in reversed(document.layers)))
        if names != self._layers:
            self._layers = names
            self.image_prompt.set_layers(names)
            for row in self.rows:
                row.set_layers(names)
        self.previews.look_at(document, frame)

    def value(self) -> tuple[tuple[Control, ...], ImagePrompt | None]:
        """Without the pictures. Raises `UserError` where something is not chosen yet."""
        if self._family not in FAMILIES:
            return (), None
        prompt = self.image_prompt.value() if self._has_prompt else None
        return tuple(row.value() for row in self.rows), prompt

    def add_network(self, network: str) -> None:
        """Another row, for the ControlNet in a file or folder."""
        row = self._add()
        row.set_network(network)
        self.added.emit(row)

    def add_adapter(self, adapter: str) -> None:
        """The image prompt, through the IP-Adapter in a file."""
        self.image_prompt.set_adapter(adapter)
        self._show_prompt(True)
        self.added.emit(self.image_prompt)

    def set_value(self, add_ons: AddOns) -> None:
        """As it was for a recipe."""
        for row in list(self.rows):
            self._remove(row)
        for control in add_ons.controls:
            self._add(control)
        if add_ons.image_prompt is not None:
            self.image_prompt.set_value(add_ons.image_prompt)
        self._show_prompt(add_ons.image_prompt is not None)

    def clear(self) -> None:
        self.set_value(AddOns())

    def described(self) -> str:
        """What was set, in a few words."""
        words = [row.described() for row in self.rows]
        return ", ".join(words + ([self.image_prompt.described()] if self._has_prompt else []))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.previews.renew()

    @property
    def _has_prompt(self) -> bool:
        return not self.image_prompt.isHidden()

    def _add(self, control: Control | None = None) -> ControlRow:
        row = ControlRow()
        row.set_layers(self._layers)
        if control is not None:
            row.set_value(control)
        row.changed.connect(self.changed)
        row.removed.connect(lambda: self._remove(row))
        row.network_asked.connect(lambda: self._pick(CONTROLNET, row.set_network))
        self.rows.append(row)
        self._column.insertWidget(len(self.rows) - 1, row)
        self.changed.emit()
        return row

    def _remove(self, row: ControlRow) -> None:
        self.rows.remove(row)
        row.setParent(None)
        row.deleteLater()
        self.changed.emit()

    def _show_prompt(self, shown: bool) -> None:
        self.image_prompt.setVisible(shown)
        self.add_prompt.setVisible(not shown)
        self.changed.emit()

    def _wanted(self) -> Sequence[Wanted]:
        if not self.isVisible():
            return ()
        wanted = [Wanted(*row.drawn()) for row in self.rows]
        return wanted + ([Wanted("", self.image_prompt.source.source())] if self._has_prompt else [])

    def _show_maps(self, drawn: list[tuple[np.ndarray | None, str]]) -> None:
        views = [row.map for row in self.rows] + [self.image_prompt.picture]
        for view, (picture, reason) in zip(views, drawn, strict=False):
            view.show_picture(picture, reason)

    def _pick(self, part: str, take: Callable[[str], None]) -> None:
        picker = AddOnPicker(self.window(), self.look, part, self._family)
        picker.chosen.connect(take)
        picker.open()
