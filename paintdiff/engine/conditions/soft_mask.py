"""The change map as time: which pixels of a picture are kept at which time, and which are under way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from paintdiff.engine.conditions.observation import Mask

TOLERANCE = 1e-6  # times and strengths are computed in float64, the strength map is stored in float32


class SoftMask:
    """A pixel of strength m is active from time t = m on, and kept at `original` until then.

    Differential Diffusion (Levin and Fried 2023, section 3): grey is time. `original` is (1, C, h, w), `strength`
    (1, 1, h, w) in [0, 1]; strength 0 is never active.
    """

    def __init__(self, original: Tensor, strength: Tensor) -> None:
        self.original = original
        self._strength = torch.where(strength > 0, strength, -1)  # what is never repainted joins at no time
        self.soft = bool(((strength > 0) & (strength < strength.max())).any())
        self._latest: tuple[float, Tensor] | None = None

    def active(self, t: float) -> Tensor:
        """(1, 1, h, w), 1 where pixels are repainted at time t and 0 elsewhere.

        Numbers and not booleans, since `lerp` with 0 and 1 is as exact as `where` and several times faster.
        """
        if self._latest is None or self._latest[0] != t:  # every hook of a step asks for the same time
            self._latest = t, (self._strength >= t - TOLERANCE).to(self.original.dtype)
        return self._latest[1]

    def known(self, t: float) -> tuple[Mask, Any]:
        """What is known of the picture at time t: the pixels that are not active."""
        return Mask(1 - self.active(t)), self.original
