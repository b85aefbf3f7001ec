"""What is put on top of the model: LoRAs and another autoencoder, by file or by the name they have in the folders."""

from __future__ import annotations

import argparse

from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.errors import UserError
from paintdiff.models.catalogue import find_add_on
from paintdiff.models.families import Part


def add_add_ons(parser: argparse.ArgumentParser) -> None:
    """--lora, as often as one likes, and --vae; see `read_add_ons`."""
    parser.add_argument(
        "--lora", action="append", default=[], metavar="NAME[:WEIGHT]",
        help="a LoRA, by its file or its name in the folders of models, and how strongly it counts (1); can be given "
        "several times; <lora:name:0.8> in the prompt does the same",
    )  # fmt: skip
    parser.add_argument(
        "--vae", default="", metavar="NAME",
        help="another autoencoder than the model's own: a .safetensors file, a folder, or a name in the folders of "
        "models",
    )  # fmt: skip


def read_add_ons(options: argparse.Namespace) -> AddOns:
    """The add-ons that the options name. Raises `UserError` for what is nowhere to be found."""
    vae = str(find_add_on(options.vae, Part.VAE).absolute()) if options.vae else ""
    return AddOns(tuple(map(_lora, options.lora)), vae=vae)


def _lora(text: str) -> Lora:
    name, colon, number = text.rpartition(":")
    try:
        weight = float(number) if colon else 1.0
    except ValueError:
        name, weight = text, 1.0  # a path may have a colon in it
    if not colon:
        name = text
    if not name:
        raise UserError(f"--lora {text!r} names no LoRA: give a file or a name, and a weight behind a colon.")
    return Lora(str(find_add_on(name, Part.LORA).absolute()), weight)
