"""A whole window on a small picture and a tiny real model, with settings of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from paintdiff.app import make_engine, start_application
from paintdiff.document import change_map
from paintdiff.document.edits import picture_document
from paintdiff.editor import Editor
from paintdiff.jobs.jobs import Jobs
from paintdiff.ui.settings import Settings
from paintdiff.ui.window import Window


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_model import tiny_model

    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def make_window(qtbot, settings: Settings, model_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Makes shown windows with a masked 64 × 48 picture; `make` builds their engine, `scan` finds models."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # folders of models, which the program keeps there
    start_application([])
    windows = []

    def build(make=make_engine, masked: bool = True, scan=lambda folders: iter(())) -> Window:
        pixels = np.full((48, 64, 4), 255, np.uint8)
        pixels[..., 0] = np.linspace(0, 255, 64, dtype=np.uint8)
        document = picture_document(pixels)
        if masked:
            document = change_map.add(document, np.full((12, 16), 255, np.uint8), 24, 18)
        window = Window(Editor(document), Jobs(make), settings, str(model_folder), scan=scan)
        windows.append(window)
        window.panel.fields["steps"].set_value(2)
        window.panel.fields["candidates"].set_value(2)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        window.canvas.fit()
        return window

    yield build
    for window in windows:
        window.editor.mark_saved(Path("nowhere.ora"))
        window.close()
        assert window.jobs.stop(20_000)
        assert window.models.stop(5000)
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(make_window) -> Window:
    return make_window()


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    image = QImage(20, 10, QImage.Format.Format_RGB32)
    image.fill(0xFF3366)
    path = tmp_path / "picture.png"
    assert image.save(str(path))
    return path
