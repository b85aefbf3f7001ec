"""Request and recipe: plain data that fully says what to generate, and the part of it that is stored with a result."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, replace
from typing import Any

import numpy as np

from paintdiff.generation.add_ons import AddOns, read_add_ons
from paintdiff.generation.code import Code
from paintdiff.generation.controls import check_size
from paintdiff.generation.placing import AUTOMATIC, Placing
from paintdiff.generation.sampling import Sampling, read_settings
from paintdiff.generation.trajectory import Branch, Branched
from paintdiff.image.geometry import Rect

BUNDLED_MODEL = "first-light"
WHITE = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Request:
    """One generation.

    `frame` is in world pixels and may reach past `canvas`. `picture` (h, w, 4) uint8 straight alpha and `change_map`
    (h, w) uint8 cover exactly the frame; outside the canvas the picture is transparent and the map 255. Effective
    strength of a pixel = change_map / 255 × sampling.strength, and 1 outside the canvas. Transparent pixels are shown
    to the model over `matte`. `feather` is how many canvas pixels the blend runs inward from the map's edge. `model` is
    the name of a bundled model or a folder; `device` is "auto", "cpu", "cuda", "mps" or "xpu".

    `windows` are what the model sees one after the other, each within the frame and painted in the light of all before;
    together they hold every pixel that is to change. None means one, the frame itself.
    `hints` (h, w, 4) uint8 straight alpha over the frame, or None, are brushed colours that lead a colorization; only
    their chroma counts. `scale` says how many times the picture was enlarged before detail is added to it.
    `code` is the noise that an edit starts from; without one it is found from the picture.
    `branch` is where in an earlier run of the same frame and model this one begins, instead of at its strength.
    `add_ons` are put on top of the model for this generation, besides those that the prompts name; a recipe has all of
    them, and prompts without tags.
    `placing` says how much of the machine the model may take; it is no part of the recipe.
    """

    mode: str
    frame: Rect
    canvas: Rect
    picture: np.ndarray
    change_map: np.ndarray
    sampling: Sampling = field(default_factory=Sampling)
    model: str = BUNDLED_MODEL
    device: str = "auto"
    feather: int = 8
    matte: tuple[int, int, int] = WHITE
    windows: tuple[Rect, ...] = ()
    hints: np.ndarray | None = None
    scale: int = 1
    branch: Branch | None = None
    code: Code | None = None
    add_ons: AddOns = field(default_factory=AddOns)
    placing: Placing = AUTOMATIC

    def __post_init__(self) -> None:
        if self.picture.shape != (*self.frame.shape, 4) or self.picture.dtype != np.uint8:
            raise ValueError(f"picture must be uint8 {(*self.frame.shape, 4)}, got {self.picture.shape}")
        if self.change_map.shape != self.frame.shape or self.change_map.dtype != np.uint8:
            raise ValueError(f"change_map must be uint8 {self.frame.shape}, got {self.change_map.shape}")
        if self.hints is not None and (self.hints.shape != self.picture.shape or self.hints.dtype != np.uint8):
            raise ValueError(f"hints must be uint8 {self.picture.shape}, got {self.hints.shape}")
        for control in self.add_ons.controls:
            check_size(control, self.frame)
        if self.frame.w % self.scale or self.frame.h % self.scale:
            raise ValueError(f"a frame of {self.frame.w} x {self.frame.h} does not consist of blocks of {self.scale}")
        if self.windows and self._outside_windows.any():
            raise ValueError("the windows leave out pixels that are to change")

    @property
    def _outside_windows(self) -> np.ndarray:
        left = self.change_map > 0
        for window in self.windows:
            left[window.slices_in(self.frame)] = False
        return left

    @property
    def beyond_canvas(self) -> np.ndarray:
        """(h, w) uint8: 255 where the frame reaches past the canvas and nothing is painted yet, 0 elsewhere."""
        beyond = np.where(self.picture[..., 3] == 0, np.uint8(255), np.uint8(0))
        beyond[self.frame.intersected(self.canvas).slices_in(self.frame)] = 0
        return beyond

    def part(self, window: Rect, picture: np.ndarray, change_map: np.ndarray) -> Request:
        """The request for `window` alone, a rectangle within the frame, with the picture and map it has by now."""
        hints = None if self.hints is None else self.hints[window.slices_in(self.frame)]
        return replace(
            self, frame=window, picture=picture, change_map=change_map, windows=(), hints=hints,
            add_ons=self.add_ons.cut(window.slices_in(self.frame)),
        )  # fmt: skip

    def recipe(self, candidate: int = 0) -> Recipe:
        """The recipe of candidate k, whose seed is `sampling.seed + k` (wrapping past the largest seed).

        With `variation` all candidates keep the seed, and `variation_seed` counts instead: variations of one picture.
        """
        settings = asdict(self.sampling)
        counted = "variation_seed" if self.sampling.variation > 0 else "seed"
        settings[counted] = (settings[counted] + candidate) % (2**32)
        settings["candidates"] = 1
        return Recipe(
            mode=self.mode, model=self.model, frame=self.frame, canvas=self.canvas, sampling=Sampling(**settings),
            feather=self.feather, matte=self.matte, picture_sha256=digest(self.picture),
            change_map_sha256=digest(self.change_map), windows=self.windows,
            hints_sha256="" if self.hints is None else digest(self.hints), scale=self.scale,
            branch=self.branch.record if self.branch else None,
            code_sha256="" if self.code is None else digest(self.code.noise), add_ons=self.add_ons.recorded,
        )


@dataclass(frozen=True)
class Recipe:
    """How a result was made: everything but the pixels, which are named by their SHA-256."""

    mode: str
    model: str
    frame: Rect
    canvas: Rect
    sampling: Sampling
    feather: int
    matte: tuple[int, int, int]
    picture_sha256: str
    change_map_sha256: str
    version: int = 1
    windows: tuple[Rect, ...] = ()
    hints_sha256: str = ""
    scale: int = 1
    branch: Branched | None = None
    code_sha256: str = ""
    add_ons: AddOns = field(default_factory=AddOns)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; `from_json` turns it back."""
        return asdict(self) | {"add_ons": self.add_ons.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Recipe:
        """Raises KeyError, TypeError, ValueError or UserError for data that is not a recipe."""
        parts = dict(data)
        parts["frame"], parts["canvas"] = Rect(**parts["frame"]), Rect(**parts["canvas"])
        parts["sampling"], parts["matte"] = read_settings(parts["sampling"]), tuple(parts["matte"])
        parts["windows"] = tuple(Rect(**window) for window in parts.get("windows", ()))
        parts["branch"] = Branched(**parts["branch"]) if parts.get("branch") is not None else None
        parts["add_ons"] = read_add_ons(parts.get("add_ons") or {})
        recipe = cls(**parts)
        texts = [recipe.mode, recipe.model, recipe.picture_sha256, recipe.change_map_sha256, recipe.hints_sha256]
        texts.append(recipe.code_sha256)
        rects = (recipe.frame, recipe.canvas, *recipe.windows)
        numbers = [*(n for rect in rects for n in astuple(rect)), *recipe.matte]
        numbers += [recipe.feather, recipe.version, recipe.scale]
        if recipe.branch is not None:
            texts.append(recipe.branch.trajectory_sha256)
            numbers.append(recipe.branch.step)
        if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
            raise ValueError("a recipe's texts and numbers are not what they should be")
        if len(recipe.matte) != 3 or any(rect.empty for rect in rects) or recipe.feather < 0 or recipe.scale < 1:
            raise ValueError("a recipe's frame, canvas, matte or feather makes no sense")
        return recipe


def digest(pixels: np.ndarray) -> str:
    """SHA-256 of shape and bytes, in hex."""
    import hashlib  # OpenSSL is slow to load, and not needed to open the window

    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
