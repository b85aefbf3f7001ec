"""A shown canvas on a small picture, at 100 %."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from paintdiff.document.edits import picture_document
from paintdiff.editor import Editor
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.tool_state import ToolState


@pytest.fixture
def editor() -> Editor:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (150, 200, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return Editor(picture_document(pixels))


@pytest.fixture
def tools() -> ToolState:
    return ToolState()


@pytest.fixture
def canvas(qtbot: QtBot, editor: Editor, tools: ToolState) -> Canvas:
    canvas = Canvas(editor, tools)
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.show()
    canvas.fit()
    canvas.zoom_to(1.0)
    return canvas
