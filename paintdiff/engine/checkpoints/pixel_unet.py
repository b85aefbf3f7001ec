"""Checkpoints that diffuse pixels: UNet2DModel, unconditional or by class, of the DDPM and the score-SDE (VE) kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from paintdiff.engine.checkpoints.checkpoint import Checkpoint, prepare_libraries
from paintdiff.engine.checkpoints.stable_diffusion import prediction_type
from paintdiff.engine.denoiser import Condition, Network, Predicts
from paintdiff.engine.model import Model
from paintdiff.engine.schedule import Schedule, discrete, from_config
from paintdiff.engine.space import PixelSpace
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError

VE_SCHEDULER = "ScoreSdeVeScheduler"


def load_pixel_unet(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Model:
    """Raises `UserError` for parts that are missing, damaged or of a kind that makes no RGB pictures."""
    config, scheduler = checkpoint.config("unet"), checkpoint.config("scheduler")
    exploding = checkpoint.components["scheduler"] == VE_SCHEDULER
    _check(checkpoint, config, exploding)
    prepare_libraries()
    from diffusers.models.unets.unet_2d import UNet2DModel

    if exploding:
        dtype = torch.float32  # x0 is a small difference of numbers up to thousands
    unet = checkpoint.load("unet", UNet2DModel, dtype).requires_grad_(False).eval().to(device)
    unet.to(memory_format=torch.channels_last)
    names = _class_names(checkpoint.index, int(config.get("num_class_embeds") or 0))
    schedule: Schedule
    network: Network
    predicts: Predicts
    words: NoWords | ClassWords = NoWords(device)
    if names:
        words = ClassWords(unet.class_embedding.weight.float(), names)
        unet.class_embedding = nn.Identity()  # it is handed the vectors, so that classes can be blended
    if exploding:
        # These were trained on pictures in [0, 1]; ours are twice as wide, and so is the noise on them.
        lowest, highest = float(scheduler.get("sigma_min", 0.01)), float(scheduler.get("sigma_max", 1348.0))
        schedule = from_config({"kind": "ve", "sigma_min": 2 * lowest, "sigma_max": 2 * highest})
        network, predicts = _ScoreCall(unet, schedule, words), "score"
    else:
        schedule, predicts = discrete(scheduler), prediction_type(scheduler)
        network = _LevelCall(unet, schedule.level, words)
    size = int(config["sample_size"])
    info = ModelInfo(checkpoint.name, device.type, size, text=bool(names), labels=len(names))
    return Model(
        info, schedule, PixelSpace(size, device), network, predicts, words, mask_channels=False, weights=unet
    )


def _check(checkpoint: Checkpoint, config: dict[str, Any], exploding: bool) -> None:
    where = f"The model in {checkpoint.folder}"
    if checkpoint.components["unet"] != "UNet2DModel":
        raise UserError(f"{where} has a {checkpoint.components['unet']} as its unet, where UNet2DModel is expected.")
    if config.get("in_channels", 3) != 3 or config.get("out_channels", 3) not in (3, 6):
        raise UserError(f"{where} makes pictures of {config.get('in_channels')} channels, not red, green and blue.")
    if not isinstance(config.get("sample_size"), int):
        raise UserError(f"{where} does not say how large its square pictures are (sample_size).")
    if config.get("class_embed_type") is not None:
        raise UserError(f"{where} reads its classes in a way that is not known ({config['class_embed_type']!r}).")
    wanted = "fourier" if exploding else "positional"
    if config.get("time_embedding_type", "positional") != wanted:
        raise UserError(f"{where} does not read time as its scheduler gives it ({wanted}).")


def _class_names(index: dict[str, Any], count: int) -> tuple[str, ...]:
    """A name for each of `count` classes, from the index's id2label where it has them, else its number."""
    given = index.get("id2label")
    given = given if isinstance(given, dict) else {}
    return tuple(str(given.get(str(i), i)) for i in range(count))


@dataclass(frozen=True, eq=False)
class NoWords:
    """The prompts of an unconditional model: none has any words."""

    device: torch.device

    def __call__(self, prompt: str) -> Condition:
        nothing = torch.zeros(1, 0, dtype=torch.bool, device=self.device)
        return Condition(torch.zeros(1, 0, 1, device=self.device), nothing)

    def vectors_of(self, condition: Condition) -> None:
        return None

    @property
    def null(self) -> int | None:
        return None


@dataclass(frozen=True, eq=False)
class ClassWords:
    """The prompts of a class-conditional model: the number or the name of a class is its one word, (1, 1, D).

    The empty prompt is the unconditional one: the class that a model trained for guidance keeps for it (named "null" or
    "unconditional", or the last where just that one has no name), or else the mean of all classes, which is near to it
    only at high noise.
    Raises `UserError` for a prompt that is no class.
    """

    vectors: Tensor  # (classes, D)
    names: tuple[str, ...]

    def __call__(self, prompt: str) -> Condition:
        word = self._word(" ".join(prompt.lower().split()))
        return Condition(word.view(1, 1, -1), torch.ones(1, 1, dtype=torch.bool, device=word.device))

    def vectors_of(self, condition: Condition) -> Tensor:
        """(N, D): of the condition's label where it has one (-1 is no class), else of its text."""
        if condition.label is not None:
            known = condition.label >= 0
            return torch.where(known[:, None], self.vectors[condition.label.clamp(min=0)], self._word(""))
        if condition.text is None:
            raise ValueError("a class-conditional network needs a class")
        return condition.text[:, 0]

    def _word(self, prompt: str) -> Tensor:
        if not prompt:
            null = self.null
            return self.vectors.mean(dim=0) if null is None else self.vectors[null]
        if re.fullmatch(r"\d{1,9}", prompt) and int(prompt) < len(self.names):
            return self.vectors[int(prompt)]
        for i, name in enumerate(self.names):
            if prompt in (part.strip() for part in name.lower().split(",")) or prompt == name.lower():
                return self.vectors[i]
        examples = ", ".join(self.names[:3])
        raise UserError(
            f"This model draws {len(self.names)} classes and knows none called {prompt!r}: write the name or the "
            f"number of one ({examples}, …), or nothing."
        )

    @property
    def null(self) -> int | None:
        """The class that stands for no class, if there is one."""
        for i, name in enumerate(self.names):
            if name.lower() in ("null", "unconditional"):
                return i
        last = len(self.names) - 1
        numbered = [i for i, name in enumerate(self.names) if name == str(i)]
        return last if numbered == [last] and last > 0 else None


@dataclass(frozen=True, eq=False)
class _LevelCall:
    """A UNet2DModel as a `Network`; time is the level that it was trained on."""

    unet: Any  # UNet2DModel, whose stubs say too little
    level: Callable[[float], float]
    words: NoWords | ClassWords

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        return _answer(self.unet, x_t, self.level(t), self.words.vectors_of(condition))


@dataclass(frozen=True, eq=False)
class _ScoreCall:
    """A UNet2DModel that gives the score of pictures in [0, 1], as a `Network` that gives that of ours in [-1, 1].

    It reads the sigma of its own scale as the time. Ours being twice as wide, the gradient is half as steep.
    """

    unet: Any  # UNet2DModel, whose stubs say too little
    schedule: Schedule
    words: NoWords | ClassWords

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        sigma = self.schedule.sigma(t) / 2
        return _answer(self.unet, (x_t + 1) / 2, sigma, self.words.vectors_of(condition)) / 2


def _answer(unet: Any, x: Tensor, time: float, vectors: Tensor | None) -> Tensor:
    """(N, 3 or 6, S, S) float32, computed in the network's own precision; `vectors` (1 or N, D) of the classes."""
    times = torch.full((len(x),), time, device=x.device)
    if vectors is not None:
        vectors = vectors.to(unet.dtype).expand(len(x), -1)
    return unet(x.to(unet.dtype), times, vectors).sample.float()
