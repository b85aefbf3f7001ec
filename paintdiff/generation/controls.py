"""What else a generation is shown: pictures that lead its shapes (ControlNet), and one that works like a prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from paintdiff.generation.errors import UserError
from paintdiff.image.geometry import Rect

FRAME, LAYER, FILE = "frame", "layer:", "file:"  # where a picture comes from; the last two are followed by a name
MOST_WEIGHT = 2.0


@dataclass(frozen=True)
class ControlKind:
    """What a ControlNet reads. `given`: its picture cannot be made from another one here; the painter brings it."""

    label: str
    help: str
    given: bool = False


CANNY, LINEART, SCRIBBLE, DEPTH, TILE, INPAINT, OTHER = (
    "canny", "lineart", "scribble", "depth", "tile", "inpaint", "other",
)  # fmt: skip
KINDS = {
    CANNY: ControlKind("Edges (canny)", "Thin edges of the picture."),
    LINEART: ControlKind("Line art", "Lines of the picture, as strong as they are."),
    SCRIBBLE: ControlKind("Scribble", "Strokes of a layer, or the rough lines of a picture."),
    TILE: ControlKind("Tile", "Blurred colours, to which detail is added."),
    INPAINT: ControlKind("Inpaint", "The picture without what the mask covers."),
    DEPTH: ControlKind("Depth", "How far away things are, white is near; bring it as a layer or a file.", given=True),
    OTHER: ControlKind("Other", "Any other map (pose, normals), as it is; bring it as a layer or a file.", given=True),
}


def check_number(what: str, value: object, highest: float) -> None:
    """Raise `UserError` unless `value` is a number from 0 to `highest`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and 0 <= value <= highest):  # type: ignore[arg-type, operator]
        raise UserError(f"{what} must be a number from 0 to {highest:g}, not {value!r}.")


def check_source(source: str, *, frame: bool) -> None:
    """Raise `UserError` unless `source` names a layer or a file, or, where `frame` allows it, the frame."""
    named = any(source.startswith(each) and source != each for each in (LAYER, FILE))
    if not named and not (frame and source == FRAME):
        raise UserError(f"{source!r} is no place that a control picture can come from.")


@dataclass(frozen=True)
class Control:
    """A ControlNet (Zhang et al. 2023), what it is shown, and when and how strongly it has a say.

    `network` is a diffusers folder or a .safetensors file. `start` and `until` are shares of the run's way, 0 its first
    step and 1 its end. `source` is FRAME, LAYER + the name of a layer, or FILE + a path; `ready` says that its picture
    is the map itself. `picture` (h, w, 4) uint8 straight alpha covers the request's frame; None is the frame's own
    picture, and what a recipe has, which names it by its SHA-256. Raises `UserError` for values that make no sense.
    """

    network: str
    kind: str
    weight: float = 1.0
    start: float = 0.0
    until: float = 1.0
    source: str = FRAME
    ready: bool = False
    picture: np.ndarray | None = field(default=None, compare=False, repr=False)
    picture_sha256: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"A control of kind {self.kind!r} is not known; choose one of {', '.join(KINDS)}.")
        if not self.network:
            raise UserError(f"Choose the ControlNet that the control {KINDS[self.kind].label} is for.")
        check_number("The weight of a control", self.weight, MOST_WEIGHT)
        check_number("The start of a control", self.start, 1)
        check_number("The end of a control", self.until, 1)
        if self.start > self.until:
            raise UserError(f"A control cannot begin at {self.start:.0%} of the way and end at {self.until:.0%}.")
        check_source(self.source, frame=True)
        if KINDS[self.kind].given and self.source == FRAME:
            raise UserError(
                f"PaintDiff cannot find the {KINDS[self.kind].label.lower()} map of a picture by itself: give it as a "
                "layer or a file."
            )

    @property
    def active(self) -> bool:
        """Whether it has a say at any time."""
        return self.weight > 0 and self.start < self.until

    @property
    def is_map(self) -> bool:
        """Whether its picture is shown to the network as it is."""
        return self.ready or KINDS[self.kind].given

    def cut(self, place: tuple[slice, slice]) -> Control:
        """The control for a part of the frame."""
        return self if self.picture is None else replace(self, picture=self.picture[place])


@dataclass(frozen=True)
class ImagePrompt:
    """A picture that works like a prompt, through an IP-Adapter (Ye et al. 2023).

    `adapter` is a .safetensors file, `encoder` the folder of the CLIP image encoder that it was trained with, "" for
    the one beside it. `source` names a layer or a file; `picture` (h, w, 4) uint8 straight alpha, any size, is None in
    a recipe, which names it by its SHA-256. Raises `UserError` for values that make no sense.
    """

    adapter: str
    source: str
    encoder: str = ""
    weight: float = 0.6
    picture: np.ndarray | None = field(default=None, compare=False, repr=False)
    picture_sha256: str = ""

    def __post_init__(self) -> None:
        if not self.adapter:
            raise UserError("Choose the IP-Adapter that reads the image prompt.")
        check_number("The weight of the image prompt", self.weight, MOST_WEIGHT)
        check_source(self.source, frame=False)


Shown = TypeVar("Shown", Control, ImagePrompt)


def recorded(shown: Shown) -> Shown:
    """As a recipe has it: without the pixels."""
    return shown if shown.picture is None else replace(shown, picture=None)


def to_json(shown: Control | ImagePrompt) -> dict[str, Any]:
    """A JSON-ready dictionary; `Control(**it)` and `ImagePrompt(**it)` turn it back."""
    return {item.name: getattr(shown, item.name) for item in fields(shown) if item.name != "picture"}


def read_control(stored: Mapping[str, Any]) -> Control:
    """Raises `UserError` or TypeError for anything but a control."""
    return Control(**_checked(stored, ("weight", "start", "until"), ("ready",)))


def read_image_prompt(stored: Mapping[str, Any]) -> ImagePrompt:
    """Raises `UserError` or TypeError for anything but an image prompt."""
    return ImagePrompt(**_checked(stored, ("weight",), ()))


def check_size(control: Control, frame: Rect) -> None:
    """Raise ValueError unless the control's picture covers a frame of that size."""
    picture = control.picture
    if picture is not None and (picture.shape != (*frame.shape, 4) or picture.dtype != np.uint8):
        raise ValueError(f"a control's picture must be uint8 {(*frame.shape, 4)}, got {picture.shape}")


def _checked(stored: Mapping[str, Any], numbers: tuple[str, ...], flags: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise TypeError(f"{stored!r} is no control")
    for name, value in stored.items():
        kind = bool if name in flags else (int, float) if name in numbers else str
        if not isinstance(value, kind) or name == "picture":
            raise TypeError(f"{name} of a control cannot be {value!r}")
    return dict(stored)
