"""Enlarging by a whole factor so that nothing is invented or lost: shrunk again, the picture is what it was."""

from __future__ import annotations

import cv2
import numpy as np

_BAND = 1 << 16  # source pixels at a time: the intermediate floats of a large picture would take gigabytes
_MARGIN = 3  # source rows beyond a band that its cubic interpolation reads
_FINE = 1024  # parts of a level
_FLAT = np.float32(1e-3)  # levels: less contrast than this is a rounding error


def enlarge(pixels: np.ndarray, scale: int) -> np.ndarray:
    """(h, w), (h, w, 3) or (h, w, 4) uint8 -> (scale h, scale w, ...) uint8: bicubic, each block keeping its mean.

    The mean of each block of `scale` × `scale` pixels is exactly the pixel that it came from. With four channels
    (straight alpha) colours are weighted by alpha, so that none bleeds out of transparent pixels; a mean colour is then
    exact where the pixel was opaque, and near elsewhere.
    """
    if scale == 1:
        return pixels.copy()
    if pixels.ndim == 3 and pixels.shape[2] == 4 and pixels[..., 3].min() == 255:
        opaque = np.full((pixels.shape[0] * scale, pixels.shape[1] * scale, 4), 255, np.uint8)
        opaque[..., :3] = enlarge(pixels[..., :3], scale)
        return opaque
    height, width = pixels.shape[:2]
    out = np.empty((height * scale, width * scale, *pixels.shape[2:]), np.uint8)
    rows = max(1, _BAND // max(1, width))
    for start in range(0, height, rows):
        stop = min(height, start + rows)
        first, last = max(0, start - _MARGIN), min(height, stop + _MARGIN)
        inner = slice((start - first) * scale, (stop - first) * scale)
        out[start * scale : stop * scale] = _enlarged(pixels[first:last], scale, inner, pixels[start:stop])
    return out


def block_sums(pixels: np.ndarray, scale: int) -> np.ndarray:
    """(scale h, scale w, ...) uint8 -> (h, w, ...) int32: the sum over each block of `scale` × `scale` pixels."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    blocks = pixels.reshape(height, scale, width, scale, *pixels.shape[2:])
    return blocks.sum(axis=(1, 3), dtype=np.int32)


def with_block_sums(values: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """`values` (scale h, scale w, ...) float32 in levels -> uint8 with exactly the block sums `sums` (h, w, ...) int32.

    Each sum lies within 0 and 255 scale². The blocks are shifted to their means, and their contrast is lowered where it
    would leave 0..255. Every value is off by less than a level otherwise.
    """
    scale = len(values) // len(sums)
    blocks = _blocks(values.astype(np.float32), scale)  # (h, w, ..., scale²)
    count = np.float32(scale * scale)
    mean = (sums / count)[..., None].astype(np.float32)
    detail = blocks - blocks.mean(axis=-1, keepdims=True)
    above = (255 - mean) / np.maximum(detail.max(axis=-1, keepdims=True), _FLAT)
    below = mean / np.maximum(-detail.min(axis=-1, keepdims=True), _FLAT)
    contrast = np.minimum(np.minimum(above, below), 1)
    fine = np.rint((mean + detail * contrast) * _FINE).astype(np.int32)
    # In whole numbers, so that each value is rounded down or up by what the ones before it left over, and none is lost.
    reached = np.cumsum(np.clip(fine, 0, 255 * _FINE), axis=-1, dtype=np.int32)
    whole = (reached + _FINE // 2) // _FINE
    return _unblocked(np.diff(whole, axis=-1, prepend=np.int32(0)).astype(np.uint8), scale)


def _blocks(values: np.ndarray, scale: int) -> np.ndarray:
    """(scale h, scale w, ...) -> (h, w, ..., scale²)."""
    height, width = values.shape[0] // scale, values.shape[1] // scale
    split = values.reshape(height, scale, width, scale, *values.shape[2:])
    split = np.moveaxis(split, (1, 3), (-2, -1))
    return split.reshape(*split.shape[:-2], scale * scale)


def _unblocked(blocks: np.ndarray, scale: int) -> np.ndarray:
    """(h, w, ..., scale²) -> (scale h, scale w, ...)."""
    split = np.moveaxis(blocks.reshape(*blocks.shape[:-1], scale, scale), (-2, -1), (1, 3))
    height, width = blocks.shape[:2]
    return np.ascontiguousarray(split.reshape(height * scale, width * scale, *blocks.shape[2:-1]))


def _enlarged(around: np.ndarray, scale: int, inner: slice, pixels: np.ndarray) -> np.ndarray:
    """`pixels` enlarged, which are the rows `inner` of `around` enlarged."""
    size = around.shape[1] * scale, around.shape[0] * scale
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        alpha = around[..., 3:].astype(np.float32)
        weighted = np.concatenate([around[..., :3] * alpha, alpha], axis=2)
        large = cv2.resize(weighted, size, interpolation=cv2.INTER_CUBIC)[inner]
        covered = with_block_sums(large[..., 3], pixels[..., 3].astype(np.int32) * scale**2)
        return np.dstack([_colours(large, covered, pixels, scale), covered])
    large = cv2.resize(around.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)[inner]
    return with_block_sums(large, pixels.astype(np.int32) * scale**2)


def _colours(large: np.ndarray, covered: np.ndarray, pixels: np.ndarray, scale: int) -> np.ndarray:
    """Colours of `large`, weighted by its alpha, for the alpha `covered`: each block's mean is that of `pixels`."""
    own = pixels[..., :3].astype(np.float32)
    colours = np.where(large[..., 3:] > 1, large[..., :3] / np.maximum(large[..., 3:], 1), repeated(own, scale))
    weight = covered[..., None].astype(np.float32)
    total = np.maximum(_blocks(weight, scale).sum(axis=-1), 1)
    colours += repeated(own - _blocks(colours * weight, scale).sum(axis=-1) / total, scale)
    exact = with_block_sums(colours, pixels[..., :3].astype(np.int32) * scale**2)
    opaque = repeated(pixels[..., 3:] == 255, scale)
    return np.where(opaque, exact, np.rint(colours.clip(0, 255)).astype(np.uint8))


def repeated(pixels: np.ndarray, scale: int) -> np.ndarray:
    """(h, w, ...) -> (scale h, scale w, ...): every pixel as a block of its own."""
    return np.repeat(np.repeat(pixels, scale, axis=0), scale, axis=1)
