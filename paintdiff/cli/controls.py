"""ControlNets and image prompts on the command line: --control with its picture, and --image-prompt."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from paintdiff.document.controls import control_picture, prompt_picture, with_shown
from paintdiff.document.document import Document
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.controls import FILE, FRAME, KINDS, Control, ImagePrompt
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Request
from paintdiff.models.catalogue import find_add_on
from paintdiff.models.controlnet import guess_kind, read_controlnet
from paintdiff.models.families import Part
from paintdiff.models.ip_adapter import find_encoder, read_adapter

KIND_LIST = ", ".join(KINDS)


def add_controls(parser: argparse.ArgumentParser) -> None:
    """Options of several, each with its own picture: what belongs to a control stands after it."""
    parser.set_defaults(controls=[])
    parser.add_argument(
        "--control", dest="controls", action=_Next, metavar="[KIND:]NETWORK[:WEIGHT[:FROM-UNTIL]]",
        help="let a ControlNet lead the shapes: a .safetensors file or a diffusers folder, how strongly (1) and from "
        "which share of the way until which (0-1), as in canny:canny.safetensors:0.8:0-0.6. Several may be given. KIND "
        f"is one of {KIND_LIST}; without it the name tells. It is shown the picture in the frame, made into such a map",
    )  # fmt: skip
    parser.add_argument(
        "--control-image", dest="controls", action=_Picture, metavar="FILE",
        help="show the --control before this another picture, to be made into a map; it is laid over the whole picture",
    )
    parser.add_argument(
        "--control-map", dest="controls", action=_Picture, metavar="FILE",
        help="show the --control before this a map that is ready, such as one of depth",
    )
    parser.add_argument("--image-prompt", metavar="FILE", help="a picture that works like a prompt; needs --ip-adapter")
    parser.add_argument(
        "--ip-adapter", metavar="FILE[:WEIGHT]", help="the IP-Adapter that reads --image-prompt, and how strongly (0.6)"
    )
    parser.add_argument(
        "--image-encoder", metavar="FOLDER",
        help="the CLIP image encoder that the IP-Adapter was trained with; without it, the folder image_encoder beside",
    )  # fmt: skip


def check_controls(options: argparse.Namespace, document: Document, run: AddOns) -> None:
    """Raise `UserError` for a network, an adapter or a picture that cannot be used: before torch is loaded.

    What leads an earlier `run` leads this one too, where the options say nothing else.
    """
    for control in _controls(options) or run.controls:
        read_controlnet(Path(control.network))
        control_picture(control.source, document, document.canvas)
    prompt = _image_prompt(options) or run.image_prompt
    if prompt is not None:
        find_encoder(read_adapter(Path(prompt.adapter)).path, prompt.encoder)
        prompt_picture(prompt.source, document)


def led(request: Request, document: Document, options: argparse.Namespace) -> Request:
    """`request` with what the options ask it to be led by, or with what leads it already."""
    own = request.add_ons
    controls, prompt = _controls(options) or own.controls, _image_prompt(options) or own.image_prompt
    return with_shown(request, document, controls, prompt) if controls or prompt is not None else request


def parsed_control(text: str, source: str = FRAME, ready: bool = False) -> Control:
    """[KIND:]NETWORK[:WEIGHT[:FROM-UNTIL]]. Raises `UserError`."""
    kind, _, rest = text.partition(":")
    if kind not in KINDS or not rest:
        kind, rest = "", text
    match = _PARTS.fullmatch(rest)
    assert match is not None
    name, weight, start, until = match.groups()
    network = _found(name, Part.CONTROLNET)
    guessed = guess_kind(network)
    if KINDS[kind or guessed].given and source == FRAME:
        other = "" if kind else f", or say another kind, as in canny:{text}"
        raise UserError(
            f"A control of the kind {kind or guessed} needs its map: give it with --control-map FILE behind --control "
            f"{text}{other}."
        )
    return Control(
        network, kind or guessed, 1.0 if weight is None else float(weight), float(start or 0),
        1.0 if until is None else float(until), source, ready,
    )  # fmt: skip


_NUMBER = r"(\d*\.?\d+)"
_PARTS = re.compile(rf"(.*?)(?::{_NUMBER})?(?::{_NUMBER}-{_NUMBER})?", re.DOTALL)


class _Next(argparse.Action):
    """Appends what is written of a control, to which its picture comes later."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), (values, FRAME, False)])


class _Picture(argparse.Action):
    """Gives the control before it its picture."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        *before, last = getattr(namespace, self.dest) or [None]
        if last is None:
            raise UserError(f"Say with --control, before {option_string}, which ControlNet {values} is for.")
        setattr(namespace, self.dest, [*before, (last[0], FILE + values, option_string == "--control-map")])


def _found(name: str, part: Part) -> str:
    """The path of a network, or what its name in one of the user's folders or in the hub's cache stands for."""
    return name if not name or Path(name).exists() else str(find_add_on(name, part))


def _controls(options: argparse.Namespace) -> tuple[Control, ...]:
    return tuple(parsed_control(*written) for written in getattr(options, "controls", ()))


def _image_prompt(options: argparse.Namespace) -> ImagePrompt | None:
    picture, adapter = getattr(options, "image_prompt", None), getattr(options, "ip_adapter", None)
    if picture is None and adapter is None and getattr(options, "image_encoder", None) is None:
        return None
    if picture is None or adapter is None:
        raise UserError("Give --image-prompt and --ip-adapter together: the picture, and what reads it.")
    match = _PARTS.fullmatch(adapter)
    assert match is not None
    weight = ImagePrompt.weight if match[2] is None else float(match[2])
    return ImagePrompt(_found(match[1], Part.IP_ADAPTER), FILE + picture, options.image_encoder or "", weight)
