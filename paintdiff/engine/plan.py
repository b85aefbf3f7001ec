"""When a run looks at the network: the times it moves through, and how it goes back to noisier ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from paintdiff.engine.sampler import Draw, State
from paintdiff.engine.schedule import Schedule

LEAST = 1e-6  # below this strength there is no noise to speak of, and float32 cannot divide by it


def descending(start: float, steps: int) -> tuple[float, ...]:
    """`steps` + 1 evenly spaced times from `start` (0..1] down to 0.

    A run of strength m starts at t0 = m, not at 1 (SDEdit, Meng et al. 2022, section 3), and takes all its steps there.
    """
    return tuple(start * ((steps - i) / steps) for i in range(steps + 1))


def travelling(times: Sequence[float], length: int, repeats: int) -> tuple[float, ...]:
    """`times` with each stretch of `length` steps walked `repeats` times, back up by `Renoise` in between.

    RePaint's schedule (Lugmayr et al. 2022, section 4.2 and appendix B; jump length and resamplings), and DDNM's time
    travel (Wang et al. 2023, section 3.3): what is unknown gets to fit what is known, which is held all along. The
    stretches end at the last time; the first one, next to pure noise, is walked once. A plan of fewer than two
    stretches is cut in two.
    """
    steps = len(times) - 1
    length = max(1, min(length, steps // 2))
    first = steps - (steps - 1) // length * length
    moves = list(times[: first + 1])
    for low in range(first, steps, length):
        stretch = times[low + 1 : low + length + 1]
        moves += [*stretch, *((times[low], *stretch) * (repeats - 1))]
    return tuple(moves)


@dataclass(frozen=True, eq=False)
class Renoise:
    """Back to a noisier time t by the forward process, x_t given x_s (Lugmayr et al. 2022, RePaint, section 4.2)."""

    schedule: Schedule
    draw: Draw

    def __call__(self, state: State, t: float) -> State:
        """A state at `t` > state.t whose multistep memory is gone: its estimates belong to another noise."""
        alpha_ts = self.schedule.alpha(t) / self.schedule.alpha(state.t)
        variance = self.schedule.sigma(t) ** 2 - (alpha_ts * self.schedule.sigma(state.t)) ** 2
        noise = self.draw(state.step + 1)
        return State(torch.add(alpha_ts * state.x_t, noise, alpha=math.sqrt(max(0.0, variance))), t, state.step + 1)
