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

    def following(self, run: AddOns) -> AddOns:
        """With those of an earlier run wherever nothing of their kind is here."""
        return AddOns(
            self.loras or run.loras, self.words or run.words, self.vae or run.vae,
            self.vae_sha256 if self.vae else run.vae_sha256, self.controls or run.controls,
            self.image_prompt or run.image_prompt,
        )  # fmt: skip

    def missing(self, run: AddOns) -> tuple[str, ...]:
        """What an earlier run was made with and this one is not, each in a few words."""
        here = {(each.file, each.weight) for each in self.loras} | {(each.sha256, each.weight) for each in self.loras}
        found = [
            f"the LoRA {_stem(each.file)} ({each.weight:g})" for each in run.loras
            if each.weight != 0 and not {(each.file, each.weight), (each.sha256, each.weight)} & here
        ]  # fmt: skip
        if run.vae and (run.vae, run.vae_sha256) != (self.vae, self.vae_sha256):
            found.append(f"the autoencoder {_stem(run.vae)}")
        words = {each.word.lower() for each in self.words}
        found += [f"the embedding {each.word}" for each in run.words if each.word.lower() not in words]
        controls = [recorded(each) for each in self.controls]
        found += [f"the control {_stem(each.network)}" for each in run.controls if each not in controls]
        own = None if self.image_prompt is None else recorded(self.image_prompt)
        if run.image_prompt is not None and run.image_prompt != own:
            found.append("its image prompt")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary of what is not left out; `read_add_ons` turns it back."""
        stored = asdict(replace(self, controls=(), image_prompt=None))
        stored["controls"] = [shown_to_json(control) for control in self.controls]
        stored["image_prompt"] = None if self.image_prompt is None else shown_to_json(self.image_prompt)
        return {name: value for name, value in stored.items() if value}


def _stem(file: str) -> str:
    name = file.replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(".safetensors")


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
