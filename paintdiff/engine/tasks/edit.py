"""An edit: the run starts from the picture's own code instead of the seed's noise."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from paintdiff.engine.assembly import (
    EncodeText,
    Scene,
    first_state,
    make_condition,
    make_constraint,
    make_denoiser,
    make_run_sampler,
    noise_behind,
    plain_times,
)
from paintdiff.engine.denoiser import Network, Prediction
from paintdiff.engine.inversion import encode_ddim, encode_ode
from paintdiff.engine.likelihoods.likelihood import given_rest
from paintdiff.engine.run import run
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.modes import EDIT
from paintdiff.generation.sampling import ADAPTIVE, AUTO, REPLACE, Sampling

ITERATIONS = 20
ONE_OUTCOME = "An edit has one outcome; raise Variation for others."
CLOSE = 1e-3  # an eighth of a level
FINER = 0.01  # an error of the code grows on the way to the picture, so the ODE is solved that much more exactly


def edit_sampling(sampling: Sampling, mask_channels: bool) -> Sampling:
    """The settings of an edit's walk: one that can be turned around, DDIM without noise or the adaptive ODE.

    Methods that fit the painted to the kept by walking at random would lose the picture on the way.
    """
    if sampling.sampler == ADAPTIVE:
        sampling = replace(sampling, tolerance=max(1e-6, sampling.tolerance * FINER))
    else:
        sampling = replace(sampling, sampler="ddim", eta=0.0)
    return replace(sampling, method=REPLACE) if sampling.method == AUTO and not mask_channels else sampling


def outcomes(mode: str, sampling: Sampling) -> int:
    """How many candidates differ: an edit without variation has one outcome."""
    return 1 if mode == EDIT and sampling.variation == 0 else sampling.candidates


class Encoder:
    """Turns a scene's picture into the noise behind it, by what `source` says of it, at guidance 1."""

    def __init__(self, scene: Scene, source: str, network: Network, encode_text: EncodeText, cancel: CancelToken):
        plain = replace(
            scene.sampling, prompt=source, guidance=1.0, classifier_guidance=0.0, clip_guidance=0.0, then="", label=-1
        )
        self._scene = replace(scene, sampling=plain)
        self._start = float(scene.strength.max())
        condition = make_condition(scene.model, plain, encode_text)
        self._condition = self._scene.looking(condition, source)
        self._denoiser = make_denoiser(self._scene, network, encode_text, self._start)
        self._cancel = cancel

    def noise(self) -> Tensor:
        """(1, C, h, w): what stands in for the seed's noise. Raises `Cancelled`, and what the network raises.

        With mask channels only what is painted is turned around, given the rest; other models see the picture whole.
        """
        scene = self._scene
        model, picture = scene.model, scene.original
        constraint, kept = make_constraint(scene), scene.draw(0)
        free = (scene.strength > 0).expand_as(picture) if model.mask_channels else torch.ones_like(picture).bool()

        def predict(x_t: Tensor, t: float) -> Prediction:
            self._cancel.check()
            return self._denoiser(x_t, t, constraint.on_condition(self._condition, t))

        denoise = given_rest(predict, model.schedule, picture, kept, free)
        y = picture[free][None]
        if scene.sampling.sampler == ADAPTIVE:
            y = encode_ode(y, self._start, denoise, model.schedule, scene.sampling.tolerance)
        else:
            y = encode_ddim(y, plain_times(scene)[::-1], denoise, model.schedule, ITERATIONS, CLOSE)
        alpha, sigma = model.schedule.alpha(self._start), model.schedule.sigma(self._start)
        x_t = torch.add(alpha * picture, kept, alpha=sigma).masked_scatter(free, y)
        return noise_behind(scene, x_t, self._start)

    def decoded(self, noise: Tensor) -> Tensor:
        """The picture that comes back from `noise` with the same settings."""
        scene = replace(self._scene, code=noise)
        constraint, sampler = make_constraint(scene), make_run_sampler(scene)
        start, *times = plain_times(scene)
        first = first_state(scene, start)
        *_, last = run(first, times, sampler, self._denoiser, self._condition, constraint, self._cancel)
        return last.x_t
