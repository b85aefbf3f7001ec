"""Messages and questions, each in one plain sentence."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from paintdiff.jobs.outcome import Failure


class Answer(Enum):
    """What to do with unsaved work."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


def tell(parent: QWidget, title: str, sentence: str) -> None:
    """Show what went wrong; returns at once."""
    box = QMessageBox(QMessageBox.Icon.Warning, title, sentence, QMessageBox.StandardButton.Ok, parent)
    box.setObjectName("message")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def tell_fault(parent: QWidget, failure: Failure, log_file: Path | None) -> None:
    """Show a fault of ours, with its traceback folded away and the log at hand; returns at once."""
    box = QMessageBox(
        QMessageBox.Icon.Critical, "Generation failed", failure.message, QMessageBox.StandardButton.Ok, parent
    )
    box.setObjectName("fault")
    box.setInformativeText("Your picture is untouched, and you can go on.")
    box.setDetailedText(failure.details)
    if log_file is not None:
        show = box.addButton("Open log", QMessageBox.ButtonRole.ActionRole)
        show.clicked.connect(lambda: open_file(log_file))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def open_file(path: Path) -> None:
    """Show a file with the program that the desktop has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def ask_to_save(parent: QWidget, name: str) -> Answer:
    """Ask what becomes of unsaved work; waits for the answer."""
    button = QMessageBox.StandardButton
    box = QMessageBox(
        QMessageBox.Icon.Question, "Unsaved changes", f"Save the changes to {name}?",
        button.Save | button.Discard | button.Cancel, parent,
    )
    box.setObjectName("ask_to_save")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("They are lost otherwise.")
    box.setDefaultButton(button.Save)
    chosen = QMessageBox.StandardButton(box.exec())
    return {button.Save: Answer.SAVE, button.Discard: Answer.DISCARD}.get(chosen, Answer.CANCEL)


def may_overwrite(parent: QWidget, path: Path) -> bool:
    """Ask whether an existing file may be replaced; waits for the answer."""
    button = QMessageBox.StandardButton
    box = QMessageBox(
        QMessageBox.Icon.Question, "Replace file", f"{path.name} exists already. Replace it?",
        button.Yes | button.No, parent,
    )
    box.setTextFormat(Qt.TextFormat.PlainText)
    return box.exec() == button.Yes
