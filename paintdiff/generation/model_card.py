"""What is known of a model before it is loaded: plain data that the browser shows and the engine opens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Whose architecture a checkpoint has; the values are what painters call it."""

    BUNDLED = "First Light"
    SD1 = "Stable Diffusion 1"
    SD2 = "Stable Diffusion 2"
    SDXL = "Stable Diffusion XL"
    SD3 = "Stable Diffusion 3"
    FLUX = "FLUX"
    PIXELS = "Pixel space"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """Where a model lives."""

    BUNDLED = "ships with PaintDiff"
    FOLDER = "on this machine"
    CACHE = "hub cache"


@dataclass(frozen=True)
class ModelCard:
    """One model that can be chosen.

    `source` is what `--model` and `Request.model` take: a bundled name, a folder, a .safetensors file or a hub id.
    `size_bytes` is what its weights take on disk; `side` the pixels that it works at, 0 if not known. `inpaints`: it
    has mask channels of its own, any other fills masks by constraint. `few_steps`: LCM, Turbo, Hyper, Lightning or "".
    `problem` is why it cannot be opened, in a sentence, or "". `stored` is what most of its weights stay in if that is
    less than half precision, "float8" or "Q4_K" say; `held_bytes` what its denoiser takes in memory, 0 if not known.
    """

    source: str
    name: str
    family: Family
    place: Place
    size_bytes: int = 0
    side: int = 0
    inpaints: bool = False
    few_steps: str = ""
    licence: str = ""
    problem: str = ""
    stored: str = ""
    held_bytes: int = 0
