"""Composing shows the visible layers, in order, inside the canvas alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS = Rect(-60, -20, 700, 430)


def noise(rect: Rect, seed: int) -> Tiles:
    return Tiles.from_array(np.random.default_rng(seed).integers(0, 256, (*rect.shape, 4), np.uint8), rect.x, rect.y)


def sandwich() -> Document:
    background = Layer("background", noise(CANVAS, 1))
    small = Layer("small", noise(Rect(100, 50, 90, 80), 2), opacity=0.5)
    top = Layer("top", noise(Rect(0, 0, 333, 222), 3))
    return Document(CANVAS, (background, small, top), active=1)


def reference(document: Document) -> np.ndarray:
    out = np.zeros((*document.canvas.shape, 4), np.uint8)
    for layer in document.layers:
        if layer.visible:
            out = over(out, layer.tiles.read(document.canvas), layer.opacity)
    return out


def test_the_whole_canvas_equals_the_layers_blended_one_over_another() -> None:
    shown, expected = compose(sandwich(), CANVAS), reference(sandwich())
    np.testing.assert_array_equal(shown[..., 3], expected[..., 3])
    np.testing.assert_array_equal(shown[expected[..., 3] > 0], expected[expected[..., 3] > 0])


@given(st.integers(-90, 600), st.integers(-50, 400), st.integers(1, 300), st.integers(1, 300))
def test_any_part_is_the_same_as_that_part_of_the_whole(x: int, y: int, w: int, h: int) -> None:
    rect = Rect(x, y, w, h)
    world = CANVAS.inflated(400)
    whole = np.zeros((*world.shape, 4), np.uint8)
    whole[CANVAS.slices_in(world)] = compose(sandwich(), CANVAS)
    np.testing.assert_array_equal(compose(sandwich(), rect), whole[rect.slices_in(world)])


def test_pixels_beyond_the_canvas_are_not_shown() -> None:
    document = replace(sandwich(), canvas=Rect(10, 10, 20, 20))
    shown = compose(document, Rect(0, 0, 40, 40))
    assert shown[10:30, 10:30].any()
    shown[10:30, 10:30] = 0
    assert not shown.any()


def test_hidden_and_fully_faded_layers_do_not_show() -> None:
    document = sandwich()
    bottom, small, top = document.layers
    alone = replace(document, layers=(bottom,), active=0)
    hidden = replace(document, layers=(bottom, replace(small, opacity=0.0), replace(top, visible=False)))
    np.testing.assert_array_equal(compose(hidden, CANVAS), compose(alone, CANVAS))


def test_a_single_opaque_layer_is_shown_byte_for_byte() -> None:
    tiles = noise(CANVAS, 5)
    np.testing.assert_array_equal(compose(Document(CANVAS, (Layer("a", tiles),)), CANVAS), tiles.read(CANVAS))


@pytest.mark.parametrize("rect", [Rect(90, 40, 60, 60), CANVAS])
def test_a_stroke_in_progress_stands_in_for_the_active_layer(rect: Rect) -> None:
    document, stroke = sandwich(), noise(CANVAS, 9)
    bottom, small, top = document.layers
    expected = replace(document, layers=(bottom, replace(small, tiles=stroke), top))
    np.testing.assert_array_equal(compose(document, rect, active=stroke), compose(expected, rect))


def test_a_document_without_a_visible_layer_is_transparent() -> None:
    document = Document(CANVAS, (Layer("a", noise(CANVAS, 1), visible=False),))
    assert not compose(document, CANVAS).any()
