"""The sampler of models that were distilled to jump: to the picture, back into noise, and to the picture again."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from paintdiff.engine.schedule import Schedule
from paintdiff.engine.state import Denoise, Draw, State


@dataclass(frozen=True, eq=False)
class Consistency:
    """Multistep consistency sampling (Song et al. 2023, algorithm 1; of latents, Luo et al. 2023, LCM, algorithm 3).

    x_s = alpha_s x0 + sigma_s z with fresh noise z: nothing of x_t is carried on but what x0 shows. LCM's own skip
    connection has vanished at every level that a run looks at, and is left out.
    """

    schedule: Schedule
    draw: Draw

    def step(self, state: State, s: float, denoise: Denoise) -> State:
        x0 = denoise(state.x_t, state.t).x0
        x_s, sigma_s = self.schedule.alpha(s) * x0, self.schedule.sigma(s)
        if sigma_s > 0:
            x_s = torch.add(x_s, self.draw(state.step + 1), alpha=sigma_s)
        return State(x_s, s, state.step + 1, x0, state.t)
