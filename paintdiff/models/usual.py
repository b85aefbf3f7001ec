"""How a model wants to be sampled, as those who trained it say, where the user has set nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from paintdiff.generation.add_ons import Lora
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.generation.sampling import REPLACE, SAMPLERS, Sampling
from paintdiff.models.families import Part, identify
from paintdiff.models.header import read_header

_FAMILIES: dict[Family, dict[str, Any]] = {
    Family.SD1: {"steps": 25, "guidance": 7.0},
    Family.SD2: {"steps": 25, "guidance": 7.0},
    Family.SDXL: {"steps": 28, "guidance": 6.0},
    Family.SD3: {"steps": 28, "guidance": 4.5, "sampler": "euler"},
    Family.FLUX: {"steps": 28, "guidance": 3.5, "sampler": "euler"},
}
# Distilled to few steps: the guidance is in the weights, and more of it burns the picture.
_FEW_STEPS: dict[str, dict[str, Any]] = {
    "LCM": {"steps": 6, "guidance": 1.0, "sampler": "lcm"},
    "Turbo": {"steps": 4, "guidance": 1.0, "sampler": "ddpm"},
    "Lightning": {"steps": 4, "guidance": 1.0, "sampler": "euler"},
    "Hyper": {"steps": 8, "guidance": 1.0, "sampler": "ddim"},
}
_MOST_STEPS = 50  # that a name may ask for


def usual_sampling(
    family: Family, few_steps: str = "", name: str = "", reads_guidance: bool = False, fills: bool = False
) -> dict[str, Any]:
    """Values of `Sampling` by name. A `name` such as "…_4step" says how many steps a distilled model was trained for.

    `reads_guidance`: the network is told how strong its guidance is, and was distilled to answer at any. `fills`: it
    has mask channels.
    """
    usual = dict(_FAMILIES.get(family, {}))
    if family is Family.FLUX and not reads_guidance:
        usual |= {"steps": 4, "guidance": 1.0, "method": REPLACE}  # schnell, which is distilled too
    elif family is Family.FLUX and fills:
        usual |= {"guidance": 30.0}
    if few_steps not in _FEW_STEPS:
        return usual
    distilled = dict(_FEW_STEPS[few_steps])
    if not fills:
        distilled["method"] = REPLACE  # the automatic one follows the score, which is what was distilled away
    if few_steps == "Hyper" and re.search(r"(?<!\d)1[-_ ]?step|unified", name.lower()):
        distilled["sampler"] = "lcm"  # from any level straight to the picture, and back up
    if family in (Family.SD3, Family.FLUX):
        distilled["sampler"] = "euler"  # straight ways need no fresh noise
    said = re.search(r"(\d+)[-_ ]?steps?(?![a-z])", name.lower())
    if said and 1 <= int(said[1]) <= _MOST_STEPS:
        distilled["steps"] = int(said[1])
    if reads_guidance:
        distilled["guidance"] = 8.0 if few_steps == "LCM" else usual.get("guidance", 1.0)
    elif re.search(r"(?<![a-z])cfg(?![a-z])", name.lower()):
        distilled["guidance"] = 5.0  # a few were distilled without it
    return usual | distilled


def asked_by_loras(loras: Iterable[Lora], fills: bool = False) -> tuple[str, dict[str, Any]]:
    """The name of the first LoRA that makes a model paint in few steps, and the values of `Sampling` that it asks for.

    ("", {}) where none does. `fills`: the model has mask channels. Reads headers alone; never raises.
    """
    for lora in loras:
        wanted = _asked(lora.file, _state(lora.file), fills) if lora.weight > 0 else {}
        if wanted:
            return Path(lora.file).stem, wanted
    return "", {}


def described(wanted: dict[str, Any]) -> str:
    """What `asked_by_loras` gives, in a few words."""
    return f"{wanted['steps']} steps, guidance {wanted['guidance']:g} and the sampler {SAMPLERS[wanted['sampler']]}"


def too_much(sampling: Sampling, wanted: dict[str, Any]) -> bool:
    """Whether pictures come out burnt or take far longer than a LoRA needs that asks for `wanted`."""
    return sampling.guidance > wanted["guidance"] + 2 or sampling.steps > 4 * wanted["steps"]


@lru_cache(maxsize=256)
def _asked(file: str, _state: tuple[int, int], fills: bool) -> dict[str, Any]:
    try:
        kind = identify(read_header(Path(file)))
    except UserError:
        return {}
    if kind.part is not Part.LORA or not kind.few_steps:
        return {}
    guided = kind.family is Family.FLUX  # what is distilled further is dev, and reads how strongly it is guided
    usual = usual_sampling(kind.family, kind.few_steps, Path(file).stem, guided, fills)
    return {name: usual[name] for name in ("steps", "guidance", "sampler", "method") if name in usual}


def _state(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size
