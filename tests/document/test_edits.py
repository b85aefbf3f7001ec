"""Edits give a new document, leave the old one alone and share what they did not change."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.document import edits
from paintdiff.document.compose import compose
from paintdiff.document.document import MAX_SIDE, Document, Layer
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe
from paintdiff.generation.result import Candidate
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS = Rect(0, 0, 200, 150)


def noise(rect: Rect, seed: int, alpha: int | None = None) -> Tiles:
    pixels = np.random.default_rng(seed).integers(0, 256, (*rect.shape, 4), np.uint8)
    if alpha is not None:
        pixels[..., 3] = alpha
    return Tiles.from_array(pixels, rect.x, rect.y)


def three() -> Document:
    a, b = Layer("a", noise(CANVAS, 1, 255)), Layer("b", noise(Rect(20, 20, 130, 90), 2))
    return Document(CANVAS, (a, b, Layer("c", noise(Rect(60, 0, 30, 140), 3), opacity=0.4)), active=1)


def names(document: Document) -> str:
    return "".join(layer.name for layer in document.layers)


def recipe(prompt: str = "a red apple", mode: str = "inpaint") -> Recipe:
    return Recipe(mode, "first-light", CANVAS, CANVAS, Sampling(prompt=prompt), 8, (255, 255, 255), "", "")


def candidate(frame: Rect, alpha: np.ndarray) -> Candidate:
    patch = np.full((*frame.shape, 4), 77, np.uint8)
    patch[..., 3] = alpha
    return Candidate(patch, frame, recipe())


def test_a_new_picture_is_white_or_transparent_and_has_a_size_that_works() -> None:
    assert (compose(edits.new_document(30, 20), Rect(0, 0, 30, 20)) == 255).all()
    assert edits.new_document(30, 20, None).layers[0].tiles.is_empty
    for width, height in ((0, 5), (MAX_SIDE + 1, 1), (MAX_SIDE, MAX_SIDE)):
        with pytest.raises(UserError, match="×"):
            edits.new_document(width, height)


def test_a_new_layer_goes_above_the_active_one_and_gets_a_free_name() -> None:
    document = edits.add_layer(edits.add_layer(edits.new_document(9, 9)))
    assert [layer.name for layer in document.layers] == ["Background", "Layer 1", "Layer 2"]
    assert document.active == 2
    assert names(edits.add_layer(three(), Layer("x"))) == "abxc"


@pytest.mark.parametrize(("index", "left", "active"), [(0, "bc", "b"), (1, "ac", "a"), (2, "ab", "b")])
def test_a_removed_layer_leaves_a_sensible_one_active(index: int, left: str, active: str) -> None:
    document = edits.remove_layer(three(), index)
    assert (names(document), document.active_layer.name) == (left, active)


def test_the_last_layer_cannot_be_removed() -> None:
    with pytest.raises(UserError, match="at least one layer"):
        edits.remove_layer(edits.new_document(5, 5), 0)


@pytest.mark.parametrize(("index", "to", "order"), [(0, 2, "bca"), (2, 0, "cab"), (1, 2, "acb"), (1, 1, "abc")])
def test_moving_a_layer_reorders_and_keeps_the_active_one(index: int, to: int, order: str) -> None:
    document = edits.move_layer(three(), index, to)
    assert (names(document), document.active_layer.name) == (order, "b")


def test_a_layer_can_be_renamed_hidden_faded_selected_and_repainted() -> None:
    document = three()
    assert names(edits.rename_layer(document, 0, " x ")) == "xbc"
    assert not edits.set_visible(document, 2, False).layers[2].visible
    assert edits.set_opacity(document, 2, 0.25).layers[2].opacity == 0.25
    assert edits.select_layer(document, 2).active_layer.name == "c"
    tiles = noise(CANVAS, 8)
    assert edits.set_layer_tiles(document, tiles).layers[1].tiles is tiles
    assert edits.set_layer_tiles(document, tiles, 0).layers[0].tiles is tiles
    assert document.layers[1].tiles is not tiles


def test_nameless_layers_and_impossible_values_are_refused() -> None:
    with pytest.raises(UserError, match="name"):
        edits.rename_layer(three(), 0, "  ")
    with pytest.raises(ValueError, match="opacity"):
        edits.set_opacity(three(), 0, 1.5)
    with pytest.raises(IndexError):
        edits.select_layer(three(), 3)
    with pytest.raises(ValueError, match="empty"):
        edits.set_frame(three(), Rect(4, 4, 0, 9))


@pytest.mark.parametrize("index", [1, 2])
def test_merging_down_does_not_change_how_the_picture_looks(index: int) -> None:
    before = compose(three(), CANVAS).astype(int)
    merged = edits.merge_down(three(), index)
    assert len(merged.layers) == 2
    assert merged.layers[index - 1].name == three().layers[index - 1].name
    assert np.abs(compose(merged, CANVAS) - before).max() <= 1


@given(st.floats(0.1, 1))
def test_merging_onto_a_faded_layer_bakes_its_opacity_everywhere(opacity: float) -> None:
    document = edits.set_opacity(three(), 0, opacity)
    before = compose(document, CANVAS).astype(int)
    merged = edits.merge_down(document, 1)
    assert merged.layers[0].opacity == 1
    difference = np.abs(compose(merged, CANVAS) - before)
    assert difference.max() <= 1


def test_merging_leaves_the_layer_below_byte_equal_where_the_top_is_transparent() -> None:
    document = three()
    merged = edits.merge_down(document, 1).layers[0].tiles.read(CANVAS)
    clear = document.layers[1].tiles.read(CANVAS)[..., 3] == 0
    np.testing.assert_array_equal(merged[clear], document.layers[0].tiles.read(CANVAS)[clear])


def test_merging_needs_a_visible_layer_below() -> None:
    with pytest.raises(UserError, match="no layer below"):
        edits.merge_down(three(), 0)
    for hidden in (0, 1):
        with pytest.raises(UserError, match="show both"):
            edits.merge_down(edits.set_visible(three(), hidden, False), 1)


def test_cutting_the_canvas_drops_what_lies_outside_for_good() -> None:
    small = Rect(10, 10, 100, 50)
    document = edits.set_canvas(edits.set_canvas(three(), small), CANVAS)
    assert not document.layers[0].tiles.read(Rect(0, 0, 200, 10)).any()
    np.testing.assert_array_equal(document.layers[0].tiles.read(small), three().layers[0].tiles.read(small))


def test_extending_the_canvas_leaves_every_pixel_where_it_was() -> None:
    before = three()
    document = edits.set_canvas(before, Rect(-70, -5, 400, 300))
    assert all(new is old for new, old in zip(document.layers, before.layers, strict=True))
    np.testing.assert_array_equal(compose(document, CANVAS), compose(three(), CANVAS))
    with pytest.raises(UserError, match="too large"):
        edits.set_canvas(three(), Rect(0, 0, MAX_SIDE + 1, 10))


def test_an_accepted_candidate_becomes_the_top_layer_with_its_recipe() -> None:
    before = replace(three(), change_map=Tiles.filled(Rect(0, 0, 9, 9), (255,)), frame=Rect(0, 0, 64, 64))
    frame = Rect(30, 20, 64, 64)
    alpha = np.zeros(frame.shape, np.uint8)
    alpha[10:40, 10:40] = 255
    after = edits.accept(before, candidate(frame, alpha))
    assert (after.active, after.active_layer.name, after.active_layer.recipe) == (3, "a red apple", recipe())
    assert (after.change_map.is_empty, after.frame, after.canvas) == (True, None, CANVAS)
    shown, old = compose(after, CANVAS), compose(before, CANVAS)
    inside = Rect(40, 30, 30, 30).slices_in(CANVAS)
    assert (shown[inside][..., :3] == 77).all()
    shown[inside] = old[inside]
    np.testing.assert_array_equal(shown, old)
    assert all(new is kept for new, kept in zip(after.layers, before.layers, strict=False))


def test_the_canvas_grows_only_as_far_as_the_patch_shows() -> None:
    frame = Rect(-64, 30, 128, 64)
    alpha = np.zeros(frame.shape, np.uint8)
    alpha[:, 14:80] = 255
    after = edits.accept(three(), candidate(frame, alpha))
    assert after.canvas == Rect(-50, 0, 250, 150)
    assert (compose(after, Rect(-50, 30, 66, 64))[..., :3] == 77).all()


def test_growing_past_the_largest_canvas_is_refused() -> None:
    wide = Document(Rect(0, 0, MAX_SIDE, 10), (Layer("a"),))
    with pytest.raises(UserError, match="too large"):
        edits.accept(wide, candidate(Rect(-8, 0, 16, 10), np.full((10, 16), 255, np.uint8)))


def test_growing_does_not_bring_back_pixels_that_lay_beyond_the_canvas() -> None:
    hidden = replace(three(), canvas=Rect(50, 0, 150, 150))
    after = edits.accept(hidden, candidate(Rect(0, 0, 60, 40), np.full((40, 60), 255, np.uint8)))
    assert not compose(after, Rect(0, 60, 50, 60)).any()


@pytest.mark.parametrize(
    ("prompt", "mode", "name"),
    [
        ("a  red\napple", "inpaint", "a red apple"),
        ("", "renoise", "Re-noise"),
        ("a wide river, with a small boat in the evening light", "inpaint", "a wide river, with a small boat…"),
        ("x" * 100, "inpaint", "x" * 32 + "…"),
        ("", "from the future", "Generated"),
    ],
)
def test_a_generated_layer_is_named_by_its_prompt_or_mode(prompt: str, mode: str, name: str) -> None:
    assert edits.layer_name(recipe(prompt, mode)) == name
