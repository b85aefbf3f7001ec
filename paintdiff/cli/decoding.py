"""The verb decode: a code becomes a picture again, with its own prompt or another, or on the way to another code."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from paintdiff.cli.add_ons import add_add_ons
from paintdiff.cli.inputs import read_mask
from paintdiff.cli.outputs import output_paths
from paintdiff.cli.painting import paint
from paintdiff.cli.parser import add_device, add_feather, add_mask, add_out, add_reporting, add_sampling, read_sampling
from paintdiff.document.change_map import add
from paintdiff.document.document import Document, Layer
from paintdiff.document.edits import set_frame
from paintdiff.generation.code import Code
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import EDIT
from paintdiff.generation.prompt_tags import split_tags
from paintdiff.generation.sampling import Sampling
from paintdiff.image.geometry import Rect
from paintdiff.image.tiles import Tiles

if TYPE_CHECKING:
    from paintdiff.engine.code_file import CodedPicture


@dataclass(frozen=True)
class Decode:
    name: str = "decode"
    help: str = "make a picture from its code, with another prompt or on the way to another code"
    about: str = (
        "Make a picture from a code. Without a prompt it comes back as it was; with one it becomes what the prompt "
        f"says, at a guidance of {Sampling.guidance:g} if none is given. Settings that are not given are those it was "
        "encoded with."
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--code", required=True, metavar="FILE", help="the code, written by encode")
        parser.add_argument("--code-2", metavar="FILE", help="another picture's code, of the same model")
        parser.add_argument(
            "--mix", type=_share, metavar="N", help="how far to go from --code (0) to --code-2 (1); 0.5 is half-way"
        )
        add_out(parser)
        add_mask(parser)
        add_sampling(parser, {})
        add_device(parser)
        add_add_ons(parser)
        add_feather(parser)
        add_reporting(parser)

    def run(self, options: argparse.Namespace) -> None:
        from paintdiff.engine.code_file import read_code

        coded = read_code(Path(options.code))
        sampling = read_sampling(options, coded.sampling)
        if split_tags(sampling.prompt)[0] != coded.code.source and not hasattr(options, "guidance"):
            sampling = replace(sampling, guidance=Sampling.guidance)
        outputs = output_paths(options.out, sampling.candidates)
        code = _mixed(coded, options)
        document = _document(coded)
        mask = coded.change_map if options.mask is None else read_mask(options.mask, document.canvas)
        if mask is not None:
            document = add(document, mask, 0, 0)
        options.model = code.model
        paint(document, EDIT, sampling, outputs, options, code=code)


def _mixed(coded: CodedPicture, options: argparse.Namespace) -> Code:
    """The code that --code, --code-2 and --mix ask for. Raises `UserError` where they do not fit together."""
    if (options.code_2 is None) != (options.mix is None):
        raise UserError("Give --code-2 and --mix together: the other code, and how far to go towards it.")
    if options.code_2 is None:
        return coded.code
    from paintdiff.engine.code_file import read_code
    from paintdiff.engine.inversion import mixed

    other = read_code(Path(options.code_2)).code
    if (other.model, other.noise.shape) != (coded.code.model, coded.code.noise.shape):
        raise UserError(
            f"{options.code_2} is a code of the model {other.model} and {options.code} of {coded.code.model}; both "
            "must be of one."
        )
    return mixed(coded.code, other, options.mix)


def _document(coded: CodedPicture) -> Document:
    height, width = coded.picture.shape[:2]
    document = Document(Rect(0, 0, width, height), (Layer("Picture", Tiles.from_array(coded.picture)),))
    return set_frame(document, coded.frame)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


DECODE = Decode()
