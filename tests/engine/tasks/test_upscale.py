"""Detail through the whole engine: shrunk again, the result is the small picture."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paintdiff.engine.conditions.observation import Downsample
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.tasks.task import make_task
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.enlarge import block_sums, enlarge
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_enlarger, tiny_model

RELAXED = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def small(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    rgb = np.dstack([x * 9 % 256, y * 7 % 256, 255 * (x > y), np.full((height, width), 255)])
    rgb[..., :3] = np.clip(rgb[..., :3] + rng.normal(0, 12, rgb[..., :3].shape), 0, 255)
    return rgb.astype(np.uint8)


def request(model: str, picture: np.ndarray, scale: int, **changed) -> Request:
    large = enlarge(picture, scale)
    frame = Rect(0, 0, large.shape[1], large.shape[0])
    sampling = Sampling(steps=2, candidates=1, strength=0.5, guidance=1.0)
    asked = Request(
        "upscale", frame, frame, large, np.full(frame.shape, 255, np.uint8), sampling, model, "cpu", feather=0,
        scale=scale,
    )  # fmt: skip
    return replace(asked, **changed)


def upscaled(engine: DiffusionEngine, asked: Request) -> np.ndarray:
    patch = engine.generate(asked, lambda progress: None, CancelToken()).candidates[0].patch
    return over(asked.picture, patch)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 20), (8, 8), (13, 11)])
def test_every_block_has_exactly_the_mean_of_the_small_pixel(engine, model, scale, height, width) -> None:
    picture = small(height, width)
    asked = request(model, picture, scale)
    out = upscaled(engine, asked)
    assert np.array_equal(block_sums(out, scale), picture.astype(int) * scale**2)
    assert not np.array_equal(out, asked.picture), "there is detail"


@RELAXED
@given(data=st.data())
def test_the_small_picture_stays_under_any_mask(engine, model, data) -> None:
    scale = data.draw(st.sampled_from([2, 4]))
    picture = small(data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12)), data.draw(st.integers(0, 99)))
    asked = request(model, picture, scale)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    levels = np.array(data.draw(st.sampled_from([[0, 255], [0, 80, 255], [120], [0, 255, 255, 255, 255]])), np.uint8)
    cells = 2 ** data.draw(st.integers(0, 3))
    coarse = rng.choice(levels, (-(-asked.frame.h // cells), -(-asked.frame.w // cells)))
    change_map = np.kron(coarse, np.ones((cells, cells), np.uint8))[: asked.frame.h, : asked.frame.w]
    strength = data.draw(st.sampled_from([0.3, 1.0]))
    asked = replace(
        asked, change_map=change_map, feather=data.draw(st.integers(0, 6)),
        sampling=replace(asked.sampling, strength=strength),
    )  # fmt: skip
    out = upscaled(engine, asked)
    assert np.abs(block_sums(out, scale) / scale**2 - picture).max() <= 1
    assert np.array_equal(out[change_map == 0], asked.picture[change_map == 0])


@pytest.mark.parametrize("scale", [2, 4])
def test_shrunk_bicubically_it_is_the_small_picture_to_a_level(engine, model, scale) -> None:
    picture = small(12, 9)
    picture[..., :3] = picture[..., :3] // 2 + 64  # contrast that the sharper kernel has room for
    asked = request(model, picture, scale)
    asked = replace(asked, sampling=replace(asked.sampling, shrink="bicubic"))
    out = upscaled(engine, asked)
    pixels = torch.from_numpy(out[..., :3]).permute(2, 0, 1)[None].double()
    shrunk = Downsample(scale, *out.shape[:2], kernel="bicubic").apply(pixels)[0].permute(1, 2, 0).numpy()
    assert np.abs(shrunk.round() - picture[..., :3]).max() <= 1


def test_what_was_painted_since_it_was_enlarged_counts_as_well(engine, model) -> None:
    asked = request(model, small(10, 10), 2)
    painted = asked.picture.copy()
    painted[5:9, 3:11, :3] = (255, 0, 13)
    asked = replace(asked, picture=painted)
    assert np.array_equal(block_sums(upscaled(engine, asked), 2), block_sums(painted, 2))


def test_a_block_that_is_masked_in_part_is_kept_and_its_neighbours_are_not(engine, model) -> None:
    asked = request(model, small(10, 10), 4)
    change_map = np.zeros(asked.frame.shape, np.uint8)
    change_map[4:18, 4:20] = 255
    out = upscaled(engine, replace(asked, change_map=change_map))
    changed = (out != asked.picture).any(axis=2)
    assert changed[4:16, 4:20].mean() > 0.5
    assert not changed[16:].any()


def test_a_mask_within_one_block_changes_nothing_and_asks_nothing(engine, model) -> None:
    asked = request(model, small(10, 10), 4)
    change_map = np.zeros(asked.frame.shape, np.uint8)
    change_map[1:4, 1:4] = 255
    result = engine.generate(replace(asked, change_map=change_map), lambda progress: None, CancelToken())
    assert result.report.network_evaluations == 0
    assert not result.candidates[0].patch.any()


def test_a_large_picture_takes_as_many_evaluations_as_it_has_windows(engine, model) -> None:
    report = engine.generate(request(model, small(20, 32), 2), lambda progress: None, CancelToken()).report
    assert report.network_evaluations == 2 * 3 * 5  # steps, and windows of 16 on 40 x 64 pixels


@pytest.mark.parametrize("changed", [{"shrink": "bicubic"}, {"seed": 3}, {"strength": 0.9}, {"prompt": "red"}])
def test_these_have_a_say(engine, model, changed) -> None:
    asked = request(model, small(12, 12), 2)
    other = replace(asked, sampling=replace(asked.sampling, **changed))
    assert not np.array_equal(upscaled(engine, asked), upscaled(engine, other))


def test_where_there_is_no_picture_none_is_made(engine, model) -> None:
    picture = small(10, 10)
    picture[:5] = 0
    out = upscaled(engine, request(model, picture, 2))
    assert not out[:8, :, 3].any()
    assert out[12:, :, 3].min() == 255


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_model_with_a_second_stage_starts_from_what_that_draws_and_keeps_each_mean(tmp_path, engine, scale) -> None:
    staged = str(tiny_enlarger(tiny_model(tmp_path / "tiny")))
    picture = small(9, 12)
    asked = request(staged, picture, scale, sampling=Sampling(candidates=1, strength=0.0))
    asked.change_map[:, : 4 * scale] = 0
    task = make_task(asked, 16, load_model(staged, "cpu").enlarge)
    drawn = task.picture[: asked.frame.h, : asked.frame.w]
    assert np.array_equal(block_sums(drawn, scale), picture[..., :3].astype(int) * scale**2)
    before = asked.picture[..., :3]
    assert np.array_equal(drawn[:, : 4 * scale], before[:, : 4 * scale])
    assert not np.array_equal(drawn[:, 4 * scale :], before[:, 4 * scale :])
