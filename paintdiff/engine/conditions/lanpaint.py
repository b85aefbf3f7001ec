"""LanPaint: Langevin moves within each time, by which the unknown part of a picture comes to fit the known one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from paintdiff.engine.conditions.constraint import KNOWN_PART
from paintdiff.engine.conditions.observation import in_range
from paintdiff.engine.conditions.range_null import Known
from paintdiff.engine.denoiser import Condition
from paintdiff.engine.samplers.sampler import Denoise, Draw, State
from paintdiff.engine.schedule import Schedule


@dataclass(frozen=True, eq=False)
class LanPaint:
    """Zheng et al. 2025, section 4: before each step, `steps` moves of Langevin dynamics at the step's own time.

    The network's score would move the known part y_t as if it were free. The bidirectional guided score gives it, with
    y the observation and x0 the network's estimate, the score

        -(1 + w) (y_t - alpha y) / sigma² - w score(y_t),   that is   (alpha ((1 + w) y - w A x0) - y_t) / sigma²:

    y_t leans to y, and past it where the network does not believe in y yet, which the rest of x_t feels at its next
    move. The rest follows the network's own score. Goes after a constraint that replaces the known part of x_t and
    holds x0: it says nothing about either itself.

    The moves are underdamped (their fast Langevin dynamics): the pull to the centre, stiffer by 1 + w in the known
    part, is solved exactly with its friction and noise; that the centre moves is a kick in between. One network call a
    move. `step` is a move's duration and `friction` the damping, both in units of the pull on the unknown part, 1 /
    sigma²; ours are larger moves than the paper's, chosen for few of them (docs/engine.md): small ones fit too little,
    much larger ones narrow the posterior. Where `still` (1, 1, h, w) is 1 at a time, x_t stays as it is.
    """

    known: Known
    draw: Draw
    schedule: Schedule
    steps: int
    w: float = 8.0
    step: float = 0.8
    friction: float = 5.0
    still: Callable[[float], Tensor] | None = None

    def on_state(self, state: State, denoise: Denoise) -> State:
        alpha, sigma = self.schedule.alpha(state.t), self.schedule.sigma(state.t)
        observation, y = self.known(state.t)
        wanted = observation.pseudo_inverse(y)
        if alpha == 0 or sigma == 0 or not bool(in_range(observation, torch.ones_like(state.x_t)).any()):
            return state  # pure noise fits everything, a picture can move no more, and nothing known asks for nothing
        x_t = state.x_t
        unknown = Oscillator(sigma, self.step, self.friction)
        known = Oscillator(sigma / math.sqrt(1 + self.w), self.step * (1 + self.w), self.friction)

        still = torch.zeros_like(x_t[:1, :1]) if self.still is None else self.still(state.t)

        def joined(a: Tensor, b: Tensor) -> Tensor:
            """`a` in what is unknown, `b` in what is known."""
            return a + in_range(observation, b - a)

        def centre(x_t: Tensor) -> Tensor:
            """Where the score pulls to: score = (centre - x_t) / deviation² in either part."""
            x0 = denoise(x_t, state.t).x0
            return joined(alpha * x0, alpha * wanted + self.w / (1 + self.w) * (x_t - alpha * x0))

        def drift(x_t: Tensor, v: Tensor, centre: Tensor, part: int) -> tuple[Tensor, Tensor]:
            noise = self.draw(state.step + 1, part), self.draw(state.step + 1, part + 1)
            a, b = unknown.half(x_t - centre, v, *noise), known.half(x_t - centre, v, *noise)
            moved = centre + joined(a[0], b[0])
            return torch.lerp(moved, state.x_t, still), joined(a[1], b[1])

        pull = centre(x_t)
        v = self.draw(state.step + 1, KNOWN_PART + 1)
        for i in range(self.steps):
            part = KNOWN_PART + 2 + 4 * i
            x_t, v = drift(x_t, v, pull, part)
            moved = centre(x_t) if i > 0 else pull
            v = v + joined(unknown.kick * (moved - pull), known.kick * (moved - pull))
            x_t, v = drift(x_t, v, pull, part + 2)
            pull = moved
        return replace(state, x_t=x_t, x0=None, x0_t=None)  # the latest x0 belongs to where the moves began

    def on_condition(self, condition: Condition, t: float) -> Condition:
        return condition

    def on_x0(self, x0: Tensor, t: float) -> Tensor:
        return x0


@dataclass(frozen=True)
class Oscillator:
    """A damped oscillator in noise, with `deviation` at rest, over a move of `step`; its pull is 1 / deviation².

    In units of the pull, dz = f v ds and dv = -(f z + f² v) ds + sqrt(2) f dW with f² the friction and z = x /
    deviation: at rest z and v are standard normal. So the flow over a time is (z, v) -> E (z, v) + L noise with E the
    exponential of the drift's matrix and L L^T = 1 - E E^T, exactly and for any friction; large ones leave no momentum.
    """

    deviation: float
    step: float
    friction: float

    def half(self, x: Tensor, v: Tensor, noise_x: Tensor, noise_v: Tensor) -> tuple[Tensor, Tensor]:
        """x, away from the centre, and v after half a move."""
        (xx, xv, vx, vv), (l_xx, l_vx, l_vv) = _flow(self.step / 2, self.friction)
        z = x / self.deviation
        moved = xx * z + xv * v + l_xx * noise_x
        return moved * self.deviation, vx * z + vv * v + l_vx * noise_x + l_vv * noise_v

    @property
    def kick(self) -> float:
        """The change of v by a centre that lies 1 further for a whole move."""
        return math.sqrt(self.friction) * self.step / self.deviation


@lru_cache(maxsize=16)
def _flow(duration: float, friction: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The entries of E, row by row, and of the lower triangle L."""
    f = math.sqrt(friction)
    move = torch.linalg.matrix_exp(duration * torch.tensor([[0.0, f], [-f, -friction]], dtype=torch.float64))
    noise = torch.linalg.cholesky(torch.eye(2, dtype=torch.float64) - move @ move.T)
    return tuple(move.flatten().tolist()), (float(noise[0, 0]), float(noise[1, 0]), float(noise[1, 1]))
