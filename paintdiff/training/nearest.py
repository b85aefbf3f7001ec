"""Which training picture a painted thing is nearest to, whatever its ground, place, size and side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 32
_CANVAS = 128.0  # grey around a thing
_STANDS_OUT = 30  # levels of difference to the ground


@dataclass(frozen=True, eq=False)
class Nearest:
    """Finds the nearest of some sprites. `features` (N, 32 · 32 · 3) float32."""

    features: np.ndarray

    def find(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, F) -> the numbers of the nearest, (M,), and the root mean square differences in levels, (M,).

        Each is compared as it is and mirrored.
        """
        found = np.zeros(len(wanted), int)
        best = np.full(len(wanted), np.inf)
        for turned in (wanted, mirrored(wanted)):
            squares = (turned**2).sum(1)[:, None] + (self.features**2).sum(1) - 2 * turned @ self.features.T
            nearest = squares.argmin(1)
            values = squares[np.arange(len(wanted)), nearest]
            found = np.where(values < best, nearest, found)
            best = np.minimum(best, values)
        return found, np.sqrt(np.maximum(best, 0) / wanted.shape[1])


def of_sprites(sprites: Sequence[np.ndarray]) -> np.ndarray:
    """(N, F) float32 features of (s, s, 4) uint8 premultiplied pictures."""
    floats = (sprite.astype(np.float32) for sprite in sprites)
    return np.stack([_feature(sprite[..., :3], sprite[..., 3] / 255) for sprite in floats])


def of_painted(picture: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """(F,) float32: what stands out from the (S, S, 3) uint8 ground in the picture of the same size."""
    away = np.abs(picture.astype(np.int16) - ground).max(-1)
    stands_out = cv2.medianBlur((away > _STANDS_OUT).astype(np.uint8), 3)
    cover = stands_out.astype(np.float32)
    return _feature(picture.astype(np.float32) * cover[..., None], cover)


def mirrored(features: np.ndarray) -> np.ndarray:
    return features.reshape(-1, SIDE, SIDE, 3)[:, :, ::-1].reshape(len(features), -1)


def _feature(premultiplied: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """The thing's outline made to fill the square's longer side, on grey."""
    ys, xs = np.nonzero(cover > 0.1)
    canvas = np.full((SIDE, SIDE, 3), _CANVAS, np.float32)
    if len(ys) == 0:
        return canvas.reshape(-1)
    box = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    cut = np.dstack([premultiplied[box], cover[box]])
    scale = SIDE / max(cut.shape[:2])
    width, height = (max(1, round(cut.shape[axis] * scale)) for axis in (1, 0))
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    shown = canvas[top : top + height, left : left + width]
    shown[...] = small[..., :3] + shown * (1 - small[..., 3:])
    return canvas.reshape(-1)
