"""When a run looks at the network: the times it moves through."""

from __future__ import annotations

LEAST = 1e-6  # below this strength there is no noise to speak of, and float32 cannot divide by it


def descending(start: float, steps: int) -> tuple[float, ...]:
    """`steps` + 1 evenly spaced times from `start` (0..1] down to 0.

    A run of strength m starts at t0 = m, not at 1 (SDEdit, Meng et al. 2022, section 3), and takes all its steps there.
    """
    return tuple(start * ((steps - i) / steps) for i in range(steps + 1))
