"""Colours at a given luma: brought into the 8-bit gamut without a change of hue, and rounded so that the luma stays."""

from __future__ import annotations

from itertools import product

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of R, G and B (ITU-R BT.601), what every greyscale conversion here means by grey

_WEIGHTS = np.array(LUMA, np.float32)
_CORNERS = np.array(list(product((0, 1), repeat=3)), np.float32)  # round each channel down or up
_NEAR = np.float32(0.05)  # what one level squared of colour error costs, in levels of luma
_BAND = 1 << 15  # pixels at a time, so that the eight ways to round stay in the cache


def luma(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) of any range -> (...) float32 in the same range, not rounded."""
    return rgb[..., :3].astype(np.float32) @ _WEIGHTS


def chroma(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) -> (..., 3) float32: how far each colour lies from its own grey; the luma of that is 0."""
    return rgb[..., :3].astype(np.float32) - luma(rgb)[..., None]


def saturation_room(chroma: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """(..., 3) and (...) -> (...) float32 in 0..1: how much of the chroma fits into 0..255 at that luma.

    Scaling by one factor moves a colour straight towards its own grey: luma and hue stay. Clamping the channels keeps
    neither.
    """
    grey = luma[..., None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        room = np.where(chroma > 0, (255 - grey) / chroma, np.where(chroma < 0, -grey / chroma, np.inf))
    return np.minimum(room.min(axis=-1), 1).astype(np.float32)


def with_luma(chroma: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """`chroma` (h, w, 3) around the grey `luma` (h, w), both float in levels -> (h, w, 3) uint8.

    Desaturated into the gamut where it must be. Of the eight ways to round a colour the one is taken whose luma is
    nearest, unless another lies clearly nearer to the colour: the luma is off by 0.05 levels in the mean and by less
    than 0.5 anywhere, where rounding each channel by itself would be off by 0.16 in the mean.
    """
    out = np.empty(chroma.shape, np.uint8)
    rows = max(1, _BAND // max(1, chroma.shape[1]))
    for start in range(0, len(chroma), rows):
        band = slice(start, start + rows)
        grey = np.clip(luma[band], 0, 255).astype(np.float32)
        colour = chroma[band].astype(np.float32) * saturation_room(chroma[band], grey)[..., None]
        out[band] = _rounded(colour + grey[..., None], grey)
    return out


def _rounded(colour: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 within 0..255, give or take a rounding error -> uint8 with a luma close to `grey`."""
    low = np.clip(np.floor(colour), 0, 254)
    rest = colour - low
    missing = grey - low @ _WEIGHTS
    least = np.full(grey.shape, np.inf, np.float32)
    best = np.zeros(colour.shape, np.float32)
    for corner in _CORNERS:
        cost = np.abs(corner @ _WEIGHTS - missing) + _NEAR * np.square(corner - rest).sum(axis=-1)
        better = cost < least
        least = np.where(better, cost, least)
        best[better] = corner
    return (low + best).astype(np.uint8)
