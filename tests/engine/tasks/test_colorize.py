"""Colorization through the whole engine: the luma stays everywhere, the hints rule the colour where they are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.tasks.colorize import Colorize
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.gamut import chroma, luma, saturation_room
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model

RELAXED = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, height: int = 40, width: int = 52, **changed) -> Request:
    """A smooth grey picture with an edge, all of it to be colorized."""
    y, x = np.mgrid[:height, :width]
    grey = np.clip(40 + 3 * x + 60 * (y > height / 2), 0, 255).astype(np.uint8)
    picture = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    frame = Rect(0, 0, width, height)
    sampling = Sampling(steps=2, candidates=1, strength=0.95, guidance=1.0)
    asked = Request(
        "colorize", frame, frame, picture, np.full(frame.shape, 255, np.uint8), sampling, model, "cpu", feather=0
    )
    return replace(asked, **changed)


def colorized(engine: DiffusionEngine, asked: Request) -> np.ndarray:
    patch = engine.generate(asked, lambda progress: None, CancelToken()).candidates[0].patch
    return over(asked.picture, patch)


def luma_error(asked: Request, out: np.ndarray) -> np.ndarray:
    return np.abs(np.rint(luma(out)) - np.rint(luma(asked.picture)))


def hints(asked: Request, where: Rect, colour: tuple[int, int, int], alpha: int = 255) -> np.ndarray:
    pixels = np.zeros_like(asked.picture)
    pixels[where.slices_in(asked.frame)] = (*colour, alpha)
    return pixels


@RELAXED
@given(data=st.data())
def test_the_luma_of_any_picture_stays_under_any_mask(engine, model, data) -> None:
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    asked = request(model, height, width)
    picture = asked.picture.copy()
    if data.draw(st.booleans()):
        picture[..., :3] = rng.integers(0, 256, (height, width, 1))
    if data.draw(st.booleans()):
        picture[..., :3] = rng.integers(0, 256, (height, width, 3))
    change_map = {
        "full": np.full((height, width), 255, np.uint8),
        "grey": np.full((height, width), 120, np.uint8),
        "dots": rng.choice(np.array([0, 90, 255], np.uint8), (height, width)),
        "half": np.where(np.arange(width) < width / 2, 255, 0).astype(np.uint8)[None].repeat(height, 0),
    }[data.draw(st.sampled_from(["full", "grey", "dots", "half"]))]
    brushed = None
    if data.draw(st.booleans()):
        brushed = rng.integers(0, 256, (height, width, 4)).astype(np.uint8)
        brushed[rng.random((height, width)) < 0.7, 3] = 0
    asked = replace(
        asked, picture=picture, change_map=change_map, hints=brushed, feather=data.draw(st.integers(0, 9)),
        sampling=replace(asked.sampling, strength=data.draw(st.sampled_from([0.3, 0.95, 1.0])), seed=height),
    )
    out = colorized(engine, asked)
    error = luma_error(asked, out)
    assert error.max() <= 1
    assert error.mean() < 0.3
    assert np.array_equal(out[change_map == 0], picture[change_map == 0])


def test_keeping_coarse_shapes_contradicts_colour_and_is_refused_by_name(engine, model) -> None:
    asked = request(model)
    with pytest.raises(UserError, match="Colorize and “Keep coarse shapes” contradict"):
        colorized(engine, replace(asked, sampling=replace(asked.sampling, layout="8")))


def test_a_grey_picture_gets_colour(engine, model) -> None:
    asked = request(model)
    out = colorized(engine, asked)
    assert np.abs(chroma(out)).mean() > 3
    assert luma_error(asked, out).max() == 0


def test_what_is_masked_counts_as_grey_whatever_colour_it_has(model) -> None:
    asked = request(model)
    tinted = asked.picture.copy()
    tinted[..., 0] = np.clip(tinted[..., 0].astype(int) + 20, 0, 255)
    grey = np.rint(luma(tinted)).astype(np.uint8)
    as_grey = np.dstack([grey, grey, grey, tinted[..., 3]])
    shown, again = (Colorize(replace(asked, picture=picture), 16).picture for picture in (tinted, as_grey))
    assert np.array_equal(shown, again)
    kept = Colorize(replace(asked, picture=tinted, change_map=np.zeros_like(asked.change_map)), 16).picture
    assert not np.array_equal(shown, kept)


@pytest.mark.parametrize("colour", [(200, 40, 40), (30, 60, 220), (128, 128, 128)])
def test_the_colour_of_a_hint_is_the_colour_there_at_the_pictures_own_brightness(engine, model, colour) -> None:
    asked = request(model)
    where = Rect(10, 8, 20, 24)
    asked = replace(asked, hints=hints(asked, where, colour))
    out = colorized(engine, asked)[where.slices_in(asked.frame)]
    grey = luma(asked.picture[where.slices_in(asked.frame)])
    wanted = np.broadcast_to(chroma(np.array(colour)), (*grey.shape, 3))
    wanted = wanted * saturation_room(wanted, grey)[..., None]
    assert np.abs(chroma(out) - wanted).max() <= 1.5


def test_only_the_chroma_of_a_hint_counts(engine, model) -> None:
    asked = request(model)
    where = Rect(10, 8, 20, 24)
    brushed = (hints(asked, where, colour) for colour in ((90, 30, 30), (190, 130, 130)))
    dark, light = (colorized(engine, replace(asked, hints=each)) for each in brushed)
    assert np.array_equal(dark, light)


def test_a_hint_leads_what_lies_around_it(engine, model) -> None:
    asked = request(model, 64, 64)
    where = Rect(0, 0, 32, 64)
    brushed = (hints(asked, where, colour) for colour in ((220, 30, 30), (30, 30, 220)))
    red, blue = (colorized(engine, replace(asked, hints=each)) for each in brushed)
    assert np.abs(red[:, 44:].astype(int) - blue[:, 44:]).mean() > 1


def test_hints_outside_the_mask_leave_it_alone(engine, model) -> None:
    asked = request(model)
    change_map = asked.change_map.copy()
    change_map[:, :26] = 0
    brushed = hints(asked, Rect(0, 0, 26, 40), (255, 0, 0))
    out = colorized(engine, replace(asked, change_map=change_map, hints=brushed))
    assert np.array_equal(out[:, :26], asked.picture[:, :26])


def test_where_all_is_hinted_nothing_is_asked_of_the_network(engine, model) -> None:
    asked = request(model)
    asked = replace(asked, hints=hints(asked, asked.frame, (180, 60, 30)))
    result = engine.generate(asked, lambda progress: None, CancelToken())
    assert result.report.network_evaluations == 0
    assert result.candidates[0].patch[..., 3].min() == 255


def test_where_there_is_no_picture_there_is_no_colour(engine, model) -> None:
    asked = request(model)
    picture = asked.picture.copy()
    picture[:20] = 0
    out = colorized(engine, replace(asked, picture=picture))
    assert not out[:20].any()
    assert out[20:, :, 3].min() == 255


@pytest.mark.parametrize("changed", [{"fit": 0}, {"seed": 3}, {"prompt": "red"}, {"strength": 0.5}])
def test_these_have_a_say(engine, model, changed) -> None:
    asked = request(model)
    other = replace(asked, sampling=replace(asked.sampling, **changed))
    assert not np.array_equal(colorized(engine, asked), colorized(engine, other))
    assert luma_error(other, colorized(engine, other)).max() == 0


def test_the_recipe_names_the_hints(model) -> None:
    asked = request(model)
    assert asked.recipe().hints_sha256 == ""
    red, blue = (replace(asked, hints=hints(asked, Rect(2, 2, 9, 9), c)).recipe() for c in ((255, 0, 0), (0, 0, 255)))
    assert red.hints_sha256 != blue.hints_sha256
    assert type(red).from_json(red.to_json()) == red
