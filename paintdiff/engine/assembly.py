"""Which pieces a request asks for: from sampling parameters to denoiser, constraint, sampler, times and first state."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from paintdiff.engine.constraint import Constraint, Replacement
from paintdiff.engine.denoiser import Clamped, Denoiser, Network, NetworkDenoiser
from paintdiff.engine.guidance import ClassifierFree
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Noise
from paintdiff.engine.ode import Adaptive
from paintdiff.engine.plan import Renoise, descending
from paintdiff.engine.sampler import Sampler, State, make_sampler
from paintdiff.generation.sampling import ADAPTIVE, Sampling

STOPS = 4  # of the adaptive sampler, which takes as many steps as it needs between them
EncodeText = Callable[[str], tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class Scene:
    """What one run works on: `original` (1, C, h, w) and `strength` (1, 1, h, w), the time at which each cell joins.

    Cells are those of the model's space; `pixels` (1, 3, S, S) in [-1, 1] and `pixel_strength` (1, 1, S, S) are the
    same in pixels. `sampling` has the candidate's own seed.
    """

    model: Model
    sampling: Sampling
    original: Tensor
    strength: Tensor
    pixels: Tensor
    pixel_strength: Tensor

    @property
    def draw(self) -> Noise:
        return Noise(self.sampling.seed, tuple(self.original.shape), self.original.device)


def make_denoiser(model: Model, sampling: Sampling, network: Network, encode_text: EncodeText) -> Denoiser:
    """Network, then guidance, then the clamp: guidance overshoots, and the clamp is what holds it."""
    denoiser = NetworkDenoiser(network, model.schedule, model.predicts)
    w = sampling.guidance if model.info.text else 1.0  # without prompts there is nothing to lean to
    guided = ClassifierFree(denoiser, w, *encode_text(sampling.negative))
    return Clamped(guided) if model.space.bounded else guided


def make_constraint(scene: Scene) -> Constraint:
    """What the run must keep."""
    model = scene.model
    return Replacement(scene.original, scene.strength, scene.draw(0), model.schedule, model.mask_channels)


def make_times(scene: Scene) -> tuple[float, ...]:
    """From the strongest pixel's time down to 0."""
    steps = STOPS if scene.sampling.sampler == ADAPTIVE else scene.sampling.steps
    return descending(float(scene.strength.max()), steps)


def first_state(scene: Scene, t: float) -> State:
    """The original, noised to time t; nothing of it where a run of full strength starts from pure noise."""
    schedule, noise = scene.model.schedule, scene.draw(0)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    x_t = alpha * scene.original + sigma * noise
    if t >= 1 and alpha > 0:  # the last level of many a checkpoint still shows a trace of the picture
        x_t = torch.where(scene.strength >= 1, math.hypot(alpha, sigma) * noise, x_t)
    return State(x_t, t)


def make_run_sampler(scene: Scene) -> Sampler:
    sampling = scene.sampling
    if sampling.sampler == ADAPTIVE:
        return Adaptive(scene.model.schedule, sampling.tolerance)
    return make_sampler(sampling.sampler, scene.model.schedule, scene.draw, sampling.eta)


def make_renoise(scene: Scene) -> Renoise:
    return Renoise(scene.model.schedule, scene.draw)
