import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from paintdiff.engine.bundled.enlarger import ENLARGER
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.tasks.task import make_task
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_enlarger, tiny_model


class Spy:
    """Enlarges by repeating pixels, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def __call__(self, square: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.asked.append((square, picture, mask))
        return square.repeat(2, 0).repeat(2, 1)


def request(side: int, model: str = "", mode: str = "inpaint", **sampling) -> Request:
    """A square picture of noise whose middle is to be painted."""
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((side, side), np.uint8)
    change_map[side // 4 : -(side // 4), side // 4 : -(side // 4)] = 255
    frame = Rect(0, 0, side, side)
    settings = Sampling(steps=2, tone="free", **sampling)
    return Request(mode, frame, frame, picture, change_map, settings, feather=2, model=model)


@pytest.mark.parametrize(("side", "times"), [(12, 0), (16, 0), (17, 1), (32, 1), (33, 2), (64, 2), (200, 2)])
def test_a_fill_is_drawn_twice_as_large_until_it_is_as_large_as_its_frame(side, times) -> None:
    spy, asked = Spy(), request(side)
    make_task(asked, 16, spy).patch(np.full((16, 16, 3), 90, np.float32))
    assert [len(square) for square, _, _ in spy.asked] == [16, 32][:times]
    for square, picture, mask in spy.asked:
        assert len(picture) == len(mask) == 2 * len(square)


def test_it_is_shown_the_frame_as_it_is_and_where_it_is_painted() -> None:
    spy, asked = Spy(), request(32)
    make_task(asked, 16, spy).patch(np.full((16, 16, 3), 90, np.float32))
    ((_, picture, mask),) = spy.asked
    assert np.array_equal(picture, asked.picture[..., :3])
    assert np.array_equal(mask, asked.change_map > 0)


@pytest.mark.parametrize(
    "other", [{"mode": "edit"}, {"mode": "colorize"}, {"large": "tiles"}], ids=lambda other: str(*other.values())
)  # fmt: skip
def test_what_has_detail_of_its_own_is_not_enlarged_so(other) -> None:
    spy = Spy()
    asked = request(32, **other)
    task = make_task(asked, 16, spy)
    task.patch(np.full(task.picture.shape, 90, np.float32))
    assert spy.asked == []


def test_a_folder_with_a_second_stage_paints_large_frames_with_it_and_keeps_what_is_kept(tmp_path) -> None:
    plain, staged = tiny_model(tmp_path / "plain"), tiny_enlarger(tiny_model(tmp_path / "staged"))
    assert load_model(str(plain), "cpu").enlarge is None
    for side, same in ((16, True), (32, False)):
        patches = []
        for folder in (plain, staged):
            result = DiffusionEngine().generate(request(side, str(folder)), lambda progress: None, CancelToken())
            patches.append(result.candidates[0].patch)
        asked = request(side)
        assert np.array_equal(patches[0], patches[1]) == same
        assert np.array_equal(patches[0][..., 3], patches[1][..., 3])
        assert (patches[1][asked.change_map == 0] == 0).all()


def test_a_damaged_second_stage_is_told_in_a_sentence(tmp_path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    (folder / ENLARGER).write_bytes(b"not weights")
    with pytest.raises(UserError, match=ENLARGER):
        load_model(str(folder), "cpu")


@pytest.mark.parametrize(
    "said",
    [{}, {"enlarger": "{}"}, {"enlarger": '{"network": 7}'}, {"enlarger": '{"network": {"widths": [900000, 8]}}'},
     {"enlarger": '{"network": {"blocks": [1, 100000, 1]}}'}, {"enlarger": '{"network": {"widths": [16, 16]}}'}],
)  # fmt: skip
def test_sizes_that_its_weights_do_not_bear_out_are_refused_before_anything_is_built(tmp_path, said) -> None:
    folder = tiny_enlarger(tiny_model(tmp_path / "tiny"))
    save_file(load_file(folder / ENLARGER), folder / ENLARGER, said)
    with pytest.raises(UserError, match=ENLARGER):
        load_model(str(folder), "cpu")


@pytest.mark.parametrize(("height", "width"), [(24, 24), (1, 1), (7, 30), (33, 5)])
def test_pictures_of_any_size_are_enlarged(tmp_path, height, width) -> None:
    enlarge = load_model(str(tiny_enlarger(tiny_model(tmp_path / "tiny"))), "cpu").enlarge
    assert enlarge is not None
    square, picture = np.full((height, width, 3), 100, np.float32), np.zeros((2 * height, 2 * width, 3), np.uint8)
    large = enlarge(square, picture, np.ones(picture.shape[:2], bool))
    assert large.shape == picture.shape
    assert 0 <= large.min() <= large.max() <= 255


def test_a_large_picture_is_enlarged_in_tiles_as_it_is_in_one(tmp_path, monkeypatch) -> None:
    enlarge = load_model(str(tiny_enlarger(tiny_model(tmp_path / "tiny"))), "cpu", torch.float32).enlarge
    assert enlarge is not None
    rng = np.random.default_rng(0)
    square = rng.uniform(0, 255, (150, 131, 3)).astype(np.float32)
    picture = rng.integers(0, 256, (300, 262, 3), np.uint8)
    mask = rng.random((300, 262)) < 0.5
    whole = enlarge(square, picture, mask)
    monkeypatch.setattr("paintdiff.engine.bundled.enlarger.TILE", 48)
    assert np.abs(enlarge(square, picture, mask) - whole).max() < 0.1
