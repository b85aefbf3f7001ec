"""The noise of a run, a function of (seed, step, part) alone: a run can be repeated, or taken up from any step."""

from __future__ import annotations

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
