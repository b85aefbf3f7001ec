"""What the canvas shows and how it is looked at: zoom, pan, preview, frame, overlay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from paintdiff.document.change_map import add, fill
from paintdiff.document.document import Document
from paintdiff.document.edits import add_layer, new_document
from paintdiff.document.requests import frame_of, make_request
from paintdiff.editor import Editor
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles
from paintdiff.ui.canvas.canvas import Canvas
from paintdiff.ui.qimage import to_array
from paintdiff.ui.tool_state import ToolState
from tests.ui.canvas.hand import MIDDLE, NONE, SHIFT, at, drag, move, press


def grab(canvas: Canvas) -> QImage:
    canvas._hover = None
    return canvas.grab().toImage()


def screen(canvas: Canvas, world: Rect) -> np.ndarray:
    """The RGB pixels on the screen over `world`, at 100 %."""
    corner = canvas.view.to_widget(world.x, world.y).toPoint()
    return to_array(grab(canvas).copy(QRect(corner.x(), corner.y(), world.w, world.h)))[..., :3]


def wheel(canvas: Canvas, point: QPointF, notches: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
    event = QWheelEvent(
        point, canvas.mapToGlobal(point), QPoint(), QPoint(0, round(120 * notches)), Qt.MouseButton.NoButton,
        modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )
    QApplication.sendEvent(canvas, event)


def test_at_full_size_the_screen_shows_the_very_pixels(canvas: Canvas, editor: Editor) -> None:
    inner = Rect(3, 5, 150, 120)
    pixels = editor.document.active_layer.tiles.read(inner)[..., :3]
    assert np.array_equal(screen(canvas, inner), pixels)


@pytest.mark.parametrize("modifiers", [NONE, Qt.KeyboardModifier.ControlModifier])
def test_the_wheel_zooms_at_the_cursor(canvas: Canvas, qtbot: QtBot, modifiers: Qt.KeyboardModifier) -> None:
    point = QPointF(251, 87)
    x, y = canvas.view.to_world(point)
    with qtbot.waitSignal(canvas.zoom_changed):
        wheel(canvas, point, 2, modifiers)
    assert canvas.zoom == pytest.approx(1.25**2)
    after = canvas.view.to_widget(x, y)
    assert abs(after.x() - point.x()) <= 1.5
    assert abs(after.y() - point.y()) <= 1.5


def test_zoom_stays_in_its_range_and_stops_at_full_size(canvas: Canvas) -> None:
    wheel(canvas, QPointF(100, 100), 400)
    assert canvas.zoom == 64
    wheel(canvas, QPointF(100, 100), -400)
    assert canvas.zoom == 1.0
    wheel(canvas, QPointF(100, 100), -400)
    assert canvas.zoom == 0.02
    assert not grab(canvas).isNull()


def test_space_and_the_middle_button_pan(canvas: Canvas, editor: Editor) -> None:
    before, where = editor.document, canvas.view
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, NONE, QPoint(100, 100))
    QTest.mouseMove(canvas, QPoint(130, 90))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, NONE, QPoint(130, 90))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert (canvas.view.x - where.x, canvas.view.y - where.y) == (30, -10)
    QTest.mousePress(canvas, MIDDLE, NONE, QPoint(100, 100))
    QTest.mouseMove(canvas, QPoint(80, 105))
    QTest.mouseRelease(canvas, MIDDLE, NONE, QPoint(80, 105))
    assert (canvas.view.x - where.x, canvas.view.y - where.y) == (10, -5)
    assert editor.document is before


def test_the_hand_pans_with_the_left_button(canvas: Canvas, tools: ToolState) -> None:
    where = canvas.view
    tools.set_tool("hand")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, NONE, QPoint(100, 100))
    QTest.mouseMove(canvas, QPoint(110, 120))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, NONE, QPoint(110, 120))
    assert (canvas.view.x - where.x, canvas.view.y - where.y) == (10, 20)


def test_a_fitted_view_follows_the_window_until_it_is_zoomed(canvas: Canvas) -> None:
    canvas.fit()
    canvas.resize(240, 180)
    assert canvas.view == canvas.view.fitted(canvas.bounds())
    canvas.zoom_to(2.0)
    canvas.resize(400, 300)
    assert canvas.zoom == 2.0


def test_the_pointer_is_told_in_world_pixels(canvas: Canvas, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.pointer_moved) as moved:
        QTest.mouseMove(canvas, at(canvas, (31, 70)))
    assert moved.args == [31, 70]


def test_the_overlay_tints_in_proportion_and_can_be_hidden(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    editor.load(new_document(200, 150, (200, 200, 200, 255)))
    half = np.full((40, 40), 128, np.uint8)
    editor.replace("Mask", add(add(editor.document, half, 20, 20), np.full((40, 40), 255, np.uint8), 80, 20))
    none, some, full = (screen(canvas, Rect(x, 30, 1, 1))[0, 0].astype(int) for x in (5, 40, 100))
    assert none.tolist() == [200, 200, 200]
    assert np.abs((none + full) / 2 - some).max() <= 2
    assert full[1] < 140
    tools.set_overlay_colour((0, 255, 0))
    assert screen(canvas, Rect(100, 30, 1, 1))[0, 0, 1] > 200
    tools.set_overlay_visible(False)
    assert screen(canvas, Rect(100, 30, 1, 1))[0, 0].tolist() == [200, 200, 200]


def test_painting_the_mask_shows_it(canvas: Canvas, tools: ToolState) -> None:
    tools.set_overlay_visible(False)
    canvas.set_preview(Rect(0, 0, 200, 150), np.full((150, 200, 4), 255, np.uint8))
    press(canvas, (60, 60))
    move(canvas, (90, 60))
    assert tools.overlay_visible
    assert screen(canvas, Rect(75, 60, 1, 1))[0, 0, 1] < 200


def test_the_hatch_makes_stripes_in_the_mask_alone(canvas: Canvas, editor: Editor, tools: ToolState) -> None:
    editor.load(new_document(200, 150, (232, 38, 108, 255)))
    editor.replace("Mask", add(editor.document, np.full((60, 60), 255, np.uint8), 20, 20))
    tools.set_overlay_colour((0, 0, 0))
    tools.set_hatch(True)
    assert len(np.unique(screen(canvas, Rect(25, 25, 50, 50)).reshape(-1, 3), axis=0)) > 3
    assert len(np.unique(screen(canvas, Rect(90, 25, 50, 50)).reshape(-1, 3), axis=0)) == 1


def test_transparency_shows_squares(canvas: Canvas, editor: Editor) -> None:
    editor.load(new_document(200, 150, None))
    assert len(np.unique(screen(canvas, Rect(20, 20, 100, 100)).reshape(-1, 3), axis=0)) == 2


def test_a_preview_covers_its_frame_until_it_is_cleared_or_compared(canvas: Canvas, editor: Editor) -> None:
    editor.replace("Mask", fill(editor.document))
    before = screen(canvas, Rect(0, 0, 200, 150))
    patch = np.full((60, 80, 4), (10, 200, 30, 255), np.uint8)
    frame = Rect(40, 30, 80, 60)
    canvas.set_preview(frame, patch)
    assert (screen(canvas, frame) == (10, 200, 30)).all()
    plain = editor.document.active_layer.tiles.read(Rect(0, 0, 40, 150))[..., :3]
    assert np.array_equal(screen(canvas, Rect(0, 0, 40, 150)), plain), "the mask's tint hides the preview's edge"
    canvas.set_comparing(True)
    assert np.array_equal(screen(canvas, frame), editor.document.active_layer.tiles.read(frame)[..., :3])
    canvas.set_comparing(False)
    canvas.clear_preview()
    assert np.array_equal(screen(canvas, Rect(0, 0, 200, 150)), before)


def test_a_small_preview_is_stretched_over_its_frame(canvas: Canvas) -> None:
    canvas.set_preview(Rect(20, 20, 128, 96), np.full((24, 32, 4), (1, 2, 3, 255), np.uint8))
    assert (screen(canvas, Rect(20, 20, 128, 96)) == (1, 2, 3)).all()


def test_a_dragged_frame_is_told_once_and_lies_on_whole_pixels(
    canvas: Canvas, editor: Editor, tools: ToolState, qtbot: QtBot
) -> None:
    tools.set_tool("frame")
    canvas.set_frame(Rect(40, 30, 80, 60), 8)
    told: list[Rect] = []
    canvas.frame_dragged.connect(told.append)
    before = editor.document
    drag(canvas, [(80.0, 60.0), (90.0, 64.0), (100.0, 70.0)])
    assert told == [Rect(60, 40, 80, 60)]
    drag(canvas, [(140.0, 100.0), (230.0, 160.0)])
    assert told[1:] == [Rect(60, 40, 170, 120)]
    drag(canvas, [(100.0, 70.0)])
    assert len(told) == 2, "a click is no drag"
    assert editor.document is before


def test_shift_keeps_a_dragged_frame_square(canvas: Canvas, tools: ToolState) -> None:
    tools.set_tool("frame")
    told: list[Rect] = []
    canvas.frame_dragged.connect(told.append)
    drag(canvas, [(20.0, 20.0), (120.0, 60.0)])
    assert told == [Rect(20, 20, 100, 40)]
    drag(canvas, [(120.0, 60.0), (150.0, 90.0)], SHIFT)
    assert told[1:] == [Rect(20, 20, 130, 130)]


def test_escape_puts_a_dragged_frame_back(canvas: Canvas, tools: ToolState) -> None:
    tools.set_tool("frame")
    canvas.set_frame(Rect(40, 30, 80, 60), 8)
    before = grab(canvas)
    press(canvas, (80, 60))
    move(canvas, (110, 90))
    assert grab(canvas) != before
    assert canvas.cancel_stroke()
    assert grab(canvas) == before


def test_the_frame_shows_what_is_outpainted_and_dims_the_rest_while_generating(
    canvas: Canvas, editor: Editor
) -> None:
    editor.load(new_document(200, 150, (200, 200, 200, 255)))
    outside = Rect(202, 60, 10, 20)
    plain = screen(canvas, outside)
    canvas.set_frame(Rect(120, 40, 100, 80), 8, "outpaint")
    assert not np.array_equal(screen(canvas, outside), plain)
    canvas.set_generating(True)
    assert screen(canvas, Rect(20, 20, 1, 1))[0, 0, 0] < 150
    assert screen(canvas, Rect(140, 60, 1, 1))[0, 0, 0] == 200


def test_the_blend_is_outlined_once_the_mask_rests(canvas: Canvas, editor: Editor, qtbot: QtBot) -> None:
    editor.load(new_document(200, 150, (200, 200, 200, 255)))
    editor.replace("Mask", add(editor.document, np.full((60, 80), 255, np.uint8), 60, 40))
    canvas.set_frame(Rect(20, 10, 160, 120), 16)
    untraced = screen(canvas, Rect(55, 35, 90, 70))
    qtbot.waitUntil(lambda: not np.array_equal(screen(canvas, Rect(55, 35, 90, 70)), untraced), timeout=2000)
    changed = (screen(canvas, Rect(55, 35, 90, 70)) != untraced).any(axis=2)
    assert changed[20:50, 4:7].any(), "the edge of the mask"
    assert changed[35, 18:26].any(), "the end of the blend"
    assert not changed[30:40, 30:60].any(), "nothing in the middle"


def test_parts_that_the_model_will_see_one_after_the_other_are_outlined(
    canvas: Canvas, editor: Editor, qtbot: QtBot
) -> None:
    editor.load(new_document(200, 150, (200, 200, 200, 255)))
    for x, y in ((20, 20), (150, 100)):
        editor.replace("Mask", add(editor.document, np.full((20, 20), 255, np.uint8), x, y))
    first, second = make_request(editor.document, "inpaint", Sampling(), size=16).windows
    between, edge = Rect(first.right + 5, first.y + 10, 20, 20), Rect(first.right - 2, first.y + 20, 4, 4)
    untraced = {rect: screen(canvas, rect) for rect in (between, edge)}
    canvas.set_frame(frame_of(editor.document, 16), 8, "inpaint", 16)
    qtbot.waitUntil(lambda: not np.array_equal(screen(canvas, edge), untraced[edge]), timeout=2000)
    assert np.array_equal(screen(canvas, between), untraced[between])
    assert second.intersected(first).empty


def test_the_grid_appears_between_large_pixels(canvas: Canvas, editor: Editor) -> None:
    editor.load(new_document(200, 150, (127, 127, 127, 255)))
    canvas.zoom_to(7.9)
    assert len(np.unique(to_array(grab(canvas))[100:200, 100:200].reshape(-1, 4), axis=0)) == 1
    canvas.zoom_to(8)
    assert len(np.unique(to_array(grab(canvas))[100:200, 100:200].reshape(-1, 4), axis=0)) > 1


def test_dropped_files_are_told(canvas: Canvas, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png")), QUrl("https://example.org/b.png")])
    action, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(5, 5), action, data, buttons, NONE)
    QApplication.sendEvent(canvas, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(canvas.files_dropped) as dropped:
        QApplication.sendEvent(canvas, QDropEvent(QPointF(5, 5), action, data, buttons, NONE))
    assert dropped.args[0] == [tmp_path / "a.png"]


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (16384, 2), (257, 129)])
def test_pictures_of_any_shape_are_shown_at_any_zoom(canvas: Canvas, editor: Editor, size: tuple[int, int]) -> None:
    layers = new_document(1, 1).layers
    canvas_rect = Rect(-3, -5, *size)
    editor.load(Document(canvas_rect, add_layer(Document(canvas_rect, layers)).layers, change_map=Tiles(1)))
    editor.replace("Mask", fill(editor.document))
    canvas.fit()
    for zoom in (0.02, 0.3, 1.0, 1.3, 5.0, 64.0):
        canvas.zoom_to(zoom)
        assert not grab(canvas).isNull()


def test_updates_lose_no_reference_to_none(canvas: Canvas) -> None:
    """PySide6 6.12 drops one with every call that returns nothing, and in the end Python aborts."""
    canvas.update()
    before = sys.getrefcount(None)
    for _ in range(1000):
        canvas.update()
    assert abs(sys.getrefcount(None) - before) < 100


def test_on_a_screen_with_two_pixels_a_unit_strokes_land_under_the_cursor() -> None:
    """A device pixel ratio cannot change within a process, so another one paints and reports."""
    script = Path(__file__).with_name("paint_at_ratio_two.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
