"""Shaping of masks: one channel of uint8, 0 outside .. 255 inside."""

from __future__ import annotations

import cv2
import numpy as np

from paintdiff.image.geometry import Rect

_STEP = 8  # a large disc is a sum of discs of this radius, whose cost stays small
_ROWS = 4  # scan lines a pixel along a lasso's edge; across a scan line the coverage is exact


def grow(mask: np.ndarray, radius: int) -> np.ndarray:
    """Every value spread over a disc of `radius` pixels; (h, w) uint8."""
    out = mask
    for part in _steps(radius):
        out = cv2.dilate(out, _disc(part), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return out.copy() if out is mask else out


def shrink(mask: np.ndarray, radius: int) -> np.ndarray:
    """The inside eaten away by a disc of `radius` pixels; the array's own border does not eat. (h, w) uint8."""
    return 255 - grow(255 - mask, radius)


def feather(mask: np.ndarray, radius: int) -> np.ndarray:
    """The edge softened over about `radius` pixels to either side; the array's own border stays. (h, w) uint8."""
    if radius <= 0:
        return mask.copy()
    return cv2.GaussianBlur(mask, (0, 0), radius / 2, borderType=cv2.BORDER_REPLICATE)


def invert(mask: np.ndarray) -> np.ndarray:
    return 255 - mask


def rectangle(rect: Rect, within: Rect) -> np.ndarray:
    """255 inside `rect`, over the pixels of `within`; (h, w) uint8."""
    mask = np.zeros(within.shape, np.uint8)
    mask[rect.intersected(within).slices_in(within)] = 255
    return mask


def lasso(points: np.ndarray, within: Rect) -> np.ndarray:
    """The inside of the closed polygon `points` ((n, 2) world x, y), antialiased, over `within`; (h, w) uint8.

    Loops that overlap themselves stay filled. Fewer than three points enclose nothing.
    """
    if len(points) < 3 or within.empty:
        return np.zeros(within.shape, np.uint8)
    start = np.asarray(points, np.float64) - (within.x, within.y)
    row, x, sign = _crossings(start, np.roll(start, -1, axis=0), within.h * _ROWS)
    x = np.clip(x, 0, within.w)
    column = x.astype(np.int64)
    # A crossing turns the inside on for all that lies to its right: the pixel it cuts by the part beyond the cut.
    width = within.w + 2
    cell = row // _ROWS * width + column
    part = x - column
    change = np.bincount(cell, sign * (1 - part), within.h * width)
    change += np.bincount(cell + 1, sign * part, within.h * width)
    inside = np.abs(np.cumsum(change.reshape(within.h, width)[:, : within.w], axis=1)) / _ROWS
    return np.rint(np.minimum(inside, 1) * 255).astype(np.uint8)


def _crossings(start: np.ndarray, end: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the edges `start` -> `end` ((n, 2) pixels) cross the middles of the `rows` fine rows: (row, x, ±1)."""
    first = np.ceil(start[:, 1] * _ROWS - 0.5).clip(0, rows).astype(np.int64)
    last = np.ceil(end[:, 1] * _ROWS - 0.5).clip(0, rows).astype(np.int64)
    count = np.abs(last - first)
    edge = np.repeat(np.arange(len(start)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + np.minimum(first, last)[edge]
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    x = x0 + ((row + 0.5) / _ROWS - y0) / (y1 - y0) * (x1 - x0)
    return row, x, np.where(last > first, 1.0, -1.0)[edge]


def _steps(radius: int) -> list[int]:
    whole, rest = divmod(max(0, radius), _STEP)
    return [_STEP] * whole + ([rest] if rest else [])


def _disc(radius: int) -> np.ndarray:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * (radius + 1)).astype(np.uint8)
