"""Paints documents as the window would, for sheets of pictures, and makes what is painted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.document.edits import accept, picture_document
from paintdiff.document.requests import make_request
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.modes import MODES
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles
from paintdiff.training.held_out import HeldOut, rgba
from paintdiff.training.mode_sheet import marked

SIDE = 128  # of most pictures: twice the bundled model's, so that a masked part is seen at about its size
SEEDS = ("seed 1", "seed 2", "seed 3", "seed 4")


@dataclass(frozen=True)
class Studio:
    """Paints documents as the window would, and makes the pictures to paint on."""

    engine: DiffusionEngine
    model: str
    device: str
    held_out: HeldOut
    steps: int = 20

    def painted(self, document: Document, mode: str, scale: int = 2, **sampling: Any) -> tuple[np.ndarray, ...]:
        """Candidates of seed 1 and up, (h, w, 3) uint8, with the mode's own defaults but for `sampling`."""
        size = self.engine.load(self.model, self.device).size
        usual = {"seed": 1, "steps": self.steps, "strength": MODES[mode].strength, **MODES[mode].defaults}
        settings = usual | {"candidates": 4} | sampling
        request = make_request(
            document, mode, Sampling(**settings), model=self.model, device=self.device, size=size, scale=scale
        )
        result = self.engine.generate(request, lambda progress: None, CancelToken())
        return tuple(seen(accept(document, candidate)) for candidate in result.candidates)

    def windows(self, document: Document, mode: str) -> tuple[Rect, ...]:
        size = self.engine.load(self.model, self.device).size
        return make_request(document, mode, Sampling(), size=size).windows


def masked_document(pixels: np.ndarray, mask: np.ndarray) -> Document:
    return replace(picture_document(rgba(pixels)), change_map=Tiles.from_array(mask))


def seen(document: Document) -> np.ndarray:
    return compose(document, document.canvas)[..., :3]


def mask_shown(document: Document) -> np.ndarray:
    return marked(seen(document), document.change_map.read(document.canvas))


def disc(mask: np.ndarray, centre: tuple[int, int], radius: int) -> np.ndarray:
    return cv2.circle(mask.copy(), centre, radius, 255, -1)


def greyed(pixels: np.ndarray) -> np.ndarray:
    """The luma of an opaque picture as one: (h, w, 4) uint8."""
    luma = cv2.cvtColor(pixels[..., :3], cv2.COLOR_RGB2GRAY)
    return np.dstack([luma, luma, luma, pixels[..., 3]])
