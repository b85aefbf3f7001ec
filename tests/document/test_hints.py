"""The layer of colour hints: on top when asked for, out of the picture when it colorizes."""

import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.document.edits import add_layer, picture_document, select_layer, set_opacity, set_visible
from paintdiff.document.hints import HINTS, hints_in, with_hint_layer, without_hints
from paintdiff.document.requests import make_request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS = Rect(0, 0, 90, 70)
STROKE = Rect(20, 10, 30, 8)


def picture() -> Document:
    grey = np.random.default_rng(0).integers(0, 256, (70, 90, 1), np.uint8)
    return picture_document(np.concatenate([grey, grey, grey, np.full_like(grey, 255)], axis=2))


def hinted() -> Document:
    return with_hint_layer(picture(), Layer(HINTS, Tiles.filled(STROKE, (200, 30, 30, 255))))


def test_the_hint_layer_comes_on_top_and_is_active() -> None:
    document = with_hint_layer(select_layer(add_layer(picture()), 0))
    assert [layer.name for layer in document.layers] == ["Background", "Layer 1", HINTS]
    assert document.active == 2
    assert with_hint_layer(document) is document


def test_the_one_that_there_is_comes_back_into_sight_and_on_top() -> None:
    document = set_visible(hinted(), 1, False)
    document = with_hint_layer(add_layer(document))
    assert [layer.name for layer in document.layers] == ["Background", "Layer 1", HINTS]
    assert document.active_layer.visible
    assert not document.active_layer.tiles.is_empty


def test_hints_are_sent_beside_the_picture_and_not_in_it() -> None:
    document = hinted()
    request = make_request(document, "colorize", Sampling())
    assert np.array_equal(request.picture, compose(picture(), CANVAS))
    assert request.hints is not None
    assert (request.hints[STROKE.slices_in(CANVAS)] == (200, 30, 30, 255)).all()
    assert (request.hints[..., 3] > 0).sum() == STROKE.area
    assert (request.change_map == 255).all(), "without a mask all of it is colorized"


def test_other_modes_take_the_layer_for_what_it_is() -> None:
    request = make_request(hinted(), "renoise", Sampling())
    assert request.hints is None
    assert np.array_equal(request.picture, compose(hinted(), CANVAS))


def test_hidden_and_empty_hints_are_none() -> None:
    assert hints_in(set_visible(hinted(), 1, False), CANVAS) is None
    assert hints_in(with_hint_layer(picture()), CANVAS) is None
    assert hints_in(picture(), CANVAS) is None
    assert hints_in(hinted(), Rect(60, 40, 10, 10)) is None
    assert without_hints(picture()).layers[0].visible


def test_the_upper_of_two_hints_that_contradict_each_other_counts_and_opacity_weakens() -> None:
    second = Layer(HINTS, Tiles.filled(Rect(20, 10, 5, 8), (0, 0, 255, 255)))
    document = add_layer(hinted(), second)
    pixels = hints_in(document, CANVAS)
    assert pixels is not None
    assert pixels[12, 22].tolist() == [0, 0, 255, 255]
    assert pixels[12, 40].tolist() == [200, 30, 30, 255]
    faint = hints_in(set_opacity(hinted(), 1, 0.5), CANVAS)
    assert faint is not None
    assert faint[12, 40, 3] == 128


def test_hints_outside_the_canvas_are_not_sent() -> None:
    layer = Layer(HINTS, Tiles.filled(Rect(-50, -50, 300, 300), (200, 30, 30, 255)))
    request = make_request(with_hint_layer(picture(), layer), "colorize", Sampling())
    assert request.frame == CANVAS
    assert request.hints is not None
    assert request.hints.shape == (70, 90, 4)
