"""When a run looks at the network: the times it moves through, and how it goes back to noisier ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from paintdiff.engine.schedule import Schedule, log_snr, transition
from paintdiff.engine.state import Draw, State

LEAST = 1e-6  # below this strength there is no noise to speak of, and float32 cannot divide by it
SEEN = 11.0  # log-SNR beyond which nothing is to be seen: sigma / alpha from 245 to half of one of 255 levels
EARLIEST = 1e-3  # and no network was trained below about this time


def descending(start: float, steps: int) -> tuple[float, ...]:
    """`steps` + 1 evenly spaced times from `start` (0..1] down to 0.

    A run of strength m starts at t0 = m, not at 1 (SDEdit, Meng et al. 2022, section 3), and takes all its steps there.
    """
    return tuple(start * ((steps - i) / steps) for i in range(steps + 1))


def spaced(schedule: Schedule, start: float, steps: int, spacing: str) -> tuple[float, ...]:
    """`steps` + 1 times from `start` down to 0, by `Sampling.spacing`: "time" is `descending`.

    "log_snr" spaces them evenly in log-SNR, which is what DPM-Solver was made for (Lu et al. 2022a), between the times
    at which there is something to be seen; the last step goes from there to 0. One or two steps, and a way that lies
    beyond that, are even in time.
    """
    first, last = max(log_snr(schedule, start), -SEEN), min(log_snr(schedule, EARLIEST), SEEN)
    if spacing != "log_snr" or steps < 3 or first >= last:
        return descending(start, steps)
    outside = log_snr(schedule, start) < first  # then one step leads in
    grid = even_in_log_snr(schedule, first, last, steps - 1 - outside)
    return (start, *grid[not outside :], 0.0)


def even_in_log_snr(schedule: Schedule, first: float, last: float, steps: int) -> tuple[float, ...]:
    """`steps` + 1 descending times, evenly spaced from log-SNR `first` to the larger `last`; by bisection."""
    times = []
    for i in range(steps + 1):
        goal, low, high = first + (last - first) * i / steps, 0.0, 1.0
        while (middle := (low + high) / 2) not in (low, high):
            low, high = (middle, high) if log_snr(schedule, middle) > goal else (low, middle)
        times.append(high)
    return tuple(times)


def travelling(times: Sequence[float], length: int, repeats: int) -> tuple[float, ...]:
    """`times` with each stretch of `length` steps walked `repeats` times, back up by `Renoise` in between.

    RePaint's schedule (Lugmayr et al. 2022, section 4.2: jump length and resamplings), and DDNM's time travel (Wang et
    al. 2023, section 3.3): what is unknown gets to fit what is known, which is held all along. The stretches end at the
    last time; the first one, next to pure noise, is walked once. A plan of fewer than two stretches is cut in two.
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
        alpha_ts, variance = transition(self.schedule, state.t, t)
        noise = self.draw(state.step + 1)
        return State(torch.add(alpha_ts * state.x_t, noise, alpha=math.sqrt(variance)), t, state.step + 1)
