"""The verb upscale: a picture enlarged, with detail that the model adds."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from paintdiff.cli.add_ons import add_add_ons
from paintdiff.cli.again import add_recipe, asked_recipe, framed_as
from paintdiff.cli.controls import add_controls
from paintdiff.cli.inputs import read_mask, read_picture
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
from paintdiff.document.edits import set_frame
from paintdiff.document.enlarging import enlarged
from paintdiff.generation.modes import MODES

SCALES = (2, 4)


@dataclass(frozen=True)
class Upscale:
    name: str = "upscale"
    help: str = "enlarge a picture and add detail; shrunk again it is the same"
    about: str = (
        f"{MODES['upscale'].help} A mask says where, in pixels of the small picture; without one, everywhere. --frame "
        "counts pixels of the large one."
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_image(parser)
        add_out(parser)
        parser.add_argument("--scale", type=int, choices=SCALES, help=f"how many times larger ({SCALES[0]})")
        add_mask(parser)
        add_sampling(parser, {"strength": MODES["upscale"].strength, **MODES["upscale"].defaults})
        add_model(parser)
        add_add_ons(parser)
        add_controls(parser)
        add_framing(parser)
        add_recipe(parser)
        add_reporting(parser)

    def run(self, options: argparse.Namespace) -> None:
        recipe = asked_recipe(options, self.name)
        sampling = read_sampling(options, recipe.sampling if recipe else None)
        scale = options.scale or (recipe.scale if recipe else SCALES[0])
        outputs = output_paths(options.out, sampling.candidates)
        document = read_picture(options.image)
        if options.mask is not None:
            document = add(document, read_mask(options.mask, document.canvas), 0, 0)
        document = enlarged(document, scale)
        if options.frame is not None:
            document = set_frame(document, options.frame)
        elif recipe is not None:
            document = framed_as(document, recipe)
        paint(document, "upscale", sampling, outputs, options, scale, recipe=recipe)


UPSCALE = Upscale()
