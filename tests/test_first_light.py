"""The whole way, as a painter goes it: sample, mask, prompt, Generate, preview, accept, undo, redo, export."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from paintdiff.app import make_engine, open_window
from paintdiff.document.compose import compose
from paintdiff.document.save import read_recipe
from paintdiff.ui.settings import Settings
from paintdiff.ui.window import Window
from tests.ui.canvas.hand import drag

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[Window]:
    settings = Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = open_window(None, make_engine, settings)
    qtbot.waitUntil(window.canvas.isVisible)
    window.resize(1280, 720)
    yield window
    assert window.jobs.stop(30_000)
    window.editor.mark_saved(tmp_path / "done.ora")
    window.close()


def picture(window: Window) -> np.ndarray:
    return compose(window.editor.document, window.editor.document.canvas)


def save_in_dialog(path: Path) -> None:
    """Name a file in the file dialog once it is open, and press Save."""
    dialog = QApplication.activeModalWidget()
    if not isinstance(dialog, QFileDialog):
        QTimer.singleShot(50, lambda: save_in_dialog(path))
        return
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))  # typing would open the completer over the button
    save = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save)
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)


def test_from_the_sample_to_an_exported_png(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    canvas, before = window.canvas, picture(window)
    QTest.keyClick(canvas, Qt.Key.Key_D, CONTROL)  # the sample comes with a mask: clear it
    assert window.editor.document.change_map.is_empty
    drag(canvas, [(430, 90), (470, 110), (500, 100)])
    mask = window.editor.document.change_map.read(window.editor.document.canvas)
    assert mask.max() == 255
    assert 2000 < np.count_nonzero(mask) < 40_000

    prompt = window.findChild(QPlainTextEdit, "prompt")
    prompt.setFocus()
    QTest.keyClick(prompt, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(prompt, "a yellow star")
    previews = []
    window.jobs.progressed.connect(lambda _job, progress: previews.append(progress.preview))
    with qtbot.waitSignal(window.jobs.finished, timeout=120_000) as finished:
        QTest.keyClick(prompt, Qt.Key.Key_Return, CONTROL)
    result = finished.args[1]
    assert result.report.kept_pixels_changed == 0
    assert any(preview is not None and preview.any() for preview in previews)
    assert np.array_equal(picture(window), before), "candidates are only shown, not in the document yet"

    strip = window.strip
    assert strip.isVisible()
    assert strip.list.count() == len(result.candidates) == 4
    first = canvas.grab().toImage()
    strip.list.setFocus()
    QTest.keyClick(strip.list, Qt.Key.Key_Right)
    assert strip.list.currentRow() == 1
    assert canvas.grab().toImage() != first, "the arrow key previews the other candidate in place"

    QTest.mouseClick(window.findChild(QPushButton, "accept_candidate"), Qt.MouseButton.LeftButton)
    accepted = picture(window)
    assert len(window.editor.document.layers) == 2
    changed = (accepted != before).any(axis=2)
    assert changed[mask == 255].mean() > 0.5, "around the star the ground may go on exactly as it was"
    assert not changed[mask == 0].any(), "nothing outside the mask changes"
    assert window.editor.document.layers[-1].recipe == result.candidates[1].recipe

    QTest.keyClick(canvas, Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(picture(window), before)
    QTest.keyClick(canvas, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert np.array_equal(picture(window), accepted)

    exported = tmp_path / "star.png"
    QTimer.singleShot(0, lambda: save_in_dialog(exported))
    QTest.keyClick(canvas, Qt.Key.Key_E, CONTROL | SHIFT)
    qtbot.waitUntil(exported.exists, timeout=10_000)
    with Image.open(exported) as image:
        assert np.array_equal(np.asarray(image.convert("RGBA")), accepted)
    recipe = read_recipe(exported)
    assert recipe is not None
    assert recipe.sampling.prompt == "a yellow star"
