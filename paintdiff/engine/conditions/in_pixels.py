"""Constraints on pixels for models that work on something else."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from paintdiff.engine.conditions.constraint import Constraint
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.space import Space
from paintdiff.engine.state import Denoise, State


@dataclass(frozen=True, eq=False)
class InPixels:
    """What `constraint` does to x0 in pixels, done to x0 in the model's space: decode, correct, encode.

    Only what the correction changes is encoded, so that the autoencoder's own losses do not add up over the steps.
    """

    constraint: Constraint
    space: Space

    def on_state(self, state: State, denoise: Denoise) -> State:
        return state

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        pixels = self.space.to_pixels(x0)
        corrected = self.constraint.on_x0(pixels, t)
        return x0 + self.space.from_pixels(corrected) - self.space.from_pixels(pixels)
