"""The tone of what is painted follows what is kept; its own detail and real edges stay."""

from typing import Any

import numpy as np
import pytest

from paintdiff.engine.tasks.finish import patch_alpha
from paintdiff.engine.tasks.task import make_task
from paintdiff.engine.tasks.tone import in_tone
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect

BOX = np.zeros((64, 64), bool)
BOX[20:44, 16:50] = True
BAND = np.zeros((64, 64), bool)
BAND[:, 40:] = True
FAR = np.zeros((40, 64), bool)
FAR[3:36, :60] = True


def ground(kind: str, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    flat = np.full((*shape, 3), 120, np.float32)
    return flat + (np.stack([x, y, x - y], 2) if kind == "gradient" else 0)


@pytest.mark.parametrize("painted", [BOX, BAND, FAR])
@pytest.mark.parametrize("kind", ["flat", "gradient"])
def test_a_shift_in_tone_is_taken_back_wholly(painted, kind) -> None:
    true = ground(kind, painted.shape)
    shifted = np.where(painted[..., None], true + np.array((5, -9, 2)), true).astype(np.float32)
    assert abs(in_tone(shifted, ~painted, painted) - true).max() < 0.4


def test_a_shift_that_differs_from_side_to_side_is_spanned_in_between() -> None:
    true = ground("flat", BOX.shape)
    x = np.arange(64, dtype=np.float32)[None, :, None]
    off = np.where(BOX[..., None], true + (x - 33) / 4, true).astype(np.float32)
    after = in_tone(off, ~BOX, BOX)
    assert abs(after - true)[BOX].mean() < 0.3 * abs(off - true)[BOX].mean()


def test_detail_stays_and_what_is_kept_is_not_touched() -> None:
    rng = np.random.default_rng(0)
    true = ground("gradient", BOX.shape) + rng.normal(0, 2, (64, 64, 3)).astype(np.float32)
    detail = np.zeros_like(true)
    detail[26:38, 24:42] = rng.normal(0, 30, (12, 18, 3))
    shifted = np.where(BOX[..., None], true + detail + 7, true).astype(np.float32)
    after = in_tone(shifted, ~BOX, BOX)
    assert np.array_equal(after[~BOX], shifted[~BOX])
    assert abs(after - true - detail)[BOX].mean() < 7 / 5


def test_an_edge_of_the_pictures_own_is_left_alone() -> None:
    picture = ground("flat", BAND.shape)
    picture[BAND] = 240
    assert abs(in_tone(picture, ~BAND, BAND) - picture).max() < 2


def test_without_an_edge_between_the_two_nothing_changes() -> None:
    picture = ground("gradient", BOX.shape)
    assert np.array_equal(in_tone(picture, np.zeros_like(BOX), BOX), picture)
    assert np.array_equal(in_tone(picture, ~BOX, np.zeros_like(BOX)), picture)
    one = np.zeros((1, 1), bool)
    assert in_tone(np.zeros((1, 1, 3), np.float32), one, ~one).shape == (1, 1, 3)


def masked(picture: np.ndarray, **sampling: Any) -> Request:
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    frame = Rect(0, 0, 64, 64)
    return Request("inpaint", frame, frame, rgba, np.where(BOX, np.uint8(255), 0), Sampling(**sampling), feather=8)


@pytest.mark.parametrize(
    ("settings", "level"), [({}, 200), ({"tone": "free"}, 193), ({"strength": 0.9}, 193)]
)  # fmt: skip
def test_a_fill_is_drawn_to_the_tone_around_it_if_that_is_asked_for(settings, level) -> None:
    task = make_task(masked(np.full((64, 64, 3), 200, np.uint8), **settings), 64)
    painted = np.where(BOX[..., None], np.float32(193), np.float32(200)) * np.ones(3, np.float32)
    patch = task.patch(painted)
    assert abs(patch[BOX][:, :3].astype(int) - level).max() <= 1
    assert (patch[~BOX] == 0).all()


def test_the_blend_shows_nothing_of_a_thing_that_fills_the_mask() -> None:
    picture = np.full((64, 64, 3), 200, np.uint8)
    gentle = patch_alpha(masked(picture))
    assert 0 < gentle[30, 18] < 128, "what was there looks like what is kept"
    picture[BOX] = 90, 40, 20
    assert (patch_alpha(masked(picture))[BOX] == 255).all()
    assert (patch_alpha(masked(picture))[~BOX] == 0).all()
    assert np.array_equal(patch_alpha(masked(picture, strength=0.5)), gentle), "there it is the thing itself that stays"


def test_the_blend_stays_over_stripes_that_go_on_beneath() -> None:
    picture = np.full((64, 64, 3), 200, np.uint8)
    picture[::4] = picture[1::4] = 60
    alpha = patch_alpha(masked(picture))
    assert alpha[30, 18] < 128
