"""What a model with mask channels is shown: the mask in cells, and the picture without what is repainted."""

from __future__ import annotations

import torch
from torch import Tensor

from paintdiff.engine.conditions.soft_mask import SoftMask
from paintdiff.engine.space import Space


class MaskedPicture:
    """(mask (1, 1, h, w), known (1, C, h, w)) at a time t, for `Told`.

    A latent model reads the latents of the picture whose masked pixels are 0, mid-grey (as the inpainting models of
    Rombach et al. 2022, 4.5, were trained). They are cut from the pixels, so that a cell that is repainted for one
    pixel's sake still shows the others. A soft mask grows as time runs down, and is encoded anew when it has grown.
    """

    def __init__(self, space: Space, pixels: Tensor, strength: Tensor) -> None:
        """`pixels` (1, 3, S, S) in [-1, 1] and `strength` (1, 1, S, S), the time at which each of them joins."""
        self._space = space
        self._pixels = pixels
        self._mask = SoftMask(pixels, strength)
        self._latest: tuple[Tensor, Tensor, Tensor] | None = None

    def __call__(self, t: float) -> tuple[Tensor, Tensor]:
        active = self._mask.active(t)
        if self._latest is None or not torch.equal(self._latest[0], active):
            known = self._space.encoded(self._pixels * (1 - active))
            self._latest = active, self._space.pooled(active), known
        return self._latest[1:]
