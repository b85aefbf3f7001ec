"""Undo and redo walk over the very documents that were made, within a budget of bytes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.document import edits
from paintdiff.document.document import Document
from paintdiff.document.history import History
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import TILE

TILE_BYTES = TILE * TILE * 4


def painted(document: Document, x: int, value: int) -> Document:
    """One whole tile painted in one colour, at tile column `x`."""
    pixels = np.full((TILE, TILE, 4), value, np.uint8)
    return edits.set_layer_tiles(document, document.active_layer.tiles.written(pixels, x * TILE, 0))


def start() -> Document:
    pixels = np.random.default_rng(0).integers(1, 256, (TILE, 8 * TILE, 4), np.uint8)
    return edits.picture_document(pixels)


@given(st.lists(st.one_of(st.just("undo"), st.just("redo"), st.tuples(st.integers(0, 7), st.integers(1, 200)))))
def test_any_walk_of_edits_undos_and_redos_ends_where_a_list_of_versions_says(steps: list) -> None:
    history = History(start())
    versions, at = [history.document], 0
    for step in steps:
        if step == "undo":
            assert history.undo() == (at > 0)
            at = max(0, at - 1)
        elif step == "redo":
            assert history.redo() == (at + 1 < len(versions))
            at = min(len(versions) - 1, at + 1)
        else:
            document = painted(history.document, *step)
            versions = [*versions[: at + 1], document]
            at += 1
            history.push(str(step), document)
        assert history.document is versions[at]
        assert len(history.labels) == at


def test_labels_tell_what_undo_and_redo_would_do() -> None:
    history = History(start())
    assert (history.undo_label, history.redo_label) == (None, None)
    history.push("Paint", painted(history.document, 0, 1))
    history.push("Erase", painted(history.document, 0, 2))
    assert (history.undo_label, history.redo_label) == ("Erase", None)
    history.undo()
    assert (history.undo_label, history.redo_label) == ("Paint", "Erase")


def held(history: History, documents: list[Document]) -> int:
    current = {id(tile) for tile in history.document.active_layer.tiles.data.values()}
    older = {id(tile): tile.nbytes for document in documents for tile in document.active_layer.tiles.data.values()}
    return sum(size for key, size in older.items() if key not in current)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), max_size=20))
def test_shared_tiles_are_counted_once(steps: list[tuple[int, int]]) -> None:
    history = History(start())
    documents = [history.document]
    for step in steps:
        documents.append(painted(history.document, *step))
        history.push("Paint", documents[-1])
    tables = 48 * 8 * sum(new.active_layer.tiles is not old.active_layer.tiles for old, new in pairwise(documents))
    assert held(history, documents) <= history.bytes <= held(history, documents) + tables


def test_tiles_that_come_and_go_again_are_counted_once() -> None:
    history = History(start())
    one, other = history.document, painted(history.document, 0, 1)
    for document in (other, one, other, one, other):
        history.push("Swap", document)
    assert 2 * TILE_BYTES <= history.bytes < 3 * TILE_BYTES


def test_the_oldest_steps_go_when_the_budget_is_spent_and_the_newest_stay() -> None:
    history = History(start(), limit=5 * TILE_BYTES + 10_000)
    for value in range(1, 21):
        history.push(f"Paint {value}", painted(history.document, value % 8, value))
    assert history.bytes <= 5 * TILE_BYTES + 10_000
    assert history.labels[-1] == "Paint 20"
    assert 4 <= len(history.labels) <= 6
    while history.undo():
        pass
    assert (history.document.active_layer.tiles.read(Rect(7 * TILE, 0, 1, 1)) == 15).all()


def test_the_last_step_can_be_undone_even_if_it_alone_exceeds_the_budget() -> None:
    history = History(start(), limit=1)
    first = history.document
    history.push("Paint", painted(first, 0, 1))
    assert history.undo()
    assert history.document is first


def test_a_new_step_after_undo_frees_what_could_have_been_redone() -> None:
    history = History(start())
    for value in (1, 2, 3):
        history.push("Paint", painted(history.document, 0, value))
    spent = history.bytes
    history.undo()
    history.undo()
    history.push("Other", painted(history.document, 1, 4))
    assert history.bytes < spent
    assert not history.redo()
    assert history.labels == ("Paint", "Other")


def test_merging_steps_become_one_until_something_else_happens() -> None:
    history = History(start())
    before = history.document
    for percent in (90, 80, 70):
        history.push("Opacity", edits.set_opacity(history.document, 0, percent / 100), merge=True)
    assert history.labels == ("Opacity",)
    history.settle()
    history.push("Opacity", edits.set_opacity(history.document, 0, 0.1), merge=True)
    history.push("Paint", painted(history.document, 0, 1))
    history.push("Opacity", edits.set_opacity(history.document, 0, 0.2), merge=True)
    assert history.labels == ("Opacity", "Opacity", "Paint", "Opacity")
    for _ in range(4):
        history.undo()
    assert history.document is before


@pytest.mark.parametrize("walk", ["undo", "redo"])
def test_a_step_walked_back_to_is_not_merged_into(walk: str) -> None:
    history = History(start())
    history.push("Opacity", edits.set_opacity(history.document, 0, 0.5), merge=True)
    history.push("Paint", painted(history.document, 0, 1))
    history.undo()
    if walk == "redo":
        history.undo()
        history.redo()
    kept = history.document
    history.push("Opacity", edits.set_opacity(history.document, 0, 0.4), merge=True)
    history.undo()
    assert history.document is kept


def test_amending_swaps_the_document_without_a_step() -> None:
    history = History(start())
    history.push("Paint", painted(history.document, 0, 1))
    other = edits.select_layer(history.document, 0)
    history.amend(other)
    assert history.document is other
    assert history.labels == ("Paint",)
