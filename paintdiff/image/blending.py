"""Blending of 8-bit straight-alpha pictures: exact where a pixel is fully covered or not covered at all."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from paintdiff.image.geometry import Rect

BAND = 1 << 13  # pixels blended at a time, so that the intermediate arrays stay in the cache


def over(bottom: np.ndarray, top: np.ndarray, opacity: float = 1.0) -> np.ndarray:
    """`top` at `opacity` (0..1) over `bottom`: Porter and Duff 1984, on straight alpha; all (h, w, 4) uint8.

    Exact at the ends: where `top` is transparent the result has the bytes of `bottom`, where it is opaque at opacity 1
    those of `top`.
    """
    out = np.array(bottom, np.uint8, order="C")
    blend_onto(out, top, opacity)
    return out


def blend_onto(bottom: np.ndarray, top: np.ndarray, opacity: float = 1.0) -> None:
    """`over`, written into `bottom` itself."""
    for rows in _bands(bottom):
        _blend_band(bottom[rows], top[rows], opacity)


def _bands(pixels: np.ndarray) -> Iterator[slice]:
    height, width = pixels.shape[:2]
    rows = max(1, BAND // max(1, width))
    return (slice(start, start + rows) for start in range(0, height, rows))


def _blend_band(bottom: np.ndarray, top: np.ndarray, opacity: float) -> None:
    alpha = _scaled(cv2.extractChannel(top, 3), opacity)
    least, most = _range(alpha)
    if most == 0:
        return
    if least == 255:
        bottom[...] = top
        return
    bottom_alpha = cv2.extractChannel(bottom, 3)
    if _range(bottom_alpha)[0] == 255:
        bottom[...] = _mix(bottom, top, alpha)
        bottom[..., 3] = 255
        return
    bottom[...] = _mix_translucent(bottom, bottom_alpha, top, alpha)


def _scaled(alpha: np.ndarray, opacity: float) -> np.ndarray:
    if opacity >= 1.0:
        return alpha
    return cv2.LUT(alpha, np.rint(np.arange(256) * max(0.0, opacity)).astype(np.uint8))


def _range(channel: np.ndarray) -> tuple[int, int]:
    least, most, _, _ = cv2.minMaxLoc(channel)
    return int(least), int(most)


def _mix(bottom: np.ndarray, top: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """round((bottom × (255 - alpha) + top × alpha) / 255) in 16 bits, every channel alike."""
    weight = cv2.merge([alpha] * bottom.shape[2]).astype(np.uint16)
    total = top.astype(np.uint16)
    total *= weight
    np.subtract(255, weight, out=weight)
    weight *= bottom
    total += weight
    total += 128
    np.right_shift(total, 8, out=weight)
    total += weight
    total >>= 8
    return total.astype(np.uint8)


def _mix_translucent(bottom: np.ndarray, bottom_alpha: np.ndarray, top: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The general case: colours weighted by what each picture covers; float32 holds every product exactly."""
    top_weight = alpha.astype(np.float32)
    bottom_weight = (255 - top_weight) * bottom_alpha
    top_weight *= 255
    covered = top_weight + bottom_weight
    share = top_weight / np.maximum(covered, 1)
    mixed = top.astype(np.float32)
    mixed -= bottom
    mixed *= cv2.merge([share] * 4)
    mixed += bottom
    mixed[..., 3] = covered * np.float32(1 / 255)
    mixed += 0.5
    return mixed.astype(np.uint8)


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    """Straight to premultiplied alpha, rounded; (h, w, 4) uint8 both."""
    out = rgba.copy()
    for rows in _bands(rgba):
        alpha = cv2.extractChannel(rgba[rows], 3)
        if _range(alpha)[0] < 255:
            out[rows] = _mix(np.zeros_like(out[rows]), rgba[rows], alpha)
            out[rows, :, 3] = alpha
    return out


def over_matte(rgba: np.ndarray, matte: tuple[int, int, int]) -> np.ndarray:
    """What a picture with alpha looks like over one colour: (h, w, 4) uint8 -> (h, w, 3) uint8."""
    ground = np.empty_like(rgba)
    ground[...] = (*matte, 255)
    blend_onto(ground, rgba)
    return np.ascontiguousarray(ground[..., :3])


def feather_alpha(
    change_map: np.ndarray, frame: Rect, canvas: Rect, feather: int, beyond: np.ndarray | None = None
) -> np.ndarray:
    """How much of a generated frame is pasted back, (h, w) uint8 like `change_map`, which covers `frame`.

    0 where the map is 0. Elsewhere 255, less a smooth ramp of `feather` pixels that runs inward from the nearest kept
    pixel, so that nothing outside the map is ever touched; 0 means a hard edge. Just outside the frame the canvas
    counts as kept; beyond the canvas nothing lies beneath to blend with, and alpha is 255, but where `beyond`, (h, w)
    uint8, is 0: something was painted there before. Where the map is thinner than the ramp is wide the ramp is shorter,
    so that its middle still shows.
    """
    changed = change_map > 0
    alpha = np.where(changed, np.uint8(255), np.uint8(0))
    if feather <= 0:
        return alpha
    ring = frame.inflated(1)
    free = np.ones(ring.shape, np.uint8)
    free[ring.intersected(canvas).slices_in(ring)] = 0
    free[frame.slices_in(ring)] = changed
    if free.all() or not changed.any():
        return alpha
    distance = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[frame.slices_in(ring)]
    thickness = cv2.dilate(distance, np.ones((4 * feather + 1,) * 2, np.uint8))  # half of the map's, nearby
    width = np.minimum(feather, thickness / 2)
    ramp = np.clip(distance / (width + 1), 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    blended = np.where(changed, np.maximum(1, np.rint(smooth * 255)), 0).astype(np.uint8)
    if beyond is not None:
        return np.where(beyond > 0, alpha, blended)
    inside = frame.intersected(canvas).slices_in(frame)
    alpha[inside] = blended[inside]
    return alpha
