import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from paintdiff.engine.trajectory_file import KEY, read_trajectory, write_trajectory
from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.controls import Control
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import Sampling
from paintdiff.generation.trajectory import Branch, Moment, Trajectory
from paintdiff.image.geometry import Rect

RNG = np.random.default_rng(0)
TIMES = (2 / 3, 0.1 + 0.2, 0.0)


def picture() -> np.ndarray:
    return RNG.normal(size=(1, 3, 4, 4)).astype(np.float32)


def trajectory() -> Trajectory:
    moments = (
        Moment(5, 0.9, TIMES, picture()),
        Moment(6, TIMES[0], TIMES[1:], picture(), picture(), 0.9, np.full((3, 4, 4), 9, np.uint8)),
        Moment(8, 0.0, (), picture(), picture(), TIMES[1]),
    )
    add_ons = AddOns((Lora("ink.safetensors", 0.8, "ab"),), controls=(Control("net", "canny", picture_sha256="cd"),))
    return Trajectory("first-light", Rect(-3, 2, 16, 9), Sampling(prompt="a קוף 🍎", seed=7), 0.95, moments, add_ons)


def test_a_trajectory_comes_back_as_it_was(tmp_path) -> None:
    before = trajectory()
    write_trajectory(tmp_path / "run.safetensors", before)
    after = read_trajectory(tmp_path / "run.safetensors")
    assert (after.model, after.frame, after.sampling, after.start, after.add_ons) == (
        before.model, before.frame, before.sampling, before.start, before.add_ons
    )  # fmt: skip
    for a, b in zip(after.moments, before.moments, strict=True):
        assert (a.step, a.t, a.times, a.x0_t) == (b.step, b.t, b.times, b.x0_t)
        for name in ("x_t", "x0", "preview"):
            x, y = getattr(a, name), getattr(b, name)
            assert (x is None and y is None) or np.array_equal(x, y)
    assert after.digest == before.digest
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_digest_names_one_trajectory() -> None:
    a = trajectory()
    assert a.digest == a.digest
    assert a.digest != trajectory().digest
    assert Branch(a, 6).record.trajectory_sha256 == a.digest


def test_a_step_that_was_not_kept_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="Step 7 of that run was not kept; choose one of 5, 6, 8"):
        _ = Branch(trajectory(), 7).moment


def test_a_file_that_is_none_of_ours_gets_a_clear_sentence(tmp_path) -> None:
    path = tmp_path / "run.safetensors"
    with pytest.raises(UserError, match="There is no file"):
        read_trajectory(path)
    path.write_bytes(b"not a safetensors file at all")
    with pytest.raises(UserError, match="does not hold the steps of a run, or is damaged"):
        read_trajectory(path)
    with pytest.raises(UserError, match="does not hold the steps of a run"):
        read_trajectory(tmp_path)
    save_file({"weight": picture()}, path)
    with pytest.raises(UserError, match="does not hold the steps of a run"):
        read_trajectory(path)
    with pytest.raises(UserError, match="cannot be written"):
        write_trajectory(tmp_path / "absent" / "run.safetensors", trajectory())


def test_a_setting_that_another_version_had_is_named(tmp_path) -> None:
    path = tmp_path / "run.safetensors"
    write_trajectory(path, trajectory())
    with safe_open(path, "np") as file:
        about = json.loads(file.metadata()[KEY])
    about["sampling"]["dream"] = 1
    save_file({"x_t.5": picture()}, path, {KEY: json.dumps(about | {"moments": about["moments"][:1]})})
    with pytest.raises(UserError, match="Another version of PaintDiff wrote this: dream is not known here"):
        read_trajectory(path)


@pytest.mark.parametrize(
    "harm",
    [
        lambda about, tensors: about.update(version=2),
        lambda about, tensors: about.update(times=["soon"]),
        lambda about, tensors: about.update(times=[float("nan")] * 3),
        lambda about, tensors: about.update(start=2),
        lambda about, tensors: about.update(frame={"x": 1}),
        lambda about, tensors: about.update(model=3),
        lambda about, tensors: about["sampling"].update(steps=-1),
        lambda about, tensors: about["sampling"].update(unknown=1),
        lambda about, tensors: about["moments"][1].update(step=99),
        lambda about, tensors: about["moments"][1].update(x0_t=None),
        lambda about, tensors: about.update(moments=[]),
        lambda about, tensors: tensors.pop("x_t.6"),
        lambda about, tensors: tensors.pop("x0.6"),
        lambda about, tensors: tensors.update({"x_t.6": np.zeros((1, 3, 4, 5), np.float32)}),
        lambda about, tensors: tensors.update({"x0.6": np.full((1, 3, 4, 4), np.nan, np.float32)}),
        lambda about, tensors: tensors.update({"x0.6": np.zeros((1, 3, 4, 4), np.float64)}),
    ],
)
def test_a_damaged_file_gets_a_clear_sentence(tmp_path, harm) -> None:
    path = tmp_path / "run.safetensors"
    write_trajectory(path, trajectory())
    with safe_open(path, "np") as file:
        about = json.loads(file.metadata()[KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    harm(about, tensors)
    save_file(tensors, path, {KEY: json.dumps(about)})
    with pytest.raises(UserError):
        read_trajectory(path)
