"""The editor: one way in, signals that say what changed, and a modified flag that knows the way back."""

from pathlib import Path

import numpy as np
import pytest

from paintdiff.document import edits
from paintdiff.document.document import Document, Layer
from paintdiff.editor import Editor
from paintdiff.image.geometry import EMPTY, Rect


class Log:
    """Everything an editor emitted, in order."""

    def __init__(self, editor: Editor) -> None:
        self.entries: list[tuple] = []
        editor.document_changed.connect(lambda document, dirty: self.entries.append(("document", document, dirty)))
        editor.history_changed.connect(lambda: self.entries.append(("history",)))
        editor.modified_changed.connect(lambda modified: self.entries.append(("modified", modified)))
        editor.name_changed.connect(lambda name: self.entries.append(("name", name)))

    def take(self, kind: str) -> list[tuple]:
        found = [entry[1:] for entry in self.entries if entry[0] == kind]
        self.entries = [entry for entry in self.entries if entry[0] != kind]
        return found


@pytest.fixture
def editor() -> Editor:
    return Editor(edits.new_document(300, 200))


def stroke(document: Document) -> Document:
    pixels = np.full((10, 10, 4), 1, np.uint8)
    return edits.set_layer_tiles(document, document.active_layer.tiles.written(pixels, 140, 10))


def test_a_replaced_document_is_announced_with_its_dirty_rectangle_and_undo_takes_it_back(editor: Editor) -> None:
    log, before = Log(editor), editor.document
    after = stroke(before)
    editor.replace("Paint", after)
    assert log.take("document") == [(after, Rect(128, 0, 128, 128))]
    assert (editor.undo_label, editor.redo_label, editor.modified) == ("Paint", None, True)
    editor.undo()
    assert log.take("document") == [(before, Rect(128, 0, 128, 128))]
    editor.redo()
    assert editor.document is after
    assert len(log.take("history")) == 3


def test_the_same_document_again_and_undo_at_the_start_say_nothing(editor: Editor) -> None:
    log = Log(editor)
    editor.replace("Nothing", editor.document)
    editor.amend(editor.document)
    editor.undo()
    editor.redo()
    assert log.entries == []


def test_going_back_to_the_saved_version_clears_modified(editor: Editor) -> None:
    log = Log(editor)
    editor.replace("Paint", stroke(editor.document))
    editor.mark_saved(Path("/somewhere/a.ora"))
    editor.undo()
    editor.redo()
    assert log.take("modified") == [(True,), (False,), (True,), (False,)]
    assert log.take("name") == [("a.ora",)]
    assert editor.path == Path("/somewhere/a.ora")


def test_a_snapshot_saved_while_painting_went_on_leaves_the_rest_modified(editor: Editor) -> None:
    snapshot = editor.document
    editor.replace("Paint", stroke(snapshot))
    editor.mark_saved(Path("a.ora"), snapshot)
    assert editor.modified
    editor.undo()
    assert not editor.modified


def test_choosing_a_layer_is_neither_a_step_nor_a_modification(editor: Editor) -> None:
    editor.load(edits.add_layer(editor.document, Layer("top")))
    log = Log(editor)
    editor.amend(edits.select_layer(editor.document, 0))
    assert (editor.undo_label, editor.modified, editor.document.active) == (None, False, 0)
    assert [dirty for _, dirty in log.take("document")] == [EMPTY]


def test_a_dragged_slider_is_one_step_and_a_saved_one_is_not_merged_away(editor: Editor) -> None:
    for percent in (90, 80, 70):
        editor.replace("Opacity", edits.set_opacity(editor.document, 0, percent / 100), merge=True)
    editor.mark_saved(Path("a.ora"))
    editor.replace("Opacity", edits.set_opacity(editor.document, 0, 0.6), merge=True)
    editor.undo()
    assert not editor.modified
    editor.undo()
    assert editor.document.layers[0].opacity == 1
    assert editor.undo_label is None


def test_loading_starts_afresh_and_announces_the_whole_canvas(editor: Editor) -> None:
    editor.replace("Paint", stroke(editor.document))
    log = Log(editor)
    other = edits.new_document(50, 400)
    editor.load(other, Path("b.png"))
    assert log.take("document") == [(other, Rect(0, 0, 300, 400))]
    assert (editor.undo_label, editor.modified, editor.name) == (None, False, "b.png")
    editor.load(other, name="Sample", modified=True)
    assert (editor.path, editor.modified, editor.name) == (None, True, "Sample")
