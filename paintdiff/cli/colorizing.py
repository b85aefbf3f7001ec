"""The verb colorize: a grey picture gets colour, led by a prompt and by colours brushed over it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from paintdiff.cli.add_ons import add_add_ons
from paintdiff.cli.again import add_recipe, asked_recipe, framed_as
from paintdiff.cli.controls import add_controls
from paintdiff.cli.inputs import read_hints, read_mask, read_picture
from paintdiff.cli.outputs import output_paths
from paintdiff.cli.painting import paint
from paintdiff.cli.parser import (
    add_framing,
    add_image,
    add_mask,
    add_model,
    add_out,
    add_reporting,
    add_sampling,
    read_sampling,
)
from paintdiff.document.change_map import add
from paintdiff.document.document import Layer
from paintdiff.document.edits import set_frame
from paintdiff.document.hints import HINTS, with_hint_layer
from paintdiff.generation.modes import MODES
from paintdiff.image.tiles import Tiles


@dataclass(frozen=True)
class Colorize:
    name: str = "colorize"
    help: str = "give a grey picture colour; its brightness stays as it is"
    about: str = f"{MODES['colorize'].help} Without a mask all of it is colorized."

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_image(parser)
        add_out(parser)
        parser.add_argument(
            "--hints", metavar="FILE",
            help="colours that lead, brushed on transparent ground or over the grey picture, of its size; only their "
            "hue and saturation count",
        )  # fmt: skip
        add_mask(parser)
        add_sampling(parser, {"strength": MODES["colorize"].strength, **MODES["colorize"].defaults})
        add_model(parser)
        add_add_ons(parser)
        add_controls(parser)
        add_framing(parser)
        add_recipe(parser)
        add_reporting(parser)

    def run(self, options: argparse.Namespace) -> None:
        recipe = asked_recipe(options, self.name)
        sampling = read_sampling(options, recipe.sampling if recipe else None)
        outputs = output_paths(options.out, sampling.candidates)
        document = read_picture(options.image)
        if options.mask is not None:
            document = add(document, read_mask(options.mask, document.canvas), 0, 0)
        if options.frame is not None:
            document = set_frame(document, options.frame)
        elif recipe is not None:
            document = framed_as(document, recipe)
        if options.hints is not None:
            hints = Tiles.from_array(read_hints(options.hints, document.canvas))
            document = with_hint_layer(document, Layer(HINTS, hints))
        paint(document, "colorize", sampling, outputs, options, recipe=recipe)


COLORIZE = Colorize()
