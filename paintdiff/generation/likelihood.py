"""How likely a model finds a picture, as the engine hands it over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The log-likelihood of one picture, or of its masked part given the rest.

    `log_p` is in nats, of the 8-bit picture as the model sees it; `bits_per_dim` is -log2 p over `dimensions`, the
    numbers that count, and `standard_error` its own, in bits per dimension. Higher `log_p`, or fewer bits, is likelier.
    `surprise` (h, w) float32 covers the frame: nats for each pixel that the model sees, larger where it expected
    something else, 0 where the picture was given; None where it was not asked for. Differences too small to see do not
    count there. `evaluations` counts pictures through the network.
    """

    log_p: float
    bits_per_dim: float
    standard_error: float
    dimensions: int
    evaluations: int
    surprise: np.ndarray | None = None
