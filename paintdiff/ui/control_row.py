"""One ControlNet in the panel: its kind, its file, what it is shown, when and how strongly, and its map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from paintdiff.generation.controls import CANNY, FRAME, KINDS, MOST_WEIGHT, Control
from paintdiff.models.controlnet import guess_kind
from paintdiff.ui import icons
from paintdiff.ui.fields import NumberBox, PassWheel
from paintdiff.ui.named import named
from paintdiff.ui.qimage import to_qimage
from paintdiff.ui.source_box import SourceBox

MAP_SIDE = 76
STEP = 0.05
GENERIC = ("diffusion_pytorch_model", "model")  # files whose folder says what they are


class ControlRow(QWidget):
    """Signals: `changed()`, `removed()`, `network_asked()` for a file."""

    changed = Signal()
    removed = Signal()
    network_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._network = ""
        self.kind = named(QComboBox(), "control_kind", "What the ControlNet reads")
        self.kind.installEventFilter(PassWheel(self.kind))
        self.kind.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for name, kind in KINDS.items():
            self.kind.addItem(kind.label, name)
            self.kind.setItemData(self.kind.count() - 1, kind.help, Qt.ItemDataRole.ToolTipRole)
        self.network = FileButton("control_network", "Choose a ControlNet…")
        self.source = named(SourceBox(frame=True), "control_source", "What the map is made of")
        self.ready = named(QCheckBox("Is a map already"), "control_ready", "Show it to the ControlNet as it is")
        self.weight = number("control_weight", "How strongly it counts; 1 is as it was trained", MOST_WEIGHT)
        self.start = percent("control_start", "From which share of the way it counts; 0 % is the first step", 0)
        self.until = percent("control_until", "Until which share of the way it counts; 100 % is the end", 100)
        self.map = MapView("control_map")
        self._lay_out()
        self._connect()
        self._show_what_applies()

    def value(self) -> Control:
        """Raises `UserError` as long as it is not whole."""
        return Control(
            self._network, self._kind, self.weight.value(), round(self.start.value() / 100, 4),
            round(self.until.value() / 100, 4), self.source.source(), self.ready.isChecked(),
        )  # fmt: skip

    def set_value(self, control: Control) -> None:
        self._network = control.network
        self.network.show_file(control.network)
        self.kind.setCurrentIndex(self.kind.findData(control.kind))
        self.weight.setValue(control.weight)
        self.start.setValue(control.start * 100)
        self.until.setValue(control.until * 100)
        self.source.set_source(control.source)
        self.ready.setChecked(control.ready)

    def set_network(self, network: str) -> None:
        """Take a file or folder, and the kind that its name tells."""
        self._network = network
        self.network.show_file(network)
        self.kind.setCurrentIndex(self.kind.findData(guess_kind(network)))
        self.changed.emit()

    def set_layers(self, names: Sequence[str]) -> None:
        self.source.set_layers(names)

    def drawn(self) -> tuple[str, str, bool]:
        """What its map is made of: kind, source, and whether that is a map already."""
        given = KINDS[self._kind].given
        return self._kind, self.source.source(), given or (self.ready.isChecked() and self.source.source() != FRAME)

    def described(self) -> str:
        """In a few words."""
        return f"{self.kind.currentText()} {self.weight.text()}"

    @property
    def _kind(self) -> str:
        return str(self.kind.currentData() or CANNY)

    def _lay_out(self) -> None:
        remove = named(QToolButton(), "remove_control", "Take this control out")
        remove.setProperty("flat", True)
        remove.setIcon(icons.icon("trash"))
        remove.clicked.connect(self.removed)
        weight, span = QHBoxLayout(), QHBoxLayout()
        for line, parts in ((weight, ("Weight", self.weight)), (span, ("From", self.start, "to", self.until))):
            line.setSpacing(6)
            for part in parts:
                line.addWidget(QLabel(part) if isinstance(part, str) else part)
            line.addStretch()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(self.kind, 0, 0)
        grid.addWidget(remove, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.network, 1, 0, 1, 2)
        grid.addWidget(self.source, 2, 0, 1, 2)
        grid.addWidget(self.ready, 3, 0)
        grid.addLayout(weight, 4, 0)
        grid.addLayout(span, 5, 0, 1, 2)
        grid.addWidget(self.map, 3, 1, 2, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)

    def _connect(self) -> None:
        self.network.clicked.connect(self.network_asked)
        self.kind.currentIndexChanged.connect(self._show_what_applies)
        self.source.source_changed.connect(self._show_what_applies)
        self.ready.toggled.connect(self.changed)
        for box in (self.weight, self.start, self.until):
            box.valueChanged.connect(self.changed)

    def _show_what_applies(self) -> None:
        given, frame = KINDS[self._kind].given, self.source.source() == FRAME
        self.kind.setToolTip(KINDS[self._kind].help)
        self.ready.setEnabled(not frame and not given)
        self.changed.emit()


class FileButton(QToolButton):
    """A button that shows which file was chosen, cut to its width."""

    def __init__(self, name: str, invitation: str) -> None:
        super().__init__()
        self._invitation, self._name = invitation, ""
        named(self, name, invitation)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_file("")

    def show_file(self, file: str) -> None:
        path = Path(file)
        if path.suffix == ".safetensors":
            path = path.parent if path.stem in GENERIC else path.with_suffix("")
        self._name = path.name if file else ""
        self.setToolTip(file or self._invitation)
        self._cut()

    def sizeHint(self) -> QSize:
        return QSize(60, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._cut()

    def _cut(self) -> None:
        text = self._name or self._invitation
        self.setText(self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, max(40, self.width() - 16)))


class MapView(QLabel):
    """A small picture of what is shown to a network."""

    def __init__(self, name: str) -> None:
        super().__init__()
        named(self, name, "What the network is shown")
        self.setProperty("framed", True)
        self.setFixedSize(MAP_SIDE + 2, MAP_SIDE + 2)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setProperty("muted", True)

    def show_picture(self, rgba: np.ndarray | None, reason: str = "") -> None:
        """(h, w, 4) uint8, or None, and what there is to say of that."""
        if rgba is None:
            self.clear()
            self.setText("—" if reason else "")
            self.setToolTip(reason or "What the network is shown")
            return
        whole = QPixmap.fromImage(to_qimage(rgba))
        side = round(MAP_SIDE * self.devicePixelRatioF())
        smooth = Qt.TransformationMode.SmoothTransformation
        small = whole.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        small.setDevicePixelRatio(self.devicePixelRatioF())
        self.setPixmap(small)
        self.setToolTip(reason or "What the network is shown")


def number(name: str, tip: str, highest: float) -> NumberBox:
    """A box for a weight from 0 to `highest`."""
    box = named(NumberBox(), name, tip)
    box.setDecimals(2)
    box.setRange(0, highest)
    box.setSingleStep(STEP)
    box.setValue(1)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(PassWheel(box))
    return box


def percent(name: str, tip: str, value: float) -> NumberBox:
    """A box for a share."""
    box = number(name, tip, 100)
    box.setDecimals(0)
    box.setSingleStep(5)
    box.setSuffix(" %")
    box.setValue(value)
    return box
