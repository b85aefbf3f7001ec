"""Requests hold what the painter sees, and refuse early in a painter's words."""

from dataclasses import replace

import numpy as np
import pytest

from paintdiff.document.compose import compose
from paintdiff.document.document import MAX_SIDE, Document
from paintdiff.document.edits import new_document, picture_document
from paintdiff.document.requests import frame_of, make_request
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

CANVAS = Rect(0, 0, 300, 200)
MASK = Rect(100, 80, 40, 40)


def picture(mask: Rect | None = MASK, frame: Rect | None = None) -> Document:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 4), np.uint8)
    change_map = Tiles.filled(mask, (130,)) if mask else Tiles(1)
    return replace(picture_document(pixels), change_map=change_map, frame=frame)


def test_inpainting_sends_the_frame_around_the_mask_as_it_looks() -> None:
    document = picture()
    request = make_request(document, "inpaint", Sampling(seed=3), feather=4, matte=(1, 2, 3), size=64, device="cpu")
    assert request.frame == frame_of(document, 64) == Rect(84, 64, 72, 72)
    np.testing.assert_array_equal(request.picture, compose(document, request.frame))
    np.testing.assert_array_equal(request.change_map, document.change_map.read(request.frame))
    assert (request.mode, request.sampling.seed, request.feather, request.matte) == ("inpaint", 3, 4, (1, 2, 3))
    assert (request.device, request.canvas) == ("cpu", CANVAS)


def test_the_canvas_beyond_its_edge_is_transparent_and_fully_changed_in_any_mode() -> None:
    document = picture(frame=Rect(-20, 60, 200, 100))
    for mode in ("inpaint", "outpaint", "renoise"):
        request = make_request(document, mode, Sampling())
        assert not request.picture[:, :20].any()
        assert (request.change_map[:, :20] == 255).all()


def test_outpainting_overlaps_the_old_picture_and_keeps_the_brushed_mask() -> None:
    document = picture(frame=Rect(-20, 60, 200, 100))
    change_map = make_request(document, "outpaint", Sampling(), feather=8).change_map
    assert (change_map[:, :36] == 255).all()
    assert change_map[0, 36] == 0
    assert change_map[30, 130] == 130
    wide = make_request(document, "outpaint", Sampling(), feather=20).change_map
    assert (wide[:, :60] == 255).all()


def test_renoising_without_a_mask_takes_the_whole_frame_and_with_one_the_mask() -> None:
    everything = make_request(picture(None), "renoise", Sampling())
    assert everything.frame == CANVAS
    assert (everything.change_map == 255).all()
    part = make_request(picture(None, Rect(10, 10, 64, 64)), "renoise", Sampling())
    assert part.change_map.shape == (64, 64)
    assert (part.change_map == 255).all()
    masked = make_request(picture(), "renoise", Sampling())
    assert set(np.unique(masked.change_map)) == {0, 130}


def test_regions_far_apart_are_windows_of_one_frame_and_a_frame_by_hand_shows_them_at_once() -> None:
    document = picture(Rect(10, 10, 30, 30))
    document = replace(document, change_map=document.change_map.written(np.full((40, 40), 9, np.uint8), 250, 150))
    request = make_request(document, "inpaint", Sampling(), size=64)
    assert request.windows == (Rect(0, 0, 64, 64), Rect(228, 128, 72, 72))
    assert request.frame == frame_of(document, 64) == Rect(0, 0, 300, 200)
    by_hand = make_request(replace(document, frame=CANVAS), "inpaint", Sampling(), size=64)
    assert (by_hand.windows, by_hand.frame) == ((), CANVAS)


def test_outpainting_sends_as_much_of_the_frame_as_its_windows_show() -> None:
    one_side = make_request(picture(None, Rect(0, 0, 380, 200)), "outpaint", Sampling())
    assert (one_side.windows, one_side.frame) == ((), Rect(180, 0, 200, 200))
    two_sides = make_request(picture(None, Rect(-80, 0, 460, 200)), "outpaint", Sampling())
    assert two_sides.windows == (Rect(-80, 0, 200, 200), Rect(180, 0, 200, 200))
    assert two_sides.frame == Rect(-80, 0, 460, 200)
    brushed = make_request(picture(Rect(50, 50, 9, 9), Rect(0, 0, 380, 200)), "outpaint", Sampling())
    assert brushed.windows == (Rect(180, 0, 200, 200), Rect(22, 22, 64, 64))
    assert (brushed.change_map[50:59, 28:37] == 130).all()


@pytest.mark.parametrize(
    ("mode", "document", "words"),
    [
        ("inpaint", picture(None), "Re-noise"),
        ("inpaint", picture(Rect(900, 900, 5, 5)), "Re-noise"),
        ("inpaint", picture(frame=Rect(0, 0, 64, 64)), "drag the frame over it"),
        ("renoise", picture(frame=Rect(0, 0, 64, 64)), "drag the frame over it"),
        ("outpaint", picture(), "past an edge"),
        ("outpaint", picture(frame=CANVAS), "past an edge"),
        ("outpaint", picture(frame=Rect(400, 0, 64, 64)), "overlap"),
        ("outpaint", picture(frame=Rect(-MAX_SIDE, 0, MAX_SIDE + 100, 64)), "too large"),
        ("dream", picture(), "inpaint, outpaint, renoise"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_advice(mode: str, document: Document, words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_request(document, mode, Sampling())


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 2000), (37, 53)])
def test_odd_sizes_make_requests_that_fit_them(width: int, height: int) -> None:
    request = make_request(new_document(width, height), "renoise", Sampling())
    assert request.frame == Rect(0, 0, width, height)
