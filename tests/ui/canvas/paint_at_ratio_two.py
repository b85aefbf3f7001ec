"""Paints one pixel at a device pixel ratio of 2 and checks the document and the screen; run by a test."""

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_SCALE_FACTOR"] = "2"
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from paintdiff.document.edits import new_document
from paintdiff.editor import Editor
from paintdiff.paint.brush import Brush
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.qimage import to_array
from paintdiff.ui.tool_state import ToolState

application = QApplication([])
editor, tools = Editor(new_document(100, 80)), ToolState()
tools.set_tool("brush")
tools.set_brush(Brush(size=1, hardness=1))
canvas = Canvas(editor, tools)
canvas.resize(200, 150)
canvas.show()
canvas.zoom_to(4.0)
assert canvas.view.ratio == 2.0, canvas.view

target = (37, 21)
place = canvas.view.to_widget(target[0] + 0.5, target[1] + 0.5)
assert place == place.toPoint(), "4 device pixels are 2 units: centres lie on whole units"
QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place.toPoint())
layer = editor.document.active_layer.tiles.read(editor.document.canvas)[..., 0]
assert np.argwhere(layer != 255).tolist() == [[target[1], target[0]]], np.argwhere(layer != 255)

QTest.mouseMove(canvas, QPoint(1, 1))
shot = to_array(canvas.grab().toImage())
assert shot.shape[:2] == (300, 400), shot.shape
left, top = (round(value * 2) for value in (place.x() - 1, place.y() - 1))
assert (shot[top : top + 4, left : left + 4, :3] == 0).all(), "the pixel is a sharp square of 4 × 4 device pixels"
