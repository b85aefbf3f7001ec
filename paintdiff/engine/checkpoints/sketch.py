"""A quick look at latents, where decoding each of them would take longer than making them did."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

SHADES = np.array([0, 85, 170, 255], np.float32)
PATCH = 2  # cells a side of one colour on the chart


class Sketch:
    """The linear map from a cell's latents to its mean colour that fits one decoded picture best.

    `latents` (1, C, h, w) and `picture`, what they decode to, (size, size, 3) float32 in 0..255.
    """

    def __init__(self, latents: Tensor, picture: np.ndarray) -> None:
        height, width = latents.shape[2:]
        self._factor = picture.shape[0] // height
        colours = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        self._map = np.linalg.lstsq(_cells(latents), colours, rcond=1e-3)[0]

    def __call__(self, latents: Tensor) -> np.ndarray:
        """Other latents (1, C, h, w) -> (H, W, 3) float32 in 0..255, as `Space.decode`."""
        height, width = latents.shape[2:]
        colours = (_cells(latents) @ self._map).clip(0, 255).reshape(height, width, 3)
        size = width * self._factor, height * self._factor
        return cv2.resize(colours.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def sketch_of(encode: Callable[[Tensor], Tensor], factor: int, device: torch.device) -> Sketch:
    """A sketch for any picture, before one was decoded: fitted to how a chart of colours is encoded.

    `encode` takes (1, 3, H, W) in [-1, 1] on `device`; a latent stands for a square of `factor` pixels.
    """
    chart = colour_chart(PATCH * factor)
    pixels = torch.from_numpy(chart / np.float32(127.5) - 1).permute(2, 0, 1)[None].contiguous()
    return Sketch(encode(pixels.to(device)), chart)


def colour_chart(side: int) -> np.ndarray:
    """(8 side, 8 side, 3) float32 in 0..255: 64 colours, four shades of each channel, as squares of `side` pixels."""
    colours = np.stack(np.meshgrid(SHADES, SHADES, SHADES, indexing="ij"), axis=-1).reshape(8, 8, 3)
    return colours.repeat(side, axis=0).repeat(side, axis=1)


def _cells(latents: Tensor) -> np.ndarray:
    """(1, C, h, w) -> (h w, C + 1): each cell's latents, and 1."""
    cells = latents[0].flatten(1).T.float().cpu().numpy()
    return np.concatenate([cells, np.ones((len(cells), 1), np.float32)], axis=1)
