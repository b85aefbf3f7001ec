"""Runs that are taken up again: to the same bytes without a change, and elsewhere with one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from paintdiff.engine.branching import Recorder
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.engine.state import State
from paintdiff.engine.trajectory_file import read_trajectory, write_trajectory
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe, Request
from paintdiff.generation.result import Candidate, Progress
from paintdiff.generation.sampling import ADAPTIVE, SAMPLERS, Sampling
from paintdiff.generation.trajectory import Branch
from paintdiff.image.geometry import Rect
from tests.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def engine() -> DiffusionEngine:
    return DiffusionEngine()


def request(model: str, **sampling) -> Request:
    """A soft map: a hard square, a grey stripe, the rest kept."""
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    picture[..., 3] = 255
    change_map = np.zeros((16, 16), np.uint8)
    change_map[4:10, 4:10] = 255
    change_map[12:, :] = 120
    frame = Rect(0, 0, 16, 16)
    sampling = {"steps": 5, "candidates": 1, "prompt": "a red apple"} | sampling
    return Request("inpaint", frame, frame, picture, change_map, Sampling(**sampling), model, "cpu", feather=0)


def painted(engine: DiffusionEngine, asked: Request, seen: list[Progress] | None = None) -> Candidate:
    return engine.generate(asked, (seen if seen is not None else []).append, CancelToken()).candidates[0]


def branched(asked: Request, candidate: Candidate, step: int, **changed) -> Request:
    sampling = replace(asked.sampling, **changed)
    return replace(asked, sampling=sampling, branch=Branch(candidate.trajectory, step))


VARIANTS = (
    *({"sampler": name, "eta": 0.6} for name in SAMPLERS if name != ADAPTIVE),
    {"sampler": ADAPTIVE, "tolerance": 0.1, "guidance": 1.0}, {"strength": 0.7}, {"method": "lanpaint"},
    {"method": "repaint", "sampler": "ddpm"}, {"method": "rangenull"}, {"variation": 0.3},
    {"then": "a blue pear", "blend": 0.5}, {"spacing": "log_snr"},
)  # fmt: skip


@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_a_branch_without_a_change_ends_on_the_same_bytes(engine, model, settings) -> None:
    asked = request(model, **settings)
    whole = painted(engine, asked)
    moments = whole.trajectory.moments
    for moment in (moments[0], moments[1], moments[len(moments) // 2], moments[-1]):
        again = painted(engine, branched(asked, whole, moment.step))
        assert np.array_equal(again.patch, whole.patch), moment.step
        assert np.array_equal(again.trajectory.moments[-1].x_t, moments[-1].x_t)
        assert again.trajectory.start == whole.trajectory.start


def test_a_branch_of_a_branch_ends_on_the_same_bytes(engine, model) -> None:
    asked = request(model, then="a blue pear", blend=0.5)
    whole = painted(engine, asked)
    once = painted(engine, branched(asked, whole, 2))
    assert np.array_equal(painted(engine, branched(asked, once, 3)).patch, whole.patch)


def test_a_trajectory_holds_every_step_from_noise_to_picture(engine, model) -> None:
    asked = request(model)
    candidate = painted(engine, asked)
    moments = candidate.trajectory.moments
    assert [moment.step for moment in moments] == [0, 1, 2, 3, 4, 5]
    assert [moment.t for moment in moments] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    assert [moment.x0_t for moment in moments] == [None, *(moment.t for moment in moments[:-1])]
    assert moments[2].times == tuple(moment.t for moment in moments[3:])
    assert moments[0].x0 is None
    for moment in moments[1:]:
        assert moment.x_t.shape == moment.x0.shape == (1, 3, 16, 16)
        assert moment.x_t.dtype == moment.x0.dtype == np.float32
        assert not moment.x_t.flags.writeable
    assert all(moment.preview.shape == (16, 16, 4) for moment in moments[1:])
    assert (candidate.trajectory.model, candidate.trajectory.frame) == (model, asked.frame)
    assert candidate.trajectory.sampling == candidate.recipe.sampling


def test_another_prompt_goes_on_from_the_same_state(engine, model) -> None:
    asked = request(model)
    whole = painted(engine, asked)
    other = painted(engine, branched(asked, whole, 3, prompt="a blue pear"))
    assert not np.array_equal(other.patch, whole.patch)
    assert [moment.step for moment in other.trajectory.moments] == [3, 4, 5]
    assert np.array_equal(other.trajectory.moments[0].x_t, whole.trajectory.moment(3).x_t)
    fresh = painted(engine, replace(asked, sampling=replace(asked.sampling, prompt="a blue pear")))
    assert not np.array_equal(other.patch, fresh.patch)


def test_another_seed_noises_the_estimate_anew_and_a_later_branch_stays_nearer(engine, model) -> None:
    asked = request(model, steps=12, sampler="ddpm")
    whole = painted(engine, asked)
    changes = []
    for step in (2, 6, 11):
        other = painted(engine, branched(asked, whole, step, seed=99))
        moment, before = other.trajectory.moments[0], whole.trajectory.moment(step)
        noise = moment.x_t - (1 - moment.t) * before.x0  # a flow model: alpha = 1 - t, sigma = t
        assert (moment.t, moment.times) == (before.t, before.times)
        assert noise.std() == pytest.approx(moment.t, rel=0.1)
        assert np.abs(moment.x_t - before.x_t).max() > 0.1 * moment.t
        changes.append(np.abs(other.trajectory.moments[-1].x_t - whole.trajectory.moments[-1].x_t).mean())
    assert changes[0] > changes[1] > changes[2] > 0


def test_another_seed_at_the_very_first_step_is_a_run_of_its_own(engine, model) -> None:
    asked = request(model)
    other = painted(engine, branched(asked, painted(engine, asked), 0, seed=99))
    assert np.array_equal(
        other.patch, painted(engine, replace(asked, sampling=replace(asked.sampling, seed=99))).patch
    )


def test_candidates_of_a_branch_differ_by_their_seed_and_the_first_is_the_run_itself(engine, model) -> None:
    asked = request(model)
    whole = painted(engine, asked)
    result = engine.generate(branched(asked, whole, 2, candidates=3), lambda progress: None, CancelToken())
    patches = [candidate.patch for candidate in result.candidates]
    assert np.array_equal(patches[0], whole.patch)
    assert not np.array_equal(patches[1], patches[0])
    assert not np.array_equal(patches[2], patches[1])


def test_another_map_keeps_and_frees_other_pixels(engine, model) -> None:
    asked = request(model)
    whole = painted(engine, asked)
    change_map = np.zeros((16, 16), np.uint8)
    change_map[:, 6:] = 255
    other = painted(engine, replace(branched(asked, whole, 2), change_map=change_map))
    assert (other.patch[:, :6] == 0).all()
    assert (other.patch[:, 6:, 3] == 255).all()
    end = other.trajectory.moments[-1].x_t
    original = load_model(model, "cpu").space.encode(asked.picture[..., :3], np.zeros((16, 16), bool)).numpy()
    assert np.array_equal(end[..., :6], original[..., :6])
    assert np.abs(end[..., 10:] - original[..., 10:]).max() > 0.01


def test_a_weaker_strength_lets_less_of_it_change(engine, model) -> None:
    asked = request(model, steps=10)
    whole = painted(engine, asked)
    weak = painted(engine, branched(asked, whole, 2, strength=0.2))
    moments = weak.trajectory.moments
    assert moments[0].step == 2
    original = load_model(model, "cpu").space.encode(asked.picture[..., :3], np.zeros((16, 16), bool)).numpy()
    early = next(moment for moment in moments if moment.x0_t is not None and moment.t > 0.5 and moment.step > 2)
    assert np.array_equal(early.x0, original), "nothing is under way above its own strength"


def test_a_recipe_says_where_it_branched_and_comes_back_from_json(engine, model) -> None:
    asked = request(model)
    whole = painted(engine, asked)
    recipe = painted(engine, branched(asked, whole, 3)).recipe
    assert (recipe.branch.step, recipe.branch.trajectory_sha256) == (3, whole.trajectory.digest)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert whole.recipe.branch is None
    broken = recipe.to_json()
    broken["branch"]["step"] = "three"
    with pytest.raises(ValueError):
        Recipe.from_json(broken)


def test_progress_of_a_branch_begins_at_its_step(engine, model) -> None:
    asked, seen = request(model), []
    painted(engine, branched(asked, painted(engine, asked), 3), seen)
    steps = [(progress.step, progress.steps) for progress in seen if progress.stage == "sampling"]
    assert steps == [(3, 5), (4, 5), (5, 5)]


def test_a_branch_from_a_file_is_the_same_branch(engine, model, tmp_path) -> None:
    asked = request(model, sampler="predictor_corrector")
    whole = painted(engine, asked)
    write_trajectory(tmp_path / "run.safetensors", whole.trajectory)
    read = read_trajectory(tmp_path / "run.safetensors")
    again = painted(engine, replace(asked, branch=Branch(read, 3)))
    assert np.array_equal(again.patch, whole.patch)


def test_a_branch_that_does_not_fit_is_refused_in_words(engine, model, tmp_path) -> None:
    asked = request(model)
    whole = painted(engine, asked)
    moved = replace(asked, frame=Rect(1, 0, 16, 16), canvas=Rect(1, 0, 16, 16), branch=Branch(whole.trajectory, 2))
    with pytest.raises(UserError, match="in the frame 0,0,16,16; use the same"):
        painted(engine, moved)
    other = str(tiny_model(tmp_path / "other", seed=1))
    with pytest.raises(UserError, match="was made by the model"):
        painted(engine, replace(asked, model=other, branch=Branch(whole.trajectory, 2)))
    with pytest.raises(UserError, match="Step 17 of that run was not kept"):
        painted(engine, branched(asked, whole, 17))
    halves = (Rect(0, 0, 16, 10), Rect(0, 6, 16, 10))
    with pytest.raises(UserError, match="window by window"):
        painted(engine, replace(branched(asked, whole, 2), windows=halves))
    assert painted(engine, replace(asked, windows=halves)).trajectory is None


def test_a_long_run_of_large_pictures_keeps_every_nth_step_and_both_ends() -> None:
    x = torch.zeros(1, 4, 8, 8)
    times = tuple(1 - i / 100 for i in range(1, 101))
    recorder = Recorder(State(x, 1.0), times, budget=100 * 2 * x.numel() * 4 // 9)
    for step, t in enumerate(times, 1):
        state = State(x, t, step, None if step == 50 else x, t)
        if recorder.wants(state):
            recorder.add(state)
    asked = request("any")
    moments = recorder.trajectory(asked, asked.sampling, 1.0).moments
    assert [moment.step for moment in moments] == [0, *(10 * i for i in (1, 2, 3, 4, 6, 7, 8, 9, 10))]
