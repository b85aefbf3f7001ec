"""What a stroke does to the pixels that it covers: lay colour, take paint away, mark the change map or clear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np


class Ink(Protocol):
    """Changes pixels in proportion to a stroke's coverage; pixels with coverage 0 stay byte-equal."""

    channels: ClassVar[int]

    def applied(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        """`base` ((h, w, 4) or (h, w) uint8) under `coverage` ((h, w) uint8, 255 = whole), as a new array."""
        ...


@dataclass(frozen=True)
class Colour:
    """Lays `rgb` over the layer by source-over on straight alpha."""

    rgb: tuple[int, int, int]
    channels: ClassVar[int] = 4

    def applied(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        below = base[..., 3]
        if below.min(initial=255) == 255:
            return self._over_opaque(base, coverage)
        cov = coverage.astype(np.float32) / 255
        rest = below.astype(np.float32) / 255 * (1 - cov)
        alpha = cov + rest
        out = np.empty_like(base)
        share = cov / np.maximum(alpha, 1e-6)
        for c in range(3):
            channel = base[..., c].astype(np.float32)
            out[..., c] = channel + (self.rgb[c] - channel) * share + 0.5
        out[..., 3] = alpha * 255 + 0.5
        np.copyto(out, base, where=(coverage == 0)[..., None])
        return out

    def _over_opaque(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        out = np.empty_like(base)
        cov = coverage.astype(np.uint16)
        rest = 255 - cov
        for c in range(3):
            out[..., c] = _over_255(base[..., c] * rest + cov * np.uint16(self.rgb[c]))
        out[..., 3] = 255
        return out


@dataclass(frozen=True)
class Erase:
    """Takes the layer's paint away; a pixel that has lost all of it is zero in every channel."""

    channels: ClassVar[int] = 4

    def applied(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        out = base.copy()
        alpha = _over_255(base[..., 3] * (255 - coverage.astype(np.uint16))).astype(np.uint8)
        out[..., 3] = alpha
        out[(alpha == 0) & (coverage > 0)] = 0
        return out


@dataclass(frozen=True)
class MarkMask:
    """Raises the change map to the stroke's coverage; what is higher already stays."""

    channels: ClassVar[int] = 1

    def applied(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        return np.maximum(base, coverage)


@dataclass(frozen=True)
class ClearMask:
    """Lowers the change map towards 0 by the stroke's coverage."""

    channels: ClassVar[int] = 1

    def applied(self, base: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        return _over_255(base * (255 - coverage.astype(np.uint16))).astype(np.uint8)


def _over_255(product: np.ndarray) -> np.ndarray:
    """`product` (uint16, at most 255 × 255) over 255, rounded to nearest, without a division."""
    product += 128
    return (product + (product >> 8)) >> 8
