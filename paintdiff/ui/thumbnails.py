"""Small pictures of large ones, over a chequer where they are transparent."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtGui import QPixmap

from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import TILE, Tiles, keys_in, tile_rect
from paintdiff.ui.qimage import to_qimage

CHECK = 6
DETAIL = 3  # thumbnails are averaged from this many samples each way, or looked at from that many screen pixels


def thumbnail(rgba: np.ndarray, side: int) -> QPixmap:
    """`rgba` ((h, w, 4) uint8 straight alpha) as a picture whose longer side is `side` widget units, crisp at 2x."""
    height, width = rgba.shape[:2]
    fine = shrunk(rgba, max(1, max(width, height) // (side * 2)))
    pixmap = QPixmap.fromImage(to_qimage(over(_chequer(fine.shape[0], fine.shape[1]), fine)))
    pixmap.setDevicePixelRatio(max(fine.shape[:2]) / side)
    return pixmap


def layer_thumbnail(tiles: Tiles, canvas: Rect, side: int) -> QPixmap:
    """A layer inside `canvas`, looked at sparsely, so that its cost hangs on its tiles and not on its pixels."""
    step = max(1, math.ceil(max(canvas.w, canvas.h) / (side * 2 * DETAIL)))
    step = 1 << (step.bit_length() - 1)  # a divisor of the tile's side keeps the samples on one grid
    return thumbnail(_sampled(tiles, canvas, step), side)


def _sampled(tiles: Tiles, canvas: Rect, step: int) -> np.ndarray:
    """Every `step`-th pixel of the tiles that `canvas` touches, cut to it."""
    left, top = canvas.x // step, canvas.y // step
    width, height = max(1, canvas.w // step), max(1, canvas.h // step)
    whole = Rect(left, top, width, height)
    out = np.zeros((height, width, tiles.channels), np.uint8)
    step = min(step, TILE)
    for key in keys_in(canvas):
        tile = tiles.data.get(key)
        if tile is not None:
            where = tile_rect(key)
            small = Rect(where.x // step, where.y // step, TILE // step, TILE // step)
            part = small.intersected(whole)
            if not part.empty:
                out[part.slices_in(whole)] = tile[::step, ::step][part.slices_in(small)]
    return out


def shrunk(rgba: np.ndarray, factor: int) -> np.ndarray:
    """`rgba` averaged over `factor` × `factor` pixels; colours count by their alpha."""
    if factor <= 1:
        return rgba
    height, width = (max(1, side // factor) for side in rgba.shape[:2])
    rows, columns = min(rgba.shape[0], height * factor), min(rgba.shape[1], width * factor)
    blocks = rgba[:rows, :columns].astype(np.float32)
    blocks = blocks.reshape(height, rows // height, width, columns // width, 4)
    alpha = blocks[..., 3:]
    weight = np.maximum(alpha.sum(axis=(1, 3)), 1)
    colour = (blocks[..., :3] * alpha).sum(axis=(1, 3)) / weight
    return np.concatenate([colour, alpha.mean(axis=(1, 3))], axis=2).astype(np.uint8)


def _chequer(height: int, width: int) -> np.ndarray:
    rows, columns = np.indices((height, width)) // CHECK
    shade = np.where((rows + columns) % 2, 200, 230).astype(np.uint8)
    return np.dstack([shade, shade, shade, np.full_like(shade, 255)])
