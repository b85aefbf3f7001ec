"""Colorization: the grey picture keeps its luma, the model gives the colour, the painter's hints lead it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.colour_basis import Chroma
from paintdiff.engine.denoiser import Network
from paintdiff.engine.finish import patch_alpha
from paintdiff.engine.observation import Both, Luma
from paintdiff.engine.view import View, resampled
from paintdiff.generation.request import Request
from paintdiff.image.blending import over_matte
from paintdiff.image.gamut import chroma, luma, saturation_room, with_luma
from paintdiff.image.guided import guided_upsample

LEAST_HINT = 0.25  # of a cell that hints must cover to count in it


class Colorize:
    """One part of a request to colorize. Luma comes from the picture at its full size and the colour from the model.

    Masked pixels are taken as grey, whatever colour they have. A cell with a colour hint in it is a kept pixel of the
    hint's chroma, so that a model with mask channels is told of it as of any other.
    """

    place = None  # the grey picture says what is there

    def __init__(self, part: Request, size: int) -> None:
        self._part = part
        self.shown = View(part.frame.h, part.frame.w, size)

    @cached_property
    def picture(self) -> np.ndarray:
        part = self._part
        rgb = over_matte(part.picture, part.matte)
        grey = np.rint(luma(rgb)).astype(np.uint8)
        rgb[part.change_map > 0] = grey[part.change_map > 0, None]
        small = self._scaled(rgb)
        hinted, hint = self._hints
        small[hinted] = with_luma(hint, luma(small))[hinted]
        return self._padded(small)

    def map(self, change_map: np.ndarray) -> np.ndarray:
        square = self.shown.map(change_map)
        inner = self.shown.inner(square)
        inner[self._hints[0]] = 0
        return square if inner.any() else np.zeros_like(square)

    def known(self, pixels: Tensor) -> tuple[Both, tuple[Tensor, Tensor]]:
        kept = torch.from_numpy(self.map(self._part.change_map) == 0)[None, None].to(pixels)
        observation = Both(Luma(), Chroma(kept))
        return observation, observation.apply(pixels)

    @property
    def rounds(self) -> int:
        return self._part.sampling.fit

    def network(self, network: Network, cells: int) -> Network:
        return network

    def patch(self, square: np.ndarray) -> np.ndarray:
        part = self._part
        grey = luma(part.picture)
        small = self.shown.inner(square)
        colour = guided_upsample(chroma(small), resampled(grey, *small.shape[:2]), grey)
        if part.hints is not None:
            colour = _led(colour, grey, part.hints, cell=part.frame.h / small.shape[0])
        patch = np.empty((*part.frame.shape, 4), np.uint8)
        patch[..., :3] = with_luma(colour, grey)
        patch[..., 3] = np.minimum(patch_alpha(part), part.picture[..., 3])  # nothing is where no picture was
        patch[patch[..., 3] == 0] = 0
        return patch

    @cached_property
    def _hints(self) -> tuple[np.ndarray, np.ndarray]:
        """(h, w) bool, the cells to change that have a hint, and (h, w, 3) float32, the mean chroma of it."""
        shape = self.shown.inner_height, self.shown.inner_width
        if self._part.hints is None:
            return np.zeros(shape, bool), np.zeros((*shape, 3), np.float32)
        weight = self._part.hints[..., 3].astype(np.float32) / 255 * (self._part.change_map > 0)
        covered = self._scaled(weight)
        weighted = self._scaled(chroma(self._part.hints) * weight[..., None])
        return covered >= LEAST_HINT, weighted / np.maximum(covered, LEAST_HINT)[..., None]

    def _scaled(self, pixels: np.ndarray) -> np.ndarray:
        """The frame's pixels, (h, w, ...), at the model's resolution."""
        height, width = self.shown.inner_height, self.shown.inner_width
        smaller = height <= pixels.shape[0] and width <= pixels.shape[1]
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)

    def _padded(self, small: np.ndarray) -> np.ndarray:
        return View(self.shown.inner_height, self.shown.inner_width, self.shown.size).picture(small)


def _led(colour: np.ndarray, grey: np.ndarray, hints: np.ndarray, cell: float) -> np.ndarray:
    """`colour` (h, w, 3) float32 with the chroma of the hints where they are, carried on a little.

    `cell` is the side of a model's pixel in the picture's: over about that distance the change fades, so that a stroke
    does not show its outline.
    """
    weight = hints[..., 3:].astype(np.float32) / 255
    wanted = chroma(hints)
    wanted *= saturation_room(wanted, grey)[..., None]
    change = (wanted - colour) * weight
    sigma = max(1.0, cell)
    near = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    carried = cv2.GaussianBlur(change, (0, 0), sigma) / np.maximum(near, 1e-3) * np.minimum(1, 2 * near)
    return colour + change + (1 - weight) * carried
