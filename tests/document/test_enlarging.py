"""An enlarged document is the old one, larger: layers, mask and canvas, and the request that adds detail to it."""

from dataclasses import replace

import numpy as np
import pytest

from paintdiff.document.compose import compose
from paintdiff.document.document import MAX_SIDE, Document, Layer
from paintdiff.document.edits import add_layer, new_document, picture_document, set_frame
from paintdiff.document.enlarging import enlarged
from paintdiff.document.requests import MOST_DETAIL, make_request
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import Sampling
from paintdiff.image.enlarge import block_sums
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles


def picture(x: int = 0, y: int = 0) -> Document:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 4), np.uint8)
    pixels[..., 3] = 255
    layer = Layer("Background", Tiles.from_array(pixels, x, y))
    return replace(picture_document(pixels), canvas=Rect(x, y, 90, 70), layers=(layer,))


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (-33, 17)])
def test_shrunk_again_it_is_the_old_picture(scale, x, y) -> None:
    before = picture(x, y)
    after = enlarged(before, scale)
    assert after.canvas == Rect(x * scale, y * scale, 90 * scale, 70 * scale)
    sums = block_sums(compose(after, after.canvas), scale)
    assert np.array_equal(sums, compose(before, before.canvas).astype(int) * scale**2)


def test_every_layer_grows_in_its_place_and_keeps_what_it_is() -> None:
    stroke = Layer("Stroke", Tiles.filled(Rect(30, 20, 10, 5), (9, 200, 30, 255)), False, 0.4)
    after = enlarged(add_layer(picture(), stroke), 2)
    layer = after.layers[1]
    assert (layer.name, layer.visible, layer.opacity, after.active) == ("Stroke", False, 0.4, 1)
    assert Rect(58, 38, 24, 14).contains(layer.tiles.content_rect)
    assert np.array_equal(layer.tiles.read(Rect(62, 42, 16, 6)), np.full((6, 16, 4), (9, 200, 30, 255)))


def test_the_mask_grows_and_the_frame_follows_it_again() -> None:
    document = replace(picture(), change_map=Tiles.filled(Rect(10, 10, 20, 20), (255,)), frame=Rect(0, 0, 50, 50))
    after = enlarged(document, 4)
    assert after.frame is None
    assert (after.change_map.read(Rect(44, 44, 72, 72)) == 255).all()
    assert not after.change_map.read(Rect(0, 0, 360, 40)).any()


def test_an_empty_document_stays_empty() -> None:
    assert enlarged(new_document(10, 10, None), 2).layers[0].tiles.is_empty


def test_what_would_be_too_large_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="too large"):
        enlarged(new_document(MAX_SIDE // 2, 100, None), 4)


def test_the_request_takes_whole_blocks_of_what_lies_on_the_canvas() -> None:
    document = set_frame(enlarged(picture(), 4), Rect(-10, 3, 101, 1000))
    request = make_request(document, "upscale", Sampling(), scale=4)
    assert request.frame == Rect(0, 4, 88, 276)
    assert request.scale == 4
    assert (request.change_map == 255).all()
    assert request.windows == ()
    assert make_request(document, "renoise", Sampling(), scale=4).scale == 1


def test_far_apart_masks_are_one_frame_since_it_is_seen_in_windows_anyway() -> None:
    document = enlarged(picture(), 4)
    change_map = Tiles.filled(Rect(0, 0, 20, 20), (255,)).written(np.full((9, 9), 255, np.uint8), 340, 260)
    request = make_request(replace(document, change_map=change_map), "upscale", Sampling(), scale=4)
    assert request.windows == ()
    assert request.change_map[260:269, 340:349].all()


@pytest.mark.parametrize(
    ("frame", "words"),
    [(Rect(0, 0, 3, 3), "Less than 4 pixels"), (Rect(999, 999, 5, 5), "beside the picture")],
)
def test_frames_without_a_block_are_refused(frame, words) -> None:
    with pytest.raises(UserError, match=words):
        make_request(set_frame(enlarged(picture(), 4), frame), "upscale", Sampling(), scale=4)


def test_more_detail_than_fits_into_memory_is_refused_with_advice() -> None:
    side = int(MOST_DETAIL**0.5) + 4
    with pytest.raises(UserError, match="Mask a part"):
        make_request(new_document(side, side, None), "upscale", Sampling(), scale=2)
