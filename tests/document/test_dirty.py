"""The dirty rectangle covers every pixel that looks different, and little else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.document import change_map, edits
from paintdiff.document.compose import compose
from paintdiff.document.dirty import dirty_between, left_behind
from paintdiff.document.document import Document, Layer
from paintdiff.image.geometry import EMPTY, Rect
from paintdiff.image.tiles import TILE, Tiles

CANVAS = Rect(0, 0, 600, 500)
WORLD = CANVAS.inflated(200)


def patch(rect: Rect, value: int = 200) -> Tiles:
    return Tiles.filled(rect, (value, 40, 90, 255))


def base() -> Document:
    a, b, c = patch(CANVAS), patch(Rect(20, 20, 50, 50), 9), patch(Rect(300, 300, 99, 99))
    return Document(CANVAS, (Layer("a", a), Layer("b", b), Layer("c", c)), active=1)


EDITS = {
    "stroke": lambda d: edits.set_layer_tiles(
        d, d.active_layer.tiles.written(np.full((40, 40, 4), 255, np.uint8), 140, 200)
    ),
    "hide": lambda d: edits.set_visible(d, len(d.layers) - 1, not d.layers[-1].visible),
    "fade": lambda d: edits.set_opacity(d, 0, 0.5),
    "add": lambda d: edits.add_layer(d, Layer("new", patch(Rect(400, 0, 60, 60), 3))),
    "remove": lambda d: edits.remove_layer(d, 0) if len(d.layers) > 1 else d,
    "reorder": lambda d: edits.move_layer(d, 0, len(d.layers) - 1),
    "merge": lambda d: (
        edits.merge_down(d, 1) if len(d.layers) > 1 and d.layers[0].visible and d.layers[1].visible else d
    ),
    "mask": lambda d: change_map.add(d, np.full((30, 30), 99, np.uint8), 500, 400),
    "grow": lambda d: edits.set_canvas(d, d.canvas.inflated(30)),
    "cut": lambda d: edits.set_canvas(d, d.canvas.inflated(-40)),
    "select": lambda d: edits.select_layer(d, 0),
    "rename": lambda d: edits.rename_layer(d, 0, "z"),
}


@given(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4), st.integers(0, 3))
def test_nothing_outside_the_dirty_rectangle_looks_different(names: list[str], start: int) -> None:
    versions = [base()]
    for name in names:
        versions.append(EDITS[name](versions[-1]))
    before, after = versions[min(start, len(names) - 1)], versions[-1]
    dirty = dirty_between(before, after).intersected(WORLD).slices_in(WORLD)
    for read in (lambda d: compose(d, WORLD), lambda d: d.change_map.read(WORLD)):
        old, new = read(before), read(after)
        old[dirty] = new[dirty]
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", ["select", "rename"])
def test_what_is_not_pixels_makes_nothing_dirty(name: str) -> None:
    document = base()
    assert dirty_between(document, EDITS[name](document)) == EMPTY
    assert dirty_between(document, edits.set_frame(document, Rect(0, 0, 64, 64))) == EMPTY


def test_a_stroke_makes_only_its_tiles_dirty() -> None:
    document = base()
    assert dirty_between(document, EDITS["stroke"](document)) == Rect(TILE, TILE, TILE, TILE)


def test_painting_on_a_hidden_layer_makes_nothing_dirty() -> None:
    document = edits.set_visible(base(), 1, False)
    assert dirty_between(document, EDITS["stroke"](document)) == EMPTY


def test_adding_and_removing_a_layer_makes_its_own_place_dirty() -> None:
    document = base()
    added = EDITS["add"](document)
    assert dirty_between(document, added) == dirty_between(added, document) == Rect(384, 0, 128, 128)


def test_what_a_stroke_leaves_behind_are_the_tiles_it_replaced() -> None:
    document = base()
    touched = edits.set_layer_tiles(document, patch(Rect(0, 0, 1, 1)).written(np.ones((9, 9, 4), np.uint8), 300, 300))
    left = left_behind(document, touched)
    assert [id(tile) for tile in left] == [id(document.active_layer.tiles.data[0, 0])]
    assert left_behind(document, EDITS["stroke"](document)) == []
    assert left_behind(document, replace(document, active=0)) == []


def test_merging_leaves_behind_what_no_layer_holds_any_more() -> None:
    document = base()
    merged = edits.merge_down(document, 1)
    held = {id(tile) for layer in merged.layers for tile in layer.tiles.data.values()}
    left = {id(tile) for tile in left_behind(document, merged)}
    everything = {id(tile) for layer in document.layers for tile in layer.tiles.data.values()}
    assert left == everything - held
