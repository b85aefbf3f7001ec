"""Colorize and Upscale in a real window, from the button to the accepted layer."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPushButton

from paintdiff.document.compose import compose
from paintdiff.document.document import MAX_SIDE
from paintdiff.document.edits import new_document
from paintdiff.document.hints import HINTS
from paintdiff.image.enlarge import block_sums
from paintdiff.image.gamut import luma
from paintdiff.image.geometry import Rect


def generate(window, qtbot) -> None:
    window.panel.fields["steps"].set_value(2)
    with qtbot.waitSignal(window.jobs.finished, timeout=60_000):
        window.panel.run_bar.generate.click()


@pytest.fixture
def plain(make_window):
    """A window with nothing masked."""
    return make_window(masked=False)


def test_each_mode_shows_its_own_row(plain) -> None:
    rows = {name: plain.panel.findChild(object, name) for name in ("extend", "hints", "enlarged")}
    for mode, shown in (("inpaint", ""), ("outpaint", "extend"), ("colorize", "hints"), ("upscale", "enlarged")):
        plain.panel.set_mode(mode)
        assert [name for name, row in rows.items() if row.isVisible()] == [shown] * bool(shown)


def test_a_click_adds_the_hint_layer_and_takes_the_brush(plain) -> None:
    plain.panel.set_mode("colorize")
    plain.tool_state.set_tool("hand")
    QTest.mouseClick(plain.panel.findChild(QPushButton, "add_hints"), Qt.MouseButton.LeftButton)
    assert plain.editor.document.active_layer.name == HINTS
    assert plain.tool_state.tool == "brush"
    assert "Choose a colour" in plain.status.currentMessage()
    plain.panel.findChild(QPushButton, "add_hints").click()
    assert [layer.name for layer in plain.editor.document.layers].count(HINTS) == 1
    plain.editor.undo()
    assert len(plain.editor.document.layers) == 1


def test_brushed_hints_are_sent_and_the_result_keeps_the_brightness(plain, qtbot) -> None:
    before = compose(plain.editor.document, plain.editor.document.canvas)
    plain.panel.set_mode("colorize")
    plain.panel.findChild(QPushButton, "add_hints").click()
    centre = plain.canvas.rect().center()
    QTest.mousePress(plain.canvas, Qt.MouseButton.LeftButton, pos=centre)
    QTest.mouseMove(plain.canvas, centre + QPoint(60, 0))
    QTest.mouseRelease(plain.canvas, Qt.MouseButton.LeftButton, pos=centre + QPoint(60, 0))
    assert not plain.editor.document.active_layer.tiles.is_empty
    generate(plain, qtbot)
    request = plain.candidates.pending[0].request
    assert request.hints is not None
    assert np.array_equal(request.picture, before)
    plain.strip.accept.click()
    document = plain.editor.document
    after = compose(document, document.canvas)
    assert np.abs(np.rint(luma(after)) - np.rint(luma(before))).max() <= 1


@pytest.mark.parametrize("scale", [2, 4])
def test_enlarging_and_generating_add_detail_and_both_can_be_undone(plain, qtbot, scale) -> None:
    small = plain.editor.document
    plain.actions_by_id[f"enlarge_{scale}"].trigger()
    large = plain.editor.document
    assert large.canvas == Rect(0, 0, 64 * scale, 48 * scale)
    assert plain.panel.mode() == "upscale"
    assert plain.panel.findChild(QComboBox, "scale").currentText() == f"×{scale}"
    generate(plain, qtbot)
    plain.strip.accept.click()
    document = plain.editor.document
    shrunk = block_sums(compose(document, document.canvas), scale) / scale**2
    assert np.abs(shrunk - compose(small, small.canvas)).max() <= 1
    assert not np.array_equal(compose(document, document.canvas), compose(large, large.canvas))
    plain.editor.undo()
    assert plain.editor.document is large
    plain.editor.undo()
    assert plain.editor.document is small


def test_a_picture_that_would_be_too_large_is_told_and_stays(plain) -> None:
    plain.files.load(new_document(MAX_SIDE, 10))
    before = plain.editor.document
    plain.actions_by_id["enlarge_2"].trigger()
    assert plain.editor.document is before
    assert "too large" in plain.status.currentMessage()


def test_candidates_of_the_small_picture_are_not_lost_by_enlarging_it(window, qtbot) -> None:
    generate(window, qtbot)
    before = window.editor.document
    window.actions_by_id["enlarge_2"].trigger()
    assert window.editor.document is before
    assert "candidates" in window.status.currentMessage()
    window.strip.discard.click()
    window.actions_by_id["enlarge_2"].trigger()
    assert window.editor.document.canvas == Rect(0, 0, 128, 96)


def test_a_recipe_of_an_upscaling_brings_its_scale_back(plain, qtbot) -> None:
    plain.actions_by_id["enlarge_4"].trigger()
    generate(plain, qtbot)
    plain.strip.accept.click()
    plain.panel.mode_rows.set_scale(2)
    plain.panel.set_mode("inpaint")
    plain.layers.use_recipe()
    assert (plain.panel.mode(), plain.panel.mode_rows.scale()) == ("upscale", 4)
