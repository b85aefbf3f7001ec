"""New, open, save, export and close: nothing is lost without a question, and bad files change nothing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox

from paintdiff.document.files import open_picture
from paintdiff.document.save import read_recipe


def answer(button: QMessageBox.StandardButton) -> list[str]:
    """Press a button of the next question as soon as it is there; its text is noted in the list returned."""
    asked: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            asked.append(box.text())
            box.button(button).click()
        elif not asked:
            QTimer.singleShot(20, press)

    QTimer.singleShot(0, press)
    return asked


@pytest.fixture
def modified(window):
    window.actions_by_id["mask_invert"].trigger()
    assert window.editor.modified
    return window


def saving_to(monkeypatch, path: Path | str) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))


def test_the_title_names_the_picture_and_shows_changes(window) -> None:
    assert window.windowTitle() == "Untitled[*] - PaintDiff"
    assert not window.isWindowModified()
    window.actions_by_id["mask_invert"].trigger()
    assert window.isWindowModified()
    window.editor.undo()
    assert not window.isWindowModified()


def test_saving_keeps_layers_and_mask_and_clears_the_mark(modified, monkeypatch, tmp_path) -> None:
    saving_to(monkeypatch, tmp_path / "work")
    modified.actions_by_id["layer_new"].trigger()
    modified.actions_by_id["save"].trigger()
    assert not modified.isWindowModified()
    assert modified.windowTitle() == "work.ora[*] - PaintDiff"
    document = open_picture(tmp_path / "work.ora").document
    assert len(document.layers) == 2
    assert np.array_equal(
        document.change_map.read(document.canvas), modified.editor.document.change_map.read(document.canvas)
    )
    assert modified.settings.recent == [tmp_path / "work.ora"]


def test_a_save_that_fails_says_so_and_the_work_stays_modified(modified, monkeypatch, tmp_path) -> None:
    saving_to(monkeypatch, tmp_path / "gone" / "work.ora")
    modified.actions_by_id["save"].trigger()
    assert modified.editor.modified
    box = modified.findChild(QMessageBox, "message")
    assert box.text()
    box.accept()


def test_closing_modified_work_asks_and_cancel_keeps_it_open(modified) -> None:
    asked = answer(QMessageBox.StandardButton.Cancel)
    assert not modified.close()
    assert asked == ["Save the changes to Untitled?"]
    assert modified.isVisible()


def test_closing_modified_work_can_discard_it(modified) -> None:
    answer(QMessageBox.StandardButton.Discard)
    assert modified.close()


def test_closing_can_save_first(modified, monkeypatch, tmp_path) -> None:
    saving_to(monkeypatch, tmp_path / "kept.ora")
    answer(QMessageBox.StandardButton.Save)
    assert modified.close()
    assert (tmp_path / "kept.ora").exists()


def test_closing_stays_open_when_the_save_dialog_is_cancelled(modified, monkeypatch) -> None:
    saving_to(monkeypatch, "")
    answer(QMessageBox.StandardButton.Save)
    assert not modified.close()


def test_an_opened_png_is_shown_and_never_overwritten_by_save(window, picture_file, monkeypatch, tmp_path) -> None:
    window.files.open_path(picture_file)
    assert window.windowTitle() == "picture.png[*] - PaintDiff"
    assert (window.editor.document.canvas.w, window.editor.document.canvas.h) == (20, 10)
    before = picture_file.read_bytes()
    saving_to(monkeypatch, tmp_path / "picture.ora")
    window.actions_by_id["save"].trigger()
    assert picture_file.read_bytes() == before
    assert (tmp_path / "picture.ora").exists()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n broken"])
def test_a_bad_file_is_one_sentence_and_the_document_stays(window, tmp_path, content) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    before = window.editor.document
    window.files.open_path(path)
    assert window.editor.document is before
    box = window.findChild(QMessageBox, "message")
    assert box.text().count(".") >= 1
    assert "Traceback" not in box.text()
    box.accept()


def test_a_vanished_recent_file_leaves_the_list(window, picture_file) -> None:
    window.files.open_path(picture_file)
    picture_file.unlink()
    window.files.open_path(picture_file)
    assert window.settings.recent == []
    window.findChild(QMessageBox, "message").accept()


def test_a_deep_picture_opens_with_a_notice(window, tmp_path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 30000, np.uint16)).save(path)
    window.files.open_path(path)
    assert "16" in window.status.currentMessage()


def test_a_dropped_file_opens(window, picture_file) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(picture_file))])
    how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window.canvas, QDragEnterEvent(QPoint(10, 10), *how))
    QApplication.sendEvent(window.canvas, QDropEvent(QPointF(10, 10), *how))
    assert window.editor.name == "picture.png"


def test_opening_over_modified_work_asks_first(modified, picture_file) -> None:
    asked = answer(QMessageBox.StandardButton.Cancel)
    modified.files.open_path(picture_file)
    assert asked
    assert modified.editor.name == "Untitled"


def test_export_writes_the_pixels_and_the_recipe(window, monkeypatch, tmp_path, qtbot) -> None:
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.generating.generate()
    window.strip.accept.click()
    saving_to(monkeypatch, tmp_path / "out.png")
    window.actions_by_id["export"].trigger()
    assert Image.open(tmp_path / "out.png").size == (64, 48)
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe.to_json() == window.editor.document.active_layer.recipe.to_json()
    assert window.editor.modified, "an export is not a save"


def test_a_new_picture_has_the_size_and_ground_asked_for(window, qtbot) -> None:
    def fill() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QDialog)
        dialog.width_box.setValue(320)
        dialog.height_box.setValue(16384)
        assert dialog.buttons.button(dialog.buttons.StandardButton.Ok).isEnabled()
        dialog.width_box.setValue(16384)
        assert not dialog.buttons.button(dialog.buttons.StandardButton.Ok).isEnabled()
        dialog.width_box.setValue(320)
        dialog.height_box.setValue(200)
        dialog.ground.setCurrentText("Transparent")
        dialog.accept()

    QTimer.singleShot(0, fill)
    window.actions_by_id["new"].trigger()
    canvas = window.editor.document.canvas
    assert (canvas.w, canvas.h) == (320, 200)
    assert window.editor.document.layers[0].tiles.is_empty


def test_copy_and_paste_bring_the_picture_back_as_a_layer(window) -> None:
    window.actions_by_id["copy"].trigger()
    assert QGuiApplication.clipboard().image().width() == 64
    window.actions_by_id["paste"].trigger()
    assert window.editor.document.active_layer.name == "Pasted"
    assert window.editor.undo_label == "Paste"


def test_pasting_nothing_is_told_and_changes_nothing(window) -> None:
    QGuiApplication.clipboard().setText("no picture")
    before = window.editor.document
    window.actions_by_id["paste"].trigger()
    assert window.editor.document is before
    assert "clipboard" in window.status.currentMessage()


def test_paste_as_new_picture_takes_its_size(window) -> None:
    image = QImage(33, 22, QImage.Format.Format_ARGB32)
    image.fill(0x80FF0000)
    QGuiApplication.clipboard().setImage(image)
    window.actions_by_id["paste_new"].trigger()
    canvas = window.editor.document.canvas
    assert (canvas.w, canvas.h) == (33, 22)
