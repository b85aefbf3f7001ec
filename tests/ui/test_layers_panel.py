"""The layer panel: each gesture is one edit, and each edit can be undone."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from paintdiff.document import edits
from paintdiff.document.document import Layer
from paintdiff.document.edits import new_document
from paintdiff.editor import Editor
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles
from paintdiff.ui.layers_panel import LayersPanel


@pytest.fixture
def editor() -> Editor:
    document = new_document(40, 30)
    red = Tiles.filled(Rect(0, 0, 20, 30), (255, 0, 0, 255))
    return Editor(edits.add_layer(edits.add_layer(document, Layer("Middle")), Layer("Top", red)))


@pytest.fixture
def panel(qtbot, editor: Editor) -> LayersPanel:
    panel = LayersPanel(editor)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    with qtbot.waitActive(panel):
        panel.show()
        panel.activateWindow()
    return panel


def names(editor: Editor) -> list[str]:
    return [layer.name for layer in editor.document.layers]


def at_row(panel: LayersPanel, row: int, x: int = 100) -> QPoint:
    rect = panel.view.visualRect(panel.model.index(row))
    return QPoint(x, rect.center().y())


def test_the_top_layer_is_the_first_row_and_the_active_one_is_chosen(panel) -> None:
    shown = [panel.model.index(row).data() for row in range(panel.model.rowCount())]
    assert shown == ["Top", "Middle", "Background"]
    assert panel.view.currentIndex().row() == 0


def test_clicking_a_row_makes_its_layer_the_active_one_without_a_step_to_undo(panel, editor) -> None:
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at_row(panel, 2))
    assert editor.document.active == 0
    assert editor.undo_label is None


def test_clicking_the_eye_hides_the_layer_and_undo_shows_it(panel, editor) -> None:
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at_row(panel, 0, 14))
    assert not editor.document.layers[2].visible
    editor.undo()
    assert editor.document.layers[2].visible


def test_a_double_click_renames_in_place(panel, editor, qtbot) -> None:
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at_row(panel, 1))
    QTest.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at_row(panel, 1))
    edit = panel.view.findChild(QLineEdit)
    edit.selectAll()
    QTest.keyClicks(edit, "Clouds")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(editor) == ["Background", "Clouds", "Top"])
    assert editor.undo_label == "Rename layer"
    editor.undo()
    assert names(editor) == ["Background", "Middle", "Top"]


def test_dragging_the_opacity_is_one_step(panel, editor) -> None:
    for value in (90, 70, 40):
        panel.opacity.setValue(value)
    assert editor.document.active_layer.opacity == 0.4
    editor.undo()
    assert editor.document.active_layer.opacity == 1
    assert panel.opacity.value() == 100
    assert editor.undo_label is None


def test_buttons_add_move_merge_and_delete(panel, editor) -> None:
    panel.buttons["lower_layer"].click()
    assert names(editor) == ["Background", "Top", "Middle"]
    panel.buttons["raise_layer"].click()
    panel.buttons["new_layer"].click()
    assert names(editor) == ["Background", "Middle", "Top", "Layer 1"]
    panel.buttons["merge_layer"].click()
    panel.buttons["merge_layer"].click()
    assert names(editor) == ["Background", "Middle"]
    panel.buttons["delete_layer"].click()
    assert names(editor) == ["Background"]
    assert not panel.buttons["delete_layer"].isEnabled()
    while editor.undo_label:
        editor.undo()
    assert names(editor) == ["Background", "Middle", "Top"]


@pytest.mark.parametrize(("source", "before_row", "expected"), [
    (2, 3, ["Top", "Background", "Middle"]),
    (2, 2, ["Background", "Top", "Middle"]),
    (0, 0, ["Middle", "Top", "Background"]),
    (1, 0, ["Background", "Top", "Middle"]),
    (1, 1, ["Background", "Middle", "Top"]),
])
def test_a_row_dropped_between_others_moves_its_layer(panel, editor, source, before_row, expected) -> None:
    data = panel.model.mimeData([panel.model.index(panel.model.row_of(source))])
    panel.model.dropMimeData(data, Qt.DropAction.MoveAction, before_row, 0, panel.model.index(-1))
    assert names(editor) == expected


def test_merging_a_hidden_layer_is_refused_in_words(panel, editor, qtbot) -> None:
    panel.toggle_active()
    with qtbot.waitSignal(panel.noticed) as noticed:
        panel.merge_active()
    assert "hidden" in noticed.args[0]


def test_the_thumbnail_follows_the_pixels(panel, editor, qtbot) -> None:
    before = panel.model.thumbnail(1).toImage()
    blue = Tiles.filled(Rect(0, 0, 40, 30), (0, 0, 255, 255))
    editor.replace("Paint", edits.set_layer_tiles(editor.document, blue, 1))
    qtbot.waitUntil(lambda: panel.model.thumbnail(1).toImage() != before)
    assert panel.model.thumbnail(1).toImage().pixelColor(5, 5).blue() > 240
