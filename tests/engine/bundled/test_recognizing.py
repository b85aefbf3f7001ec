"""A drawing of what is named is found in a grey picture, where it lies and as large as it is."""

import cv2
import numpy as np
import pytest
import torch

from paintdiff.engine.bundled.picture_library import Entry, PictureLibrary
from paintdiff.engine.bundled.recognizing import recognized
from paintdiff.engine.bundled.reference import Lookup
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.gamut import luma
from paintdiff.image.geometry import Rect
from tests.engine.bundled.test_reference import looking_model


def house(side: int = 96) -> np.ndarray:
    """A red house with a bright door on its left: not its own mirror image."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[40:90, 12:84] = (190, 60, 50, 255)
    cv2.fillConvexPoly(pixels, np.array([(4, 40), (48, 6), (92, 40)]), (90, 60, 50, 255))
    pixels[56:90, 20:40] = (250, 230, 160, 255)
    return pixels


def ball(side: int = 96) -> np.ndarray:
    pixels = np.zeros((side, side, 4), np.uint8)
    cv2.circle(pixels, (48, 48), 42, (40, 90, 220, 255), -1)
    cv2.circle(pixels, (34, 34), 12, (200, 220, 255, 255), -1)
    return pixels


def grey_with(drawing: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """(128, 128) float32 luma of the drawing on a gradient."""
    picture = np.repeat(np.linspace(150, 215, 128, dtype=np.float32)[:, None, None], 128, axis=1) * np.ones(3)
    small = cv2.resize(np.ascontiguousarray(drawing), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    there = picture[top : top + side, left : left + side]
    there[...] = small[..., :3] + there * (1 - small[..., 3:] / 255)
    return luma(picture)


def outline(alpha: np.ndarray) -> tuple[int, ...]:
    ys, xs = np.nonzero(alpha > 128)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


@pytest.mark.parametrize(("left", "top", "side"), [(30, 40, 64), (60, 8, 50), (4, 20, 100)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_right_drawing_is_laid_where_it_is(left: int, top: int, side: int, mirrored: bool) -> None:
    there = house()[:, ::-1] if mirrored else house()
    found = recognized(grey_with(there, left, top, side), [ball(), house()])
    assert found is not None
    true = np.zeros((128, 128), np.uint8)
    true[top : top + side, left : left + side] = cv2.resize(np.ascontiguousarray(there[..., 3]), (side, side))
    assert np.abs(np.subtract(outline(found[..., 3]), outline(true))).max() <= 0.1 * side
    reddish = found[found[..., 3] == 255].astype(int)
    assert (reddish[:, 0] > reddish[:, 2]).mean() > 0.9
    door = found[..., 1] > 150
    middle = (outline(true)[0] + outline(true)[2]) / 2
    assert (np.nonzero(door)[1].mean() > middle) == mirrored


def test_what_is_not_there_is_not_found() -> None:
    assert recognized(grey_with(house(), 30, 40, 64), []) is None
    assert recognized(grey_with(np.zeros((8, 8, 4), np.uint8), 0, 0, 8), [house(), ball()]) is None
    assert recognized(grey_with(house(), 30, 40, 64), [np.zeros((8, 8, 4), np.uint8)]) is None


def test_every_thing_that_is_named_is_looked_for_in_its_colour() -> None:
    library = PictureLibrary([Entry("house", (), ""), Entry("ball", (), "")], [house(), ball()])
    both = grey_with(house(), 4, 40, 60)
    both[:, 68:] = grey_with(ball(), 70, 30, 54)[:, 68:]
    seen = Lookup(library, False).recognized("a house and a green ball", both, torch.device("cpu"))
    assert seen is not None
    red, green = (seen[0, :3, 95, 40].tolist(), seen[0, :3, 60, 105].tolist())
    assert red[0] > red[2]
    assert green[1] > max(green[0], green[2])
    assert Lookup(library, False).recognized("a cat", both, torch.device("cpu")) is None


def test_colorizing_looks_at_what_it_recognizes(tmp_path) -> None:
    library = PictureLibrary([Entry("house", (), "")], [house()])
    looking, blind = (
        looking_model(tmp_path / name, pictures) for name, pictures in (("a", library), ("b", PictureLibrary([], [])))
    )
    shown = np.repeat(grey_with(house(), 30, 40, 64)[..., None], 3, axis=2).round().astype(np.uint8)
    empty = np.repeat(grey_with(house(), 0, 0, 1)[..., None], 3, axis=2).round().astype(np.uint8)

    def colorized(model: str, grey: np.ndarray) -> np.ndarray:
        frame, sampling = Rect(0, 0, 128, 128), Sampling(prompt="a house", steps=2, candidates=1, guidance=1.0, fit=0)
        everywhere = np.full(frame.shape, 255, np.uint8)
        picture = np.dstack([grey, everywhere])
        request = Request("colorize", frame, frame, picture, everywhere, sampling, model, "cpu", feather=0)
        return DiffusionEngine().generate(request, lambda _: None, CancelToken()).candidates[0].patch

    assert not np.array_equal(colorized(looking, shown), colorized(blind, shown))
    assert np.array_equal(colorized(looking, empty), colorized(blind, empty))
