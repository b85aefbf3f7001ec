"""From mouse and pen to the document: real events on a real canvas and editor."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from paintdiff.document.document import Document
from paintdiff.document.edits import add_layer, new_document, set_visible
from paintdiff.editor import Editor
from paintdiff.image.geometry import Rect
from paintdiff.paint.brush import Brush, Sample
from paintdiff.paint.inks import Colour, MarkMask
from paintdiff.paint.stroke import Stroke
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.qimage import to_array
from paintdiff.ui.tool_state import ToolState
from tests.ui.canvas.hand import ALT, LEFT, SHIFT, at, drag, move, press, release

BRUSH = Brush(size=12, hardness=0.5, opacity=0.8)


def layer_pixels(document: Document) -> np.ndarray:
    return document.active_layer.tiles.read(document.canvas)


def map_pixels(document: Document) -> np.ndarray:
    return document.change_map.read(document.canvas)


def test_a_stroke_changes_exactly_the_pixels_under_the_brush(
    canvas: Canvas, editor: Editor, tools: ToolState
) -> None:
    before = editor.document
    tools.set_tool("brush")
    tools.set_brush(BRUSH)
    tools.set_foreground((250, 10, 60))
    points = [(30.0, 40.0), (80.0, 60.0), (120.0, 50.0)]
    drag(canvas, points)
    expected = Stroke(before.active_layer.tiles, BRUSH, Colour((250, 10, 60)), before.canvas)
    for x, y in points:
        expected.extend(Sample(x, y))
    expected.finish()
    assert np.array_equal(layer_pixels(editor.document), expected.merged().read(before.canvas))
    assert editor.document.change_map is before.change_map
    assert editor.undo_label == "Brush stroke"


def test_the_mask_brush_paints_the_map_and_leaves_the_picture(
    canvas: Canvas, editor: Editor, tools: ToolState
) -> None:
    before = editor.document
    tools.set_brush(BRUSH)
    drag(canvas, [(60.0, 70.0), (90.0, 70.0)])
    expected = Stroke(before.change_map, BRUSH, MarkMask(), before.canvas)
    expected.extend(Sample(60, 70))
    expected.extend(Sample(90, 70))
    expected.finish()
    assert np.array_equal(map_pixels(editor.document), expected.merged().read(before.canvas))
    assert editor.document.layers is before.layers


def test_escape_leaves_the_document_untouched(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    before, picture = editor.document, canvas.grab().toImage()
    tools.set_tool("brush")
    press(canvas, (30, 40))
    move(canvas, (90, 80))
    assert canvas.grab().toImage() != picture
    assert canvas.cancel_stroke()
    release(canvas, (90, 80))
    QTest.mouseMove(canvas, at(canvas, (-50, -50)))
    assert editor.document is before
    assert not canvas.cancel_stroke()


def test_undo_in_the_middle_of_a_stroke_drops_the_stroke(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    start = editor.document
    tools.set_tool("brush")
    drag(canvas, [(20.0, 20.0), (60.0, 20.0)])
    press(canvas, (30, 60))
    move(canvas, (90, 60))
    editor.undo()
    move(canvas, (120, 90))
    release(canvas, (120, 90))
    assert editor.document is start


def test_another_file_under_a_stroke_stays_as_it_is(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_tool("brush")
    press(canvas, (30, 60))
    move(canvas, (90, 60))
    other = new_document(64, 64)
    editor.load(other)
    move(canvas, (20, 20))
    release(canvas, (20, 20))
    assert editor.document is other


def test_a_click_paints_one_dab_and_is_one_step(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    start = editor.document
    tools.set_tool("brush")
    drag(canvas, [(50.0, 50.0)])
    changed = (layer_pixels(editor.document) != layer_pixels(start)).any(axis=2)
    assert 300 < changed.sum() < 600
    editor.undo()
    assert editor.document is start


def test_a_stroke_beside_the_canvas_is_no_step(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_tool("brush")
    drag(canvas, [(-60.0, -40.0), (-60.0, -30.0)])
    assert editor.undo_label is None


def test_shift_click_draws_a_straight_line_from_the_last_point(
    canvas: Canvas, editor: Editor, tools: ToolState
) -> None:
    tools.set_brush(Brush(size=4, hardness=1))
    drag(canvas, [(20.0, 30.0)])
    drag(canvas, [(140.0, 90.0)], SHIFT)
    marks = map_pixels(editor.document)
    for t in np.linspace(0, 1, 25):
        assert marks[int(30 + 60 * t), int(20 + 120 * t)] > 200


@pytest.mark.parametrize("tool", ["mask_rectangle", "mask_lasso"])
def test_shapes_fill_the_mask_and_alt_takes_them_out(
    canvas: Canvas, editor: Editor, tools: ToolState, tool: str
) -> None:
    corners = [(20.0, 30.0), (120.0, 30.0), (120.0, 90.0), (20.0, 90.0)]
    tools.set_tool(tool)
    drag(canvas, corners if tool == "mask_lasso" else [corners[0], corners[2]])
    expected = np.zeros(editor.document.canvas.shape, np.uint8)
    expected[30:90, 20:120] = 255
    assert np.array_equal(map_pixels(editor.document), expected)
    press(canvas, (60, 10), ALT)
    for point in [(100.0, 10.0), (100.0, 120.0), (60.0, 120.0)] if tool == "mask_lasso" else [(100.0, 120.0)]:
        move(canvas, point)
    release(canvas, (60, 120) if tool == "mask_lasso" else (100, 120), ALT)
    expected[:, 60:100] = 0
    assert np.array_equal(map_pixels(editor.document), expected)


def test_a_mask_shape_follows_the_opacity(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_tool("mask_rectangle")
    tools.set_brush(Brush(opacity=0.5))
    drag(canvas, [(20.0, 30.0), (60.0, 70.0)])
    assert map_pixels(editor.document)[30:70, 20:60].min() == 128


@pytest.mark.parametrize("way", ["picker", "alt"])
def test_picking_takes_the_colour_of_the_picture(
    canvas: Canvas, editor: Editor, tools: ToolState, way: str
) -> None:
    tools.set_tool("picker" if way == "picker" else "brush")
    before = editor.document
    drag(canvas, [(77.0, 33.0)], ALT if way == "alt" else Qt.KeyboardModifier.NoModifier)
    assert tools.foreground == tuple(layer_pixels(before)[33, 77, :3])
    assert editor.document is before


def test_a_hidden_layer_is_not_painted_on_and_says_so(
    canvas: Canvas, editor: Editor, tools: ToolState, qtbot: QtBot
) -> None:
    hidden = set_visible(editor.document, 0, False)
    editor.replace("Hide layer", hidden)
    tools.set_tool("brush")
    with qtbot.waitSignal(canvas.noticed) as notice:
        drag(canvas, [(50.0, 50.0)])
    assert "hidden" in notice.args[0]
    assert editor.document is hidden


def test_erasing_makes_the_layer_transparent(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_tool("eraser")
    tools.set_brush(Brush(size=20, hardness=1))
    drag(canvas, [(50.0, 50.0)])
    assert not layer_pixels(editor.document)[45:55, 45:55].any()


@pytest.mark.parametrize("zoom", [0.4, 1.0, 1.7, 3.0, 12.0])
def test_undo_and_redo_repaint_as_a_fresh_canvas_would(
    canvas: Canvas, editor: Editor, tools: ToolState, qtbot: QtBot, zoom: float
) -> None:
    editor.replace("Add layer", add_layer(editor.document))
    canvas.zoom_to(zoom)
    canvas.grab()
    tools.set_tool("brush")
    tools.set_brush(Brush(size=30, hardness=0.2))
    middle = canvas.view.to_world(QPointF(200, 150))
    drag(canvas, [middle, (middle[0] + 9, middle[1] + 4)])
    tools.set_tool("mask_brush")
    drag(canvas, [(middle[0] - 6, middle[1]), (middle[0] - 6, middle[1] + 12)])

    def fresh() -> object:
        other = Canvas(editor, tools)
        qtbot.addWidget(other)
        other.resize(canvas.size())
        other.show()
        other._show(canvas.view)
        return other.grab().toImage()

    for step in (lambda: None, editor.undo, editor.undo, editor.redo, editor.redo):
        step()
        canvas._hover = None
        assert canvas.grab().toImage() == fresh()


@pytest.mark.parametrize("zoom", [0.3, 0.77, 1.0, 1.3, 3.7, 8.3])
def test_repainting_only_what_changed_leaves_no_seams(
    canvas: Canvas, editor: Editor, tools: ToolState, zoom: float
) -> None:
    canvas.zoom_to(zoom)
    QApplication.processEvents()
    middle = canvas.view.to_world(QPointF(200, 150))
    for tool in ("brush", "mask_brush", "eraser"):
        tools.set_tool(tool)
        tools.set_brush(Brush(size=max(2.0, 40 / zoom), hardness=0.4))
        drag(canvas, [(middle[0] + dx / zoom, middle[1] + dy / zoom) for dx, dy in ((-60, 0), (-20, 30), (40, -30))])
    for step in (lambda: None, editor.undo):
        step()
        QApplication.processEvents()
        on_screen = to_array(canvas.screen().grabWindow(canvas.winId()).toImage()).astype(int)
        # Smooth scaling rounds by where a repaint begins: a level for the picture and one for the overlay.
        assert np.abs(on_screen - to_array(canvas.grab().toImage())).max() <= 2


def pen(canvas: Canvas, kind: QEvent.Type, point: tuple[float, float], pressure: float, eraser: bool = False) -> None:
    pointer = QPointingDevice.PointerType.Eraser if eraser else QPointingDevice.PointerType.Pen
    device = QPointingDevice(
        "pen", 1, QPointingDevice.DeviceType.Stylus, pointer, QPointingDevice.Capability.All, 1, 2
    )
    where = canvas.view.to_widget(*point)
    held = LEFT if kind != QEvent.Type.TabletRelease else Qt.MouseButton.NoButton
    event = QTabletEvent(
        kind, device, where, canvas.mapToGlobal(where), pressure, 0, 0, 0, 0, 0,
        Qt.KeyboardModifier.NoModifier, LEFT, held,
    )
    QApplication.sendEvent(canvas, event)


def test_the_pen_presses_size_and_opacity(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_brush(Brush(size=40, hardness=1, pressure_size=True, pressure_opacity=True))
    pen(canvas, QEvent.Type.TabletPress, (60, 60), 0.5)
    pen(canvas, QEvent.Type.TabletRelease, (60, 60), 0.5)
    marks = map_pixels(editor.document)
    assert marks.max() == 128
    assert np.count_nonzero(marks[60]) == 20


def test_the_far_end_of_the_pen_erases(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    tools.set_brush(Brush(size=40, hardness=1))
    drag(canvas, [(60.0, 60.0)])
    pen(canvas, QEvent.Type.TabletPress, (60, 60), 1.0, eraser=True)
    pen(canvas, QEvent.Type.TabletMove, (64, 60), 1.0, eraser=True)
    pen(canvas, QEvent.Type.TabletMove, (60, 60), 1.0, eraser=True)
    pen(canvas, QEvent.Type.TabletRelease, (60, 60), 1.0, eraser=True)
    assert map_pixels(editor.document).max() == 0
    assert editor.undo_label == "Erase mask"


def test_painting_on_a_grown_canvas_lands_under_the_cursor(
    canvas: Canvas, editor: Editor, tools: ToolState
) -> None:
    editor.load(Document(Rect(-130, -40, 260, 90), new_document(1, 1, None).layers))
    canvas.fit()
    tools.set_tool("brush")
    tools.set_brush(Brush(size=10, hardness=1))
    tools.set_foreground((9, 8, 7))
    drag(canvas, [(-100.0, -20.0)])
    assert editor.document.active_layer.tiles.read(Rect(-101, -21, 1, 1)).ravel().tolist() == [9, 8, 7, 255]
