"""Codes on disk: one safetensors file with the noise, the picture and all that decoding needs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from paintdiff.generation.code import Code
from paintdiff.generation.errors import UserError
from paintdiff.generation.sampling import Sampling, read_settings
from paintdiff.image.geometry import Rect

KEY = "paintdiff.code"
VERSION = 1


@dataclass(frozen=True, eq=False)
class CodedPicture:
    """A code, and the picture that it is of: (h, w, 4) uint8 straight alpha, the whole canvas at its full size.

    `change_map` (h, w) uint8 is what was encoded given the rest, in the same pixels; None: all of it. `frame` is what
    the model saw of the canvas, and `sampling` says how it got from there to the code.
    """

    code: Code
    picture: np.ndarray
    change_map: np.ndarray | None
    frame: Rect
    sampling: Sampling


def write_code(path: Path, coded: CodedPicture) -> None:
    """Write `coded`; a file of that name is replaced at once or not at all. Raises `UserError`."""
    code = coded.code
    about = {
        "version": VERSION, "model": code.model, "source": code.source, "round_trip": code.round_trip,
        "evaluations": code.evaluations, "frame": asdict(coded.frame), "sampling": asdict(coded.sampling),
    }  # fmt: skip
    arrays = {"noise": np.ascontiguousarray(code.noise), "picture": np.ascontiguousarray(coded.picture)}
    if coded.change_map is not None:
        arrays["change_map"] = np.ascontiguousarray(coded.change_map)
    fresh = path.with_name(f"{path.name}.part")
    try:
        save_file(arrays, fresh, {KEY: json.dumps(about)})
        fresh.replace(path)
    except (OSError, SafetensorError) as error:
        fresh.unlink(missing_ok=True)
        raise UserError(f"The code cannot be written to {path}: {error}.") from error


def read_code(path: Path) -> CodedPicture:
    """What `write_code` wrote. Raises `UserError` for any other or a damaged file."""
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {})[KEY])
            if about["version"] != VERSION:
                raise UserError(f"{path} was written by another version of PaintDiff and cannot be read by this one.")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dictionary)
        return _coded(about, arrays)
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} does not hold the code of a picture, or is damaged.") from error


def _coded(about: dict[str, Any], arrays: dict[str, np.ndarray]) -> CodedPicture:
    """Raises LookupError, TypeError, ValueError or UserError for parts that do not fit together."""
    if not isinstance(about["model"], str) or not isinstance(about["source"], str):
        raise TypeError("model and source are texts")
    code = Code(
        arrays["noise"], about["model"], about["source"], float(about["round_trip"]), int(about["evaluations"])
    )
    picture, change_map, frame = arrays["picture"], arrays.get("change_map"), Rect(**about["frame"])
    if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(f"a picture of {picture.shape}")
    if change_map is not None and (change_map.shape != picture.shape[:2] or change_map.dtype != np.uint8):
        raise ValueError(f"a change map of {change_map.shape}")
    height, width = picture.shape[:2]
    if frame.empty or not Rect(0, 0, width, height).contains(frame):
        raise ValueError(f"a frame at {frame}")
    return CodedPicture(code, picture, change_map, frame, read_settings(about["sampling"]))
