"""Add-ons: what a painter puts on top of a checkpoint for one generation, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from paintdiff.generation.controls import Control, ImagePrompt, read_control, read_image_prompt, recorded
from paintdiff.generation.controls import to_json as shown_to_json
from paintdiff.generation.errors import UserError

LEAST_WEIGHT, MOST_WEIGHT = -4.0, 4.0  # of a LoRA: beyond these a picture is only noise


@dataclass(frozen=True)
class Lora:
    """A LoRA file (Hu et al. 2021) and how strongly it counts; 1 is as it was trained, below 0 it pushes away.

    `sha256` is of the file, or "" where it was not read yet. Raises `UserError` for a weight out of range.
    """

    file: str
    weight: float = 1.0
    sha256: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and LEAST_WEIGHT <= self.weight <= MOST_WEIGHT):
            raise UserError(
                f"The weight of the LoRA {self.file} must be a number from {LEAST_WEIGHT:g} to {MOST_WEIGHT:g}, not "
                f"{self.weight!r}."
            )


@dataclass(frozen=True)
class Word:
    """A word of a prompt that stands for the vectors in a file: textual inversion (Gal et al. 2022)."""

    word: str
    file: str
    sha256: str = ""


@dataclass(frozen=True)
class AddOns:
    """`vae` is the .safetensors file or folder of another autoencoder, or "" for the checkpoint's own.

    `controls` and `image_prompt` are what the model is shown besides; a recipe has them without their pictures.
    """

    loras: tuple[Lora, ...] = ()
    words: tuple[Word, ...] = ()
    vae: str = ""
    vae_sha256: str = ""
    controls: tuple[Control, ...] = ()
    image_prompt: ImagePrompt | None = None

    @property
    def recorded(self) -> AddOns:
        """As a recipe has them."""
        prompt = None if self.image_prompt is None else recorded(self.image_prompt)
        return replace(self, controls=tuple(map(recorded, self.controls)), image_prompt=prompt)

    def cut(self, place: tuple[slice, slice]) -> AddOns:
        """For a part of the frame, (rows, columns)."""
        return replace(self, controls=tuple(control.cut(place) for control in self.controls))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary of what is not left out; `read_add_ons` turns it back."""
        stored = asdict(replace(self, controls=(), image_prompt=None))
        stored["controls"] = [shown_to_json(control) for control in self.controls]
        stored["image_prompt"] = None if self.image_prompt is None else shown_to_json(self.image_prompt)
        return {name: value for name, value in stored.items() if value}


def read_add_ons(stored: Mapping[str, Any]) -> AddOns:
    """Add-ons as a file keeps them. Raises `UserError`, KeyError, TypeError or ValueError for anything else."""
    parts = dict(stored)
    parts["loras"] = tuple(Lora(**each) for each in parts.get("loras", ()))
    parts["words"] = tuple(Word(**each) for each in parts.get("words", ()))
    parts["controls"] = tuple(read_control(each) for each in parts.get("controls", ()))
    if parts.get("image_prompt") is not None:
        parts["image_prompt"] = read_image_prompt(parts["image_prompt"])
    add_ons = AddOns(**parts)
    texts = [add_ons.vae, add_ons.vae_sha256, *(text for each in add_ons.words for text in astuple(each))]
    texts += [text for each in add_ons.loras for text in (each.file, each.sha256)]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("the names of add-ons are not what they should be")
    return add_ons
