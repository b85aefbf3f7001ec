"""What is known of an add-on before it is loaded: a LoRA, an autoencoder, words, a ControlNet, an IP-Adapter."""

from __future__ import annotations

from dataclasses import dataclass

from paintdiff.generation.model_card import Family
from paintdiff.models.families import Part

ADD_ONS = (Part.LORA, Part.VAE, Part.TINY_VAE, Part.EMBEDDING, Part.CONTROLNET, Part.IP_ADAPTER)


@dataclass(frozen=True)
class AddOnCard:
    """One file or diffusers folder that changes a model.

    `source` is its path; `name` what a prompt calls it, the file's name without its ending. `part` is one of `ADD_ONS`;
    `family` what it fits, UNKNOWN where nothing tells. `words` trigger it, as far as the file says so. `problem` is
    why it cannot be used, in a sentence, or "".
    """

    source: str
    name: str
    part: Part
    family: Family = Family.UNKNOWN
    size_bytes: int = 0
    words: str = ""
    licence: str = ""
    problem: str = ""
