"""What the modes do differently: how the model sees a frame, what is known of it, and what becomes of the answer."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from torch import Tensor

from paintdiff.engine.conditions.observation import Observation
from paintdiff.engine.denoiser import Network
from paintdiff.engine.tasks.colorize import Colorize
from paintdiff.engine.tasks.detail import with_detail
from paintdiff.engine.tasks.finish import Shown, make_patch
from paintdiff.engine.tasks.pixelwise import Pixelwise
from paintdiff.engine.tasks.tiling import Tiled
from paintdiff.engine.tasks.tone import in_tone
from paintdiff.engine.tasks.upscale import Enlarge, Upscale
from paintdiff.engine.tasks.view import View
from paintdiff.generation.modes import EDIT
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import MATCH, TILES
from paintdiff.image.blending import over_matte

LARGEST_CELL = 4  # pixels to a side that the model draws for each that it painted


class Task(Protocol):
    """One part of a request, as its mode treats it; `shown` says where in the model's picture, (H, W, 3), it lies."""

    @property
    def shown(self) -> Shown: ...

    @property
    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8: what the model starts from and keeps."""
        ...

    def map(self, change_map: np.ndarray) -> np.ndarray:
        """(h, w) uint8 over the part -> (H, W) uint8."""
        ...

    def known(self, pixels: Tensor) -> tuple[Observation, Any] | None:
        """What is known of the result besides the kept pixels, from `picture` as (1, 3, H, W) in [-1, 1]."""
        ...

    @property
    def place(self) -> np.ndarray | None:
        """(H, W) bool: where a picture that the model looks at is laid; None where it looks at none."""
        ...

    @property
    def hole(self) -> np.ndarray | None:
        """(H, W) bool: what a model may guess from the rest of the picture; None where it looks at no guess."""
        ...

    @property
    def grey(self) -> np.ndarray | None:
        """(H, W) float32 levels of luma that stay, among which the model looks for what is named; None: for nothing."""
        ...

    @property
    def rounds(self) -> int:
        """How often the network's x0 is fitted to what is known, in each step; see `MomentMatching`."""
        ...

    def network(self, network: Network, cells: int) -> Network:
        """The model's network, which works on squares of `cells` of its space, made fit for pictures of that size."""
        ...

    def patch(self, square: np.ndarray) -> np.ndarray:
        """(H, W, 3) float32 in 0..255 -> (h, w, 4) uint8 straight alpha over the part; 0 where the map is 0."""
        ...


def make_task(part: Request, size: int, enlarge: Enlarge | None = None) -> Task:
    """The task of the request's mode; `size` is the side of the model's pictures, which it may know to `enlarge`."""
    if part.mode == "colorize":
        return Colorize(part, size)
    if part.mode == "upscale":
        return Upscale(part, size, enlarge)
    return Fill(part, size, enlarge)


class Fill:
    """Repaint what the map covers: the frame is scaled to the model's size and back.

    On the way back a model that can `enlarge` draws what it painted twice as large, and again, until it is as large as
    the frame. A larger frame that is asked for pixel for pixel is painted in overlapping tiles, which share noise and
    steps.
    """

    grey = None
    rounds = 0

    def __init__(self, part: Request, size: int, enlarge: Enlarge | None = None) -> None:
        self._part = part
        self._enlarge = enlarge
        self._tiled = part.sampling.large == TILES and max(part.frame.shape) > size
        kind: type[View] | type[Pixelwise] = Pixelwise if self._tiled else View
        self.shown: View | Pixelwise = kind(part.frame.h, part.frame.w, size)

    @property
    def picture(self) -> np.ndarray:
        return self.shown.picture(over_matte(self._part.picture, self._part.matte))

    def map(self, change_map: np.ndarray) -> np.ndarray:
        return self.shown.map(change_map)

    @property
    def place(self) -> np.ndarray | None:
        part = self._part
        if self._tiled or part.sampling.layout != "off":
            return None  # a tile would see a part of what is looked at; shapes that are kept would be fought
        # where something stays to be seen, that says where things lie, and another picture would fight it
        least = 1 if part.mode == EDIT else 255
        place = np.zeros((self.shown.size, self.shown.size), bool)
        self.shown.inner(place)[...] = self.shown.inner(self.shown.map(self._cover)) >= least
        return place

    @property
    def hole(self) -> np.ndarray | None:
        if self.place is None or self._part.mode == EDIT:
            return None
        return self.shown.map(self._cover) > 0

    def known(self, pixels: Tensor) -> None:
        return None

    def network(self, network: Network, cells: int) -> Network:
        return Tiled(network, cells) if self._tiled else network

    def patch(self, square: np.ndarray) -> np.ndarray:
        if self._part.sampling.tone == MATCH:
            kept = self.map(self._part.change_map) == 0
            square = in_tone(np.where(kept[..., None], self.picture, square), kept, self._anew)
        patch = make_patch(*self._enlarged(square), self._part)
        if self._part.mode == EDIT:
            before = self.shown.back(self.picture.astype(np.float32))
            picture = over_matte(self._part.picture, self._part.matte)
            cell = self.shown.height / self.shown.inner_height
            patch[..., :3] = with_detail(patch[..., :3], before, picture, cell)
            patch[patch[..., 3] == 0] = 0
        return patch

    def _enlarged(self, square: np.ndarray) -> tuple[np.ndarray, View | Pixelwise]:
        """What was painted, nearly as large as the frame where the model can draw it so, and how that is shown."""
        shown = self.shown
        if self._enlarge is None or isinstance(shown, Pixelwise) or self._part.mode == EDIT:
            return square, shown
        picture = over_matte(self._part.picture, self._part.matte)
        while max(shown.height, shown.width) > shown.size and shown.cell < LARGEST_CELL:
            shown = shown.doubled()
            square = self._enlarge(square, shown.picture(picture), shown.map(self._part.change_map) > 0)
        return square, shown

    @property
    def _anew(self) -> np.ndarray:
        """(size, size) bool: what is painted from pure noise."""
        part = self._part
        # an edit starts from the picture's own noise
        return self.map(part.beyond_canvas if part.mode == EDIT else self._cover) == 255

    @property
    def _cover(self) -> np.ndarray:
        """(h, w) uint8: the change map of what does not stay to be seen."""
        part = self._part
        return part.change_map if part.mode == EDIT or part.sampling.strength == 1 else part.beyond_canvas
