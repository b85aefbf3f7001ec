"""Trajectories on disk: one safetensors file, from which a run can be taken up again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from paintdiff.generation.add_ons import read_add_ons
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import read_settings
from paintdiff.generation.trajectory import Moment, Trajectory
from paintdiff.image.geometry import Rect

KEY = "paintdiff.trajectory"
VERSION = 1


def write_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write `trajectory`; a file of that name is replaced at once or not at all. Raises `UserError`."""
    moments = trajectory.moments
    about = {
        "version": VERSION, "model": trajectory.model, "frame": asdict(trajectory.frame),
        "sampling": asdict(trajectory.sampling), "start": trajectory.start, "times": moments[0].times,
        "add_ons": trajectory.add_ons.to_json(),
        "moments": [{"step": moment.step, "t": moment.t, "x0_t": moment.x0_t} for moment in moments],
    }  # fmt: skip
    tensors: dict[str, np.ndarray] = {}
    for moment in moments:
        for name in ("x_t", "x0", "preview"):
            array = getattr(moment, name)
            if array is not None:
                tensors[f"{name}.{moment.step}"] = np.ascontiguousarray(array)
    fresh = path.with_name(f"{path.name}.part")
    try:
        save_file(tensors, fresh, {KEY: json.dumps(about)})
        fresh.replace(path)
    except (OSError, SafetensorError) as error:
        fresh.unlink(missing_ok=True)
        raise UserError(f"The run's steps cannot be written to {path}: {error}.") from error


def read_trajectory(path: Path) -> Trajectory:
    """The trajectory in a file of `write_trajectory`. Raises `UserError` for any other or a damaged file."""
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {})[KEY])
            if about["version"] != VERSION:
                raise UserError(f"{path} was written by another version of PaintDiff and cannot be read by this one.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dictionary)
        return _trajectory(about, tensors)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} does not hold the steps of a run, or is damaged.") from error


def _trajectory(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> Trajectory:
    """Raises LookupError, TypeError, ValueError or UserError for parts that do not fit together."""
    times = tuple(_time(t) for t in about["times"])
    first, shape = about["moments"][0]["step"], tensors[f"x_t.{about['moments'][0]['step']}"].shape
    moments: list[Moment] = []
    for part in about["moments"]:
        step, x0_t = part["step"], part["x0_t"]
        if type(step) is not int or not first <= step <= first + len(times):
            raise ValueError(f"step {step!r}")
        x_t, x0 = tensors[f"x_t.{step}"], tensors.get(f"x0.{step}")
        for x in (x_t, x0):
            if x is not None and (x.shape != shape or x.dtype != np.float32 or not np.isfinite(x).all()):
                raise ValueError(f"the arrays of step {step}")
        if (x0 is None) != (x0_t is None):
            raise ValueError(f"the estimate of step {step}")
        moments.append(
            Moment(
                step, _time(part["t"]), times[step - first :], x_t, x0, None if x0_t is None else _time(x0_t),
                tensors.get(f"preview.{step}"),
            )
        )  # fmt: skip
    if type(about["model"]) is not str:
        raise TypeError("model")
    sampling = read_settings(about["sampling"])
    add_ons = read_add_ons(about.get("add_ons") or {})  # earlier files do not say
    return Trajectory(about["model"], Rect(**about["frame"]), sampling, _time(about["start"]), tuple(moments), add_ons)


def _time(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"time {value!r}")
    return float(value)
