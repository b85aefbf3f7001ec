"""Which pieces a request asks for: from sampling parameters to denoiser, constraint, sampler, times and first state."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.add_ons.controlled import Besides, Controlled
from paintdiff.engine.bundled.judge import Judge
from paintdiff.engine.bundled.reference import Lookup
from paintdiff.engine.conditions.classifier_guidance import ClassifierGuidance
from paintdiff.engine.conditions.clip_guidance import ClipGuidance
from paintdiff.engine.conditions.constraint import All, Constraint
from paintdiff.engine.conditions.guidance import ClassifierFree
from paintdiff.engine.conditions.in_pixels import InPixels
from paintdiff.engine.conditions.mask_method import MaskMethod, chosen_method
from paintdiff.engine.conditions.moment_matching import MomentMatching
from paintdiff.engine.conditions.observation import Observation
from paintdiff.engine.conditions.prompt_over_time import Prompted, PromptOverTime, Switch
from paintdiff.engine.conditions.range_null import RangeNull, always
from paintdiff.engine.conditions.scheduled_prompt import InTurn, Together
from paintdiff.engine.denoiser import Clamped, Condition, Denoiser, Network, NetworkDenoiser, Predicts
from paintdiff.engine.model import Model
from paintdiff.engine.noise import Coded, Noise, Varied
from paintdiff.engine.ode import Adaptive
from paintdiff.engine.plan import Renoise, descending, spaced
from paintdiff.engine.samplers.sampler import Sampler, State, make_sampler
from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_schedule import over_steps, together
from paintdiff.generation.sampling import ADAPTIVE, AUTO, LANPAINT, Sampling

STEPS_OF_NONE = 100  # by which prompts change where the sampler chooses its steps itself
STOPS = 4  # of the adaptive sampler, which takes as many steps as it needs between them
EncodeText = Callable[[str], Condition]


@dataclass(frozen=True, eq=False)
class Scene:
    """What one run works on: `original` (1, C, h, w) and `strength` (1, 1, h, w), the time at which each cell joins.

    Cells are those of the model's space; `pixels` (1, 3, S, S) in [-1, 1] and `pixel_strength` (1, 1, S, S) are the
    same in pixels. `sampling` has the candidate's own seed. `beyond` (1, 1, h, w) is 1 outside the canvas.
    `known` is what else is known of the result, in pixels, and `rounds` how often the network's x0 is fitted to it.
    `code`, shaped like `original`, is noise to start from instead of the seed's.
    `place` (S, S) bool is where a picture that the model looks at is laid; None: it looks at none. `guess`
    (S, S, 4) uint8 premultiplied is how the picture may go on there. `grey` (S, S), levels of luma, is searched for
    what the prompt names instead, where it stays. `besides` are control maps and an image prompt.
    """

    model: Model
    sampling: Sampling
    original: Tensor
    strength: Tensor
    pixels: Tensor
    pixel_strength: Tensor
    beyond: Tensor | None = None
    known: tuple[Observation, Any] | None = None
    rounds: int = 0
    code: Tensor | None = None
    place: np.ndarray | None = None
    guess: np.ndarray | None = None
    grey: np.ndarray | None = None
    besides: Besides | None = None

    @property
    def draw(self) -> Varied:
        """The run's noise: the seed's, turned towards the variation seed's."""
        shape, device = tuple(self.original.shape), self.original.device
        own, other = Noise(self.sampling.seed, shape, device), Noise(self.sampling.variation_seed, shape, device)
        return Varied(own if self.code is None else Coded(self.code, own), other, self.sampling.variation)


    def looking(self, condition: Condition, prompt: str) -> Condition:
        """`condition` with what the model looks at for `prompt`, and for none."""
        looks = self.model.looks
        shown = None if looks is None else self._shown(looks, prompt)
        if looks is None or shown is None:
            return condition
        without = self._shown(looks, "")
        heard = prompt if self.place is None or self.grey is not None else looks.heard(prompt, self.place)
        if heard != prompt:
            words = self.model.encode_text(heard)
            condition = replace(condition, text=words.text, text_mask=words.text_mask)
        return replace(condition, reference=shown, no_reference=torch.zeros_like(shown) if without is None else without)

    def _shown(self, looks: Lookup, prompt: str) -> Tensor | None:
        if self.grey is not None:
            return looks.recognized(prompt, self.grey, self.original.device)
        if self.place is None:
            return None
        return looks.channels(prompt, self.sampling.seed, self.place, self.guess, self.original.device)


def make_condition(model: Model, sampling: Sampling, encode_text: EncodeText) -> Condition:
    """What the run's network is told: the prompt, or the class where one is chosen.

    A checkpoint's classes are words of its prompts, so that a second prompt or a negative one can name them too. Raises
    `UserError` for a class that the model does not have.
    """
    if sampling.label < 0:
        words = encode_text(first_words(sampling.prompt, sampling.steps))
        if not model.reads_guidance:
            return words
        return replace(words, guidance=torch.tensor([sampling.guidance], device=model.space.device))
    count = model.info.labels
    if count == 0:
        raise UserError(f"The model {model.info.name} has no classes; set Class to -1 and write a prompt.")
    if sampling.label >= count:
        raise UserError(f"The model {model.info.name} has classes 0 to {count - 1}, and none of {sampling.label}.")
    return encode_text(str(sampling.label))


def make_denoiser(
    scene: Scene, network: Network, encode_text: EncodeText, start: float = 1.0
) -> Denoiser:
    """Network, then guidance, then the second prompt, then the clamp: guidance overshoots, and the clamp holds it.

    `start` is the time at which the run starts, from which on the second prompt's share of the way is counted. Raises
    `UserError` for guidance that the model has no judge for, or that begins after it ends.
    """
    model, sampling = scene.model, scene.sampling
    network_denoiser = NetworkDenoiser(network, model.schedule, predicted(model, sampling))
    denoiser = _said(network_denoiser, scene, sampling.prompt, encode_text, start)
    if sampling.then:
        second = _said(network_denoiser, scene, sampling.then, encode_text, start)
        words = first_words(sampling.then, sampling.steps)
        then = Prompted(second, scene.looking(encode_text(words), words))
        denoiser = PromptOverTime(denoiser, then, Switch(start, sampling.switch, sampling.blend))
    if scene.besides is not None:
        denoiser = Controlled(denoiser, scene.besides, start)
    return Clamped(denoiser) if model.space.bounded else denoiser


def predicted(model: Model, sampling: Sampling) -> Predicts:
    """What the network predicts: as the model says, or as the user does, who may know better of a file that is silent.

    Raises `UserError` for what cannot be so.
    """
    if sampling.prediction == AUTO:
        return model.predicts
    predicts: Predicts = "eps" if sampling.prediction == "epsilon" else "v"
    if model.predicts not in ("eps", "v"):
        raise UserError(f"The model {model.info.name} predicts neither noise nor v; set Prediction to auto.")
    if predicts == "eps" and model.schedule.alpha(1) == 0:
        raise UserError(
            f"The model {model.info.name} begins with pure noise, of which one that predicts the noise learns nothing; "
            "set Prediction to auto."
        )
    return predicts


def _said(denoiser: Denoiser, scene: Scene, prompt: str, encode_text: EncodeText, start: float) -> Denoiser:
    """Guided by what `prompt` says, and away from the negative one: all along, or step by step where either changes."""
    model, sampling = scene.model, scene.sampling
    steps = STEPS_OF_NONE if sampling.sampler == ADAPTIVE else sampling.steps
    texts = [*zip(over_steps(prompt, steps), over_steps(sampling.negative, steps), strict=True)]
    if sampling.label >= 0 or (set(texts) == {(prompt, sampling.negative)} and len(together(prompt)) == 1):
        return _guided(denoiser, model, sampling, prompt, encode_text)

    def of(text: str, negative: str) -> Denoiser:
        parts = together(text)
        whole = sum(part.weight for part in parts)
        led = replace(sampling, negative=negative)
        each: list[tuple[Denoiser, float]] = []
        for part in parts:
            words = scene.looking(encode_text(part.text), part.text)
            guided = _guided(denoiser, model, led, part.text, encode_text, whole)
            each.append((Prompted(guided, words), part.weight / whole))
        return Together(tuple(each))

    made = {each: of(*each) for each in dict.fromkeys(texts)}
    times = descending(start, steps) if sampling.sampler == ADAPTIVE else spaced(
        model.schedule, start, steps, sampling.spacing
    )  # fmt: skip
    return InTurn([made[each] for each in texts], times)


def first_words(prompt: str, steps: int) -> str:
    """What `prompt` says first, one prompt alone."""
    return together(over_steps(prompt, steps)[0])[0].text


def _guided(
    denoiser: Denoiser, model: Model, sampling: Sampling, prompt: str, encode_text: EncodeText, times: float = 1.0
) -> Denoiser:
    """`denoiser`, led as `sampling` says, and `times` as strongly away from the negative prompt."""
    if sampling.guidance_from < sampling.guidance_until:
        raise UserError(
            f"Guidance runs from high times to low ones: it cannot begin at {sampling.guidance_from:.0%} and end at "
            f"{sampling.guidance_until:.0%}."
        )
    leans = model.info.text and (prompt != sampling.negative or sampling.label >= 0 or model.image is not None)
    leans = leans and not model.reads_guidance
    w = sampling.guidance * times if leans else 1.0  # two sides that say the same would only cost time
    denoiser = ClassifierFree(
        denoiser, w, encode_text(sampling.negative), rescale=sampling.guidance_rescale,
        interval=(sampling.guidance_until, sampling.guidance_from),
    )  # fmt: skip
    if sampling.classifier_guidance > 0:
        classifier = _judge(model, "Classifier guidance").classifier(prompt)
        denoiser = ClassifierGuidance(denoiser, classifier, sampling.classifier_guidance)
    if sampling.clip_guidance > 0:
        judge = _judge(model, "CLIP guidance")
        text, to_pixels = judge.embed_text(prompt), model.space.to_pixels
        denoiser = ClipGuidance(denoiser, judge.embed_picture, text, sampling.clip_guidance, to_pixels)
    return denoiser


def _judge(model: Model, wanted: str) -> Judge:
    if model.judge is None:
        raise UserError(f"{wanted} needs a judge of pictures, and the model {model.info.name} has none; set it to 0.")
    return model.judge()


def make_mask_method(scene: Scene) -> MaskMethod:
    """How the run keeps what the mask does not cover. What lies beyond the canvas has no shapes to keep."""
    shapes = torch.ones_like(scene.strength) if scene.beyond is None else 1 - scene.beyond
    reference = scene.original if scene.sampling.layout == "off" else scene.model.space.encoded(scene.pixels)
    return MaskMethod(
        scene.model, scene.sampling, scene.original, scene.strength, reference, shapes, scene.draw, scene.pixels,
        scene.pixel_strength,
    )  # fmt: skip


def make_constraint(scene: Scene) -> Constraint:
    """What the run must keep. Raises `UserError` for a method that the model does not have."""
    return make_mask_method(scene).constraint()


def held(constraint: Constraint, scene: Scene) -> Constraint:
    """`constraint`, and then what else is known of the result."""
    if scene.known is None:
        return constraint
    known, space = RangeNull(always(*scene.known)), scene.model.space
    return All([constraint, known if space.bounded else InPixels(known, space)])


def fitted(denoiser: Denoiser, scene: Scene) -> Denoiser:
    """`denoiser`, whose x0 leans towards what else is known."""
    if scene.known is None or scene.rounds == 0:
        return denoiser
    if not scene.model.space.bounded:
        return MomentMatching(denoiser, *scene.known, scene.rounds, scene.model.space)
    return Clamped(MomentMatching(denoiser, *scene.known, scene.rounds))


def plain_times(scene: Scene) -> tuple[float, ...]:
    """From the strongest pixel's time down to 0.

    The adaptive sampler stops on the way only to show the picture, and where a mask method works between its steps.
    """
    start, sampling = float(scene.strength.max()), scene.sampling
    if sampling.sampler == ADAPTIVE:
        between = chosen_method(scene.model, sampling.method) == LANPAINT
        return descending(start, sampling.steps if between else STOPS)
    return spaced(scene.model.schedule, start, sampling.steps, sampling.spacing)


def make_times(scene: Scene) -> tuple[float, ...]:
    """`plain_times`, and back up in between where the mask method travels."""
    return make_mask_method(scene).times(plain_times(scene), scene.known is not None)


def first_state(scene: Scene, t: float) -> State:
    """The original, noised to time t; nothing of it where a run of full strength starts from pure noise."""
    schedule, noise = scene.model.schedule, scene.draw(0)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    x_t = alpha * scene.original + sigma * noise
    if t >= 1 and alpha > 0:  # the last level of many a checkpoint still shows a trace of the picture
        x_t = torch.where(scene.strength >= 1, math.hypot(alpha, sigma) * noise, x_t)
    return State(x_t, t)


def noise_behind(scene: Scene, x_t: Tensor, t: float) -> Tensor:
    """The noise from which `first_state` makes x_t at time t above 0: its inverse."""
    schedule = scene.model.schedule
    alpha, sigma = schedule.alpha(t), schedule.sigma(t)
    noise = (x_t - alpha * scene.original) / sigma
    if t >= 1 and alpha > 0:
        noise = torch.where(scene.strength >= 1, x_t / math.hypot(alpha, sigma), noise)
    return noise


def make_run_sampler(scene: Scene) -> Sampler:
    sampling = scene.sampling
    if sampling.sampler == ADAPTIVE:
        return Adaptive(scene.model.schedule, sampling.tolerance)
    return make_sampler(
        sampling.sampler, scene.model.schedule, scene.draw, sampling.eta, sampling.variance, sampling.predictor,
        sampling.corrector, sampling.snr,
    )  # fmt: skip


def make_renoise(scene: Scene) -> Renoise:
    return Renoise(scene.model.schedule, scene.draw)
