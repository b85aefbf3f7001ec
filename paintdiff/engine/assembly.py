"""Which pieces a request asks for: from sampling parameters to denoiser, constraint, sampler, times and first state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from paintdiff.engine.constraint import Constraint, Replacement
from paintdiff.engine.denoiser import Clamped, Denoiser, Network, NetworkDenoiser
from paintdiff.engine.guidance import ClassifierFree
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.plan import Renoise, descending
from paintdiff.engine.sampler import Sampler, State, make_sampler
from paintdiff.generation.sampling import Sampling

EncodeText = Callable[[str], tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Scene:
    """What one run works on: `original` (1, C, h, w) and `strength` (1, 1, h, w), the time at which each pixel joins.

    `sampling` has the candidate's own seed.
    """

    model: Model
    sampling: Sampling
    original: Tensor
    strength: Tensor

    @property
    def draw(self) -> Noise:
        return Noise(self.sampling.seed, tuple(self.original.shape), self.original.device)


def make_denoiser(model: Model, sampling: Sampling, network: Network, encode_text: EncodeText) -> Denoiser:
    """Network, then guidance, then the clamp: guidance overshoots, and the clamp is what holds it."""
    denoiser = NetworkDenoiser(network, model.schedule, model.predicts)
    return Clamped(ClassifierFree(denoiser, sampling.guidance, *encode_text(sampling.negative)))


def make_constraint(scene: Scene) -> Constraint:
    """What the run must keep."""
    model = scene.model
    return Replacement(scene.original, scene.strength, scene.draw(0), model.schedule, model.mask_channels)


def make_times(scene: Scene) -> tuple[float, ...]:
    """From the strongest pixel's time down to 0."""
    return descending(float(scene.strength.max()), scene.sampling.steps)


def first_state(scene: Scene, t: float) -> State:
    """The original, noised to time t."""
    schedule = scene.model.schedule
    return State(schedule.alpha(t) * scene.original + schedule.sigma(t) * scene.draw(0), t)


def make_run_sampler(scene: Scene) -> Sampler:
    sampling = scene.sampling
    return make_sampler(sampling.sampler, scene.model.schedule, scene.draw, sampling.eta)


def make_renoise(scene: Scene) -> Renoise:
    return Renoise(scene.model.schedule, scene.draw)
