"""Edits of the change map stay within the canvas and touch nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from paintdiff.document import change_map
from paintdiff.document.document import Document
from paintdiff.document.edits import new_document
from paintdiff.image import masks
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS = Rect(0, 0, 300, 200)
BOX = Rect(120, 100, 60, 40)


def boxed(rect: Rect = BOX) -> Document:
    return replace(new_document(300, 200), change_map=Tiles.filled(rect, (255,)))


def shown(document: Document) -> np.ndarray:
    return document.change_map.read(CANVAS)


@pytest.mark.parametrize(
    ("edit", "reference"),
    [
        (change_map.invert, masks.invert),
        (lambda d: change_map.grow(d, 11), lambda m: masks.grow(m, 11)),
        (lambda d: change_map.shrink(d, 7), lambda m: masks.shrink(m, 7)),
        (lambda d: change_map.feather(d, 6), lambda m: masks.feather(m, 6)),
        (change_map.clear, np.zeros_like),
        (change_map.fill, lambda m: np.full_like(m, 255)),
    ],
)
@pytest.mark.parametrize("box", [BOX, Rect(0, 0, 50, 200), Rect(290, 190, 10, 10), CANVAS])
def test_an_edit_of_part_of_the_canvas_equals_the_same_on_all_of_it(edit, reference, box: Rect) -> None:  # type: ignore[no-untyped-def]
    before = boxed(box)
    after = edit(before)
    np.testing.assert_array_equal(shown(after), reference(shown(before)))
    assert CANVAS.contains(after.change_map.content_rect)
    assert after.layers is before.layers


def test_an_empty_map_can_be_grown_shrunk_and_softened_to_nothing() -> None:
    empty = new_document(300, 200)
    for edit in (change_map.grow, change_map.shrink, change_map.feather):
        assert edit(empty, 5).change_map.is_empty


def test_adding_and_subtracting_a_shape_is_cut_at_the_canvas() -> None:
    circle = masks.grow(masks.rectangle(Rect(40, 40, 1, 1), Rect(0, 0, 81, 81)), 30)
    added = change_map.add(boxed(), circle, 260, 150)
    assert CANVAS.contains(added.change_map.content_rect)
    assert shown(added)[190, 299] == 255
    assert shown(added)[BOX.slices_in(CANVAS)].min() == 255
    gone = change_map.subtract(added, circle, 260, 150)
    np.testing.assert_array_equal(shown(gone), shown(boxed()))


def test_half_strength_shapes_add_to_the_larger_and_subtract_to_what_they_leave() -> None:
    half = np.full((40, 60), 100, np.uint8)
    assert set(np.unique(shown(change_map.add(boxed(), half, BOX.x + 30, BOX.y)))) == {0, 100, 255}
    assert set(np.unique(shown(change_map.subtract(boxed(), half, BOX.x, BOX.y)))) == {0, 155}
    assert change_map.set_change_map(boxed(), Tiles(1)).change_map.is_empty
