"""Colorization: the grey picture keeps its luma, the model gives the colour, the painter's hints lead it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.conditions.observation import Both, Luma
from paintdiff.engine.denoiser import Network
from paintdiff.engine.tasks.colour_basis import Chroma
from paintdiff.engine.tasks.finish import patch_alpha
from paintdiff.engine.tasks.view import View, resampled
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.image.blending import over_matte
from paintdiff.image.gamut import chroma, luma, saturation_room, with_luma
from paintdiff.image.guided import guided_upsample
from paintdiff.image.spread import spread

LEAST_HINT = 0.25  # of a cell that hints must cover to count in it
TRUST = 0.5  # how much later a cell joins the run where a hint was carried on to it for certain
SPREAD_SIDE = 128  # cells: on more of them hints are carried on at a lower resolution


class Colorize:
    """One part of a request to colorize. Luma comes from the picture at its full size and the colour from the model.

    Masked pixels are taken as grey, whatever colour they have. A cell with a colour hint in it is a kept pixel of the
    hint's chroma, so that a model with mask channels is told of it as of any other. From there the hints are carried on
    to what looks alike, and the run starts from that picture: the surer it is of a cell, the later the cell joins.
    """

    place = hole = None  # the grey picture says what is there, and where

    def __init__(self, part: Request, size: int) -> None:
        """Raises `UserError` where coarse shapes are to be kept as well: those of a grey picture are grey."""
        if part.sampling.layout != "off":
            raise UserError("Colorize and “Keep coarse shapes” contradict each other: set the latter to Off.")
        self._part = part
        self.shown = View(part.frame.h, part.frame.w, size)

    @cached_property
    def picture(self) -> np.ndarray:
        part = self._part
        rgb = over_matte(part.picture, part.matte)
        grey = np.rint(luma(rgb)).astype(np.uint8)
        rgb[part.change_map > 0] = grey[part.change_map > 0, None]
        small = self._scaled(rgb)
        if self._hinted.any():
            to_change = self._scaled(np.where(part.change_map > 0, np.float32(1), np.float32(0))) > 0
            colour, _ = self._spread
            small[to_change] = with_luma(colour, luma(small))[to_change]
        return self._padded(small)

    @property
    def grey(self) -> np.ndarray:
        return luma(self.picture)

    def map(self, change_map: np.ndarray) -> np.ndarray:
        square = self.shown.map(change_map)
        inner = self.shown.inner(square)
        if self._hinted.any():
            _, trust = self._spread
            inner[...] = np.where(inner > 0, np.maximum(inner * (1 - TRUST * trust), 1), 0)
            inner[self._hinted] = 0
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
    def _hinted(self) -> np.ndarray:
        """(h, w) bool: the cells to change that have a hint."""
        return self._mean_hints[..., 3] >= LEAST_HINT

    @cached_property
    def _mean_hints(self) -> np.ndarray:
        """(h, w, 4) float32: the mean chroma of the hints in each cell, and how much of it they cover."""
        part = self._part
        if part.hints is None:
            return np.zeros((self.shown.inner_height, self.shown.inner_width, 4), np.float32)
        weight = (part.hints[..., 3:] / np.float32(255)) * (part.change_map > 0)[..., None]
        mean = self._scaled(np.concatenate([chroma(part.hints) * weight, weight], axis=2))
        mean[..., :3] /= np.maximum(mean[..., 3:], LEAST_HINT)
        return mean

    @cached_property
    def _spread(self) -> tuple[np.ndarray, np.ndarray]:
        """(h, w, 3) float32, the chroma of the hints carried on to what looks alike; (h, w), 1 where that is sure."""
        given = np.concatenate([self._mean_hints[..., :3], np.ones((*self._hinted.shape, 1), np.float32)], axis=2)
        grey = self._scaled(luma(over_matte(self._part.picture, self._part.matte)))
        longest = max(grey.shape)
        if longest <= SPREAD_SIDE:
            carried = spread(given, self._hinted, grey)
        else:
            size = tuple(max(1, round(side * SPREAD_SIDE / longest)) for side in grey.shape[::-1])
            hinted = cv2.resize(self._hinted.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            coarse = cv2.resize(given * self._hinted[..., None], size, interpolation=cv2.INTER_AREA)
            guide = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
            coarse = spread(coarse / np.maximum(hinted, LEAST_HINT)[..., None], hinted >= LEAST_HINT, guide)
            carried = guided_upsample(coarse, guide, grey)
        return carried[..., :3], carried[..., 3].clip(0, 1)

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
    coarse = max(1, int(cell / 2))  # pixels: a wide blur of a large picture would take longer than the run
    size = max(1, grey.shape[1] // coarse), max(1, grey.shape[0] // coarse)
    small = cv2.resize(np.concatenate([change, weight], axis=2), size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(1.0, cell / coarse))
    near = small[..., 3:]
    coarse_change = small[..., :3] / np.maximum(near, 1e-3) * np.minimum(1, 2 * near)
    carried = cv2.resize(coarse_change, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return colour + change + (1 - weight) * carried
