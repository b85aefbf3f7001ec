"""The noise of a run, a function of (seed, step, part) alone: a run can be repeated, or taken up from any step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Standard normal noise of one shape, drawn on the CPU whatever the device. Step 0 is the start of the run."""

    seed: int
    shape: tuple[int, ...]
    device: torch.device | None = None
    dtype: torch.dtype = torch.float32

    def __call__(self, step: int, part: int = 0) -> Tensor:
        """The noise of `step`, `shape` and `dtype` on `device` (None: the CPU).

        `part` 0 is the step's own; what needs more within a step (Langevin moves, probes) takes 1, 2, ...
        """
        entropy = [self.seed, step, part] if part else [self.seed, step]
        state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
        generator = torch.Generator("cpu").manual_seed(state)
        return torch.randn(self.shape, generator=generator, dtype=self.dtype).to(self.device)


@dataclass(frozen=True, eq=False)
class Coded:
    """`noise` that starts from a picture's own code."""

    code: Tensor
    noise: Noise

    def __call__(self, step: int, part: int = 0) -> Tensor:
        return self.code if step == part == 0 else self.noise(step, part)


@dataclass(frozen=True)
class Varied:
    """`noise` turned part of the way to `other`, every draw alike: at `share` 0 exactly the one, at 1 the other.

    Along the great circle, cos(share pi/2) a + sin(share pi/2) b: since the draws are independent, that is standard
    normal again at every share, where a straight line would be too quiet and blur the picture. (In many dimensions a
    and b are at right angles but for chance, and this is the usual spherical interpolation.) Noise of one seed alone
    stays as it is.
    """

    noise: Noise | Coded
    other: Noise
    share: float

    def __call__(self, step: int, part: int = 0) -> Tensor:
        if self.share == 0 or self.noise == self.other:
            return self.noise(step, part)
        if self.share == 1:
            return self.other(step, part)
        angle = self.share * math.pi / 2
        return math.cos(angle) * self.noise(step, part) + math.sin(angle) * self.other(step, part)
