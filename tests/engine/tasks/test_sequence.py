"""Windows painted one after the other, on a tiny model: each in the light of all before, nothing kept is touched."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.tasks.sequence import Sequence
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.region import outpaint_map, outpaint_windows
from paintdiff.generation.request import Recipe, Request
from paintdiff.generation.result import Progress, Result
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model

CANVAS = Rect(0, 0, 24, 24)
FRAME = Rect(-12, 0, 60, 24)  # past both edges


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def engine(model: str) -> DiffusionEngine:
    engine = DiffusionEngine()
    engine.load(model, "cpu")
    return engine


def outpainting(model: str, frame: Rect = FRAME, **sampling: object) -> Request:
    picture = np.random.default_rng(0).integers(0, 256, (*frame.shape, 4), np.uint8)
    picture[..., 3] = 255
    outside = np.ones(frame.shape, bool)
    outside[frame.intersected(CANVAS).slices_in(frame)] = False
    picture[outside] = 0
    change_map = outpaint_map(np.zeros(frame.shape, np.uint8), frame, CANVAS, 4)
    settings = Sampling(**{"steps": 2, "candidates": 1, "guidance": 1.0} | sampling)
    windows = outpaint_windows(frame, CANVAS, 16)
    return Request("outpaint", frame, CANVAS, picture, change_map, settings, model, "cpu", 2, windows=windows)


def generated(engine: DiffusionEngine, asked: Request, seen: list[Progress] | None = None) -> Result:
    return engine.generate(asked, (seen if seen is not None else []).append, CancelToken())


def test_all_that_is_to_change_is_painted_and_what_is_kept_stays(engine, model) -> None:
    asked = outpainting(model)
    assert len(asked.windows) == 3
    result = generated(engine, asked)
    patch = result.candidates[0].patch
    assert (patch[asked.change_map == 0] == 0).all()
    assert (patch[asked.beyond_canvas > 0][:, 3] == 255).all(), "nothing lies beneath to shine through"
    assert (patch[..., 3] > 0)[asked.change_map > 0].all()
    assert result.report.kept_pixels == np.count_nonzero(asked.change_map == 0)
    assert result.report.network_evaluations == 3 * 2


def test_a_window_is_painted_as_the_request_for_it_alone_would_be(engine, model) -> None:
    asked = outpainting(model)
    patch = generated(engine, asked).candidates[0].patch
    sequence = Sequence(asked)
    alone = generated(engine, sequence.part(asked.windows[0])).candidates[0].patch
    far = Rect(-12, 0, 12, 24)  # no later window shows this
    assert np.array_equal(patch[far.slices_in(FRAME)], alone[far.slices_in(asked.windows[0])])


def test_a_later_window_sees_what_an_earlier_one_painted(engine, model) -> None:
    asked = outpainting(model)
    other = asked.picture.copy()
    shown = Rect(12, 0, 7, 24)  # by the second window, not by the last
    other[shown.slices_in(FRAME)] ^= np.array((255, 255, 255, 0), np.uint8)
    last = Rect(40, 0, 8, 24).slices_in(FRAME)
    assert [not window.intersected(shown).empty for window in asked.windows] == [False, True, False]
    patch, changed = (generated(engine, a).candidates[0].patch for a in (asked, replace(asked, picture=other)))
    assert not np.array_equal(patch[last], changed[last])


def test_a_sequence_keeps_what_is_painted_but_for_a_strip_beside_what_is_left() -> None:
    asked = replace(outpainting("none"), feather=0)
    sequence = Sequence(asked)
    first, second, third = asked.windows
    for window in (first, second):
        part = sequence.part(window)
        assert np.array_equal(part.change_map > 0, (asked.change_map > 0)[window.slices_in(FRAME)])
        patch = np.full((*window.shape, 4), 7, np.uint8)
        patch[..., 3] = np.where(part.change_map, 255, 0)
        sequence.paste(part, patch)
    part = sequence.part(third)
    new = 48 - second.right
    assert (part.change_map[:, -new:] == 255).all()
    assert (part.beyond_canvas[:, -new:] == 255).all()
    assert not part.beyond_canvas[:, :-new].any(), "that is painted by now"
    strip = np.flatnonzero(part.change_map[5, :-new])
    assert 0 < len(strip) <= 3
    assert strip[-1] == third.w - new - 1
    assert (part.picture[:, :-new][:, CANVAS.right - third.x :, :3] == 7).all()


def test_windows_have_noise_of_their_own_and_the_first_has_the_candidates(engine, model) -> None:
    asked = outpainting(model, Rect(0, 0, 36, 24))
    assert len(asked.windows) == 1
    whole = Rect(-12, 0, 48, 24)
    flat = outpainting(model, whole)
    flat.picture[..., :3][flat.picture[..., 3] > 0] = 128
    left, right = (generated(engine, flat).candidates[0].patch[window.slices_in(whole)] for window in flat.windows)
    assert not np.array_equal(left[:, :12], right[:, :12])


def test_progress_runs_over_all_windows_and_shows_the_whole_frame_forming(engine, model) -> None:
    seen: list[Progress] = []
    asked = outpainting(model, candidates=2)
    generated(engine, asked, seen)
    sampling = [progress for progress in seen if progress.stage == "sampling"]
    assert {progress.steps for progress in sampling} == {2 * 3 * 2}
    assert [progress.step for progress in sampling] == [0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12]
    assert [progress.stage for progress in seen].count("finishing") == 2
    previews = [progress.preview for progress in sampling if progress.preview is not None]
    assert previews
    assert {preview.shape for preview in previews} == {(16, 40, 4)}


def test_a_window_whose_pixels_are_all_painted_costs_nothing(engine, model) -> None:
    asked = outpainting(model, Rect(0, 0, 36, 24))
    twice = replace(asked, windows=asked.windows * 2)
    assert generated(engine, twice).report.network_evaluations == 2


def test_windows_that_leave_out_pixels_to_change_are_refused() -> None:
    asked = outpainting("none")
    with pytest.raises(ValueError, match="leave out"):
        replace(asked, windows=asked.windows[:1])
    with pytest.raises(ValueError, match="within"):
        replace(asked, windows=(*asked.windows, Rect(-13, 0, 24, 24)))


def test_the_recipe_holds_the_windows(model) -> None:
    recipe = outpainting(model).recipe()
    assert recipe.windows == outpainting(model).windows
    assert Recipe.from_json(recipe.to_json()) == recipe
    older = {name: value for name, value in recipe.to_json().items() if name != "windows"}
    assert Recipe.from_json(older).windows == ()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frame=st.builds(Rect, *[st.integers(-60, 20)] * 2, *[st.integers(1, 90)] * 2),
    feather=st.integers(0, 10), steps=st.integers(1, 2), strength=st.sampled_from([0.4, 1.0]),
)  # fmt: skip
def test_any_outpainting_covers_its_map_keeps_the_rest_and_repeats(
    engine, model, frame, feather, steps, strength
) -> None:
    asked = replace(outpainting(model, frame, steps=steps, strength=strength), feather=feather)
    result = generated(engine, asked)
    patch = result.candidates[0].patch
    kept = asked.change_map == 0
    assert np.array_equal(patch[..., 3] > 0, ~kept)
    assert np.array_equal(over(asked.picture, patch)[kept], asked.picture[kept])
    assert (over(asked.picture, patch)[..., 3] == 255).all()
    assert np.array_equal(patch, generated(engine, asked).candidates[0].patch)
