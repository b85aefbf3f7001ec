"""Asks for the size and ground of a new picture."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QSpinBox, QWidget

from paintdiff.document.document import MAX_SIDE, Document, check_size
from paintdiff.document.edits import new_document
from paintdiff.generation.errors import UserError
from paintdiff.ui.named import named

GROUNDS = {"White": (255, 255, 255, 255), "Black": (0, 0, 0, 255), "Grey": (128, 128, 128, 255), "Transparent": None}


class NewPictureDialog(QDialog):
    """Width, height and ground; says so, and takes nothing, where the size is too large."""

    def __init__(self, parent: QWidget | None, size: QSize) -> None:
        super().__init__(parent)
        self.setObjectName("new_picture")
        self.setWindowTitle("New picture")
        self.width_box = named(QSpinBox(minimum=1, maximum=MAX_SIDE, suffix=" px"), "new_width")
        self.height_box = named(QSpinBox(minimum=1, maximum=MAX_SIDE, suffix=" px"), "new_height")
        self.width_box.setValue(size.width())
        self.height_box.setValue(size.height())
        self.ground = named(QComboBox(), "new_ground")
        self.ground.addItems(list(GROUNDS))
        self.problem = QLabel(wordWrap=True)
        self.problem.setProperty("bad", True)
        kind = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kind.Ok | kind.Cancel)
        self.buttons.button(kind.Ok).setText("Create")
        form = QFormLayout(self)
        form.setContentsMargins(16, 16, 16, 16)
        form.setSpacing(8)
        form.addRow("Width", self.width_box)
        form.addRow("Height", self.height_box)
        form.addRow("Ground", self.ground)
        form.addRow(self.problem)
        form.addRow(self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.width_box.valueChanged.connect(self._check)
        self.height_box.valueChanged.connect(self._check)
        self._check()

    def document(self) -> Document:
        """The picture as asked for."""
        return new_document(self.width_box.value(), self.height_box.value(), GROUNDS[self.ground.currentText()])

    def _check(self) -> None:
        try:
            check_size(self.width_box.value(), self.height_box.value())
            problem = ""
        except UserError as error:
            problem = str(error)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not problem)
