"""Options: the parser that complains in one sentence, and the options that several verbs share."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import AUTO, MEMORY, PRECISIONS, RUNGS, Placing
from paintdiff.generation.request import BUNDLED_MODEL
from paintdiff.generation.sampling import Parameter, Sampling, parameters
from paintdiff.image.geometry import Rect

MODELS_SAY = ("steps", "guidance", "sampler")  # a checkpoint has values of its own for these
FEATHER = 8  # pixels
# What other programs call options of ours.
ELSEWHERE = {
    "cfg": "guidance", "cfg-scale": "guidance", "guidance-scale": "guidance", "scale": "guidance",
    "denoise": "strength", "denoising-strength": "strength", "sampling-steps": "steps", "num-inference-steps": "steps",
    "scheduler": "sampler", "sampling-method": "sampler", "ckpt": "model", "checkpoint": "model", "batch": "candidates",
    "batch-size": "candidates", "count": "candidates", "init-image": "image", "input": "image", "output": "out",
    "mask-image": "mask", "dtype": "precision", "controlnet": "control",
}  # fmt: skip
MASKS = "white repaints, black keeps, grey is strength; transparent pixels keep; it must have the size of the picture"


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one sentence."""

    def like(self, unknown: str) -> str:
        """The option that was likely meant by one that is not known, or ""."""
        written = unknown.partition("=")[0]
        known = [flag for flag in self._option_string_actions if flag.startswith("--")]
        elsewhere = f"--{ELSEWHERE.get(written.lstrip('-').replace('_', '-'))}"
        if elsewhere in known:
            return elsewhere
        begun = [flag for flag in known if flag.startswith(written) or written.startswith(f"{flag}-")]
        return next(iter(begun or difflib.get_close_matches(written, known, 1, 0.85)), "")

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--image", required=True, metavar="FILE", help="the picture to work on")


def add_out(parser: argparse.ArgumentParser) -> None:
    """--out for results; see `outputs.output_paths`."""
    parser.add_argument(
        "--out", required=True, metavar="FILE",
        help="the PNG to write, with the recipe as text inside; further candidates get -2, -3, … before the ending",
    )  # fmt: skip


def add_mask(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """--mask; see `inputs.read_mask`."""
    parser.add_argument("--mask", required=required, metavar="FILE", help=MASKS)


def add_sampling(
    parser: argparse.ArgumentParser, defaults: Mapping[str, Any], names: Sequence[str] | None = None
) -> None:
    """A flag for each sampling parameter, or for those in `names`; `defaults` wins over the parameter's own.

    Candidates are 1 unless `defaults` says otherwise.
    """
    settings: dict[str, Any] = {}
    for name, item in parameters().items():
        if names is None or name in names:
            own = 1 if name == "candidates" else getattr(Sampling, name)
            settings[name] = defaults.get(name, own)
            _add_parameter(parser, name, item, settings[name])
    parser.set_defaults(sampling_defaults=settings)


def read_sampling(options: argparse.Namespace, before: Sampling | None = None) -> Sampling:
    """The flags of `add_sampling`; those that were not given are as `before`, else the verb's defaults.

    Raises `UserError` for a value out of range.
    """
    settings = options.sampling_defaults if before is None else asdict(before)
    return Sampling(**settings | {name: getattr(options, name) for name in parameters() if hasattr(options, name)})


def add_model(parser: argparse.ArgumentParser) -> None:
    about = "a name that the verb models lists, a folder, a .safetensors file, or owner/name on the hub (%(default)s)"
    parser.add_argument("--model", default=BUNDLED_MODEL, help=about)
    add_device(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cuda, rocm, xpu, mps or cpu (%(default)s)")
    parser.add_argument(
        "--memory", default=AUTO, choices=list(MEMORY), metavar="RUNG",
        help="how much memory a checkpoint may take, each less and slower than the one before: "
        f"{', '.join(f'{name} ({what})' for name, what in RUNGS.items())}; %(default)s takes the first that fits",
    )  # fmt: skip
    parser.add_argument(
        "--precision", default=AUTO, type=_precision, choices=list(PRECISIONS), metavar="TYPE",
        help=f"what a checkpoint computes in: {', '.join(PRECISIONS)} (%(default)s); bf16, fp16, fp32 and fp8 will do",
    )  # fmt: skip
    parser.add_argument("--compile", action="store_true", help="compile the network on CUDA: a slow first run")


def read_placing(options: argparse.Namespace) -> Placing:
    """The flags of `add_device` but the device itself."""
    return Placing(options.memory, options.precision, options.compile)


def add_framing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frame", type=frame, metavar="X,Y,W,H", help="what the model sees, in picture pixels")
    add_feather(parser)


def add_feather(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feather", type=count, metavar="N", help=f"blend over N pixels ({FEATHER})")


def add_reporting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a report as JSON on stdout")
    parser.add_argument("--debug", action="store_true", help="show where an error happened")


def count(text: str) -> int:
    """A whole number of pixels, as an argparse type."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of pixels from 0 up")
    return int(text)


def frame(text: str) -> Rect:
    """X,Y,W,H, as an argparse type."""
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y,W,H in whole pixels") from error
    if w < 1 or h < 1:
        raise argparse.ArgumentTypeError(f"{text!r} has no pixels in it")
    return Rect(x, y, w, h)


def _precision(text: str) -> str:
    """A precision by its own name or its short one: bf16, fp16, fp32, fp8."""
    return re.sub(r"^(b?)fp?(?=(8|16|32)$)", lambda match: f"{match[1]}float", text.lower())


def _add_parameter(parser: argparse.ArgumentParser, name: str, item: Parameter, default: Any) -> None:
    kinds = {"text": str, "choice": str, "int": int, "float": float}
    number = item.kind in ("int", "float")
    limits = f"{item.minimum:.10g} to {item.maximum:.10g}, " if number else ""
    usual = f"{default:.10g}" if number else default or repr(default)
    usual += ", or what the model wants" * (name in MODELS_SAY)
    # the range itself is checked by Sampling, in the same words as everywhere
    parser.add_argument(
        f"--{name.replace('_', '-')}", dest=name, type=kinds[item.kind], default=argparse.SUPPRESS,
        choices=list(item.choices) or None, metavar=None if item.choices else {"text": "TEXT"}.get(item.kind, "N"),
        help=f"{item.help.rstrip('.')} ({limits}default {usual})".replace("%", "%%"),
    )  # fmt: skip
