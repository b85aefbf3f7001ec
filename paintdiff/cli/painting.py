"""The verbs that paint: inpaint, outpaint and sdedit, one masked operation with three sets of defaults."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paintdiff.cli.add_ons import add_add_ons, read_add_ons
from paintdiff.cli.again import add_recipe, asked_recipe, differences, framed_as, windowed_as
from paintdiff.cli.branching import add_branching, keep_trajectories, read_branch, trajectory_paths
from paintdiff.cli.controls import add_controls, check_controls, led
from paintdiff.cli.fetching import make_ready
from paintdiff.cli.inputs import read_mask, read_picture
from paintdiff.cli.outputs import export, output_paths, show
from paintdiff.cli.parser import (
    FEATHER,
    add_framing,
    add_image,
    add_mask,
    add_model,
    add_out,
    add_reporting,
    add_sampling,
    count,
    read_placing,
    read_sampling,
)
from paintdiff.cli.progress_bar import ProgressBar
from paintdiff.document.change_map import add
from paintdiff.document.document import Document
from paintdiff.document.edits import set_frame
from paintdiff.document.hints import without_hints
from paintdiff.document.requests import make_request
from paintdiff.generation.add_ons import AddOns, Lora
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.code import Code
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_defaults import suited
from paintdiff.generation.modes import MODES
from paintdiff.generation.prompt_tags import split_tags
from paintdiff.generation.request import BUNDLED_MODEL, WHITE, Recipe
from paintdiff.generation.sampling import Sampling, has_effect, parameters
from paintdiff.generation.trajectory import Branch
from paintdiff.image.geometry import Rect
from paintdiff.models.catalogue import find_add_on
from paintdiff.models.families import Part
from paintdiff.models.usual import asked_by_loras, described

SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Painting:
    """A verb and the mode that it stands for. `mask` is "required", "optional" or ""."""

    name: str
    mode: str
    help: str
    mask: str

    @property
    def about(self) -> str:
        return MODES[self.mode].help

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_image(parser)
        add_out(parser)
        if self.mask:
            add_mask(parser, self.mask == "required")
        if self.name == "outpaint":
            for side in SIDES:
                parser.add_argument(f"--{side}", type=count, default=0, metavar="N", help=f"go on {side} by N pixels")
        add_sampling(parser, {"strength": MODES[self.mode].strength, **MODES[self.mode].defaults}, self._settings)
        add_model(parser)
        add_add_ons(parser)
        add_controls(parser)
        add_framing(parser)
        add_recipe(parser)
        add_branching(parser)
        add_reporting(parser)

    @property
    def _settings(self) -> list[str]:
        """The parameters that have a say in the mode."""
        return [
            name for name, item in parameters().items()
            if item.needs is None or item.needs[0] != "mode" or has_effect(name, {}, self.mode)
        ]  # fmt: skip

    def run(self, options: argparse.Namespace) -> None:
        # Everything that can be wrong with the input is found before torch is loaded.
        branch = read_branch(options)
        recipe = asked_recipe(options, self.mode) if branch is None else None
        sampling = read_sampling(options, branch.trajectory.sampling if branch else recipe.sampling if recipe else None)
        outputs, runs = output_paths(options.out, sampling.candidates), trajectory_paths(options, sampling.candidates)
        if branch is not None:
            self._follow(branch, options)
        document = self._prepared(read_picture(options.image), options, recipe)
        paint(document, self.mode, sampling, outputs, options, branch=branch, runs=runs, recipe=recipe)

    def _follow(self, branch: Branch, options: argparse.Namespace) -> None:
        """Let options that were not given be those of the earlier run."""
        if options.model == BUNDLED_MODEL:
            options.model = branch.trajectory.model
        if options.frame is None and not any(getattr(options, side, 0) for side in SIDES):
            options.frame = branch.trajectory.frame

    def _prepared(self, document: Document, options: argparse.Namespace, recipe: Recipe | None) -> Document:
        """The document with the mask and the frame that the options ask for, or the recipe."""
        if self.mask and options.mask is not None:
            document = add(document, read_mask(options.mask, document.canvas), 0, 0)
        if recipe is not None and options.frame is None and not any(getattr(options, side, 0) for side in SIDES):
            return framed_as(document, recipe)
        if self.name == "outpaint":
            grown = {side: getattr(options, side) for side in SIDES}
            if not any(grown.values()) and options.frame is None:
                raise UserError("Say how far to go on: --left, --top, --right or --bottom with a number of pixels.")
            if options.frame is None:
                document = set_frame(document, grown_by(document.canvas, **grown))
            elif any(grown.values()):
                raise UserError("Give either --frame or how far to go on to the sides, not both.")
        if options.frame is not None:
            document = set_frame(document, options.frame)
        return document


INPAINT = Painting("inpaint", "inpaint", "repaint what a mask covers", "required")
OUTPAINT = Painting("outpaint", "outpaint", "let the picture go on past its edges", "")
SDEDIT = Painting(
    "sdedit", "renoise", "send the picture, or what a mask covers, part of the way back in time", "optional"
)


EDIT = Painting("edit", "edit", "walk a picture back to its noise and make it anew with another prompt", "optional")


def paint(
    document: Document, mode: str, sampling: Sampling, outputs: Sequence[Path], options: argparse.Namespace,
    scale: int = 1, branch: Branch | None = None, runs: Sequence[Path] = (), code: Code | None = None,
    recipe: Recipe | None = None,
) -> None:
    """Generate for `document`, write every candidate into it to `outputs`, and its steps to `runs`, and report."""
    earlier = recipe if branch is None else branch.trajectory
    add_ons, run = read_add_ons(options), AddOns() if earlier is None else earlier.add_ons
    check_controls(options, document, run)
    make_ready(options)
    from paintdiff.engine.engine import DiffusionEngine

    engine, placing = DiffusionEngine(), read_placing(options)
    start = time.perf_counter()
    info = engine.load(options.model, options.device, placing)
    seconds = {"load": time.perf_counter() - start}
    if earlier is None and code is None:  # which go on with what they were begun with
        given = [name for name in parameters() if hasattr(options, name)]
        sampling = suited(sampling, {**info.defaults, **_asked(add_ons, sampling, info)}, mode, given)
    request = make_request(
        document, mode, sampling, model=options.model, device=options.device, size=info.size, scale=scale,
        feather=options.feather if options.feather is not None else FEATHER if recipe is None else recipe.feather,
        placing=placing, matte=WHITE if recipe is None else recipe.matte,
    )  # fmt: skip
    request = request if recipe is None else windowed_as(request, recipe)
    request = led(replace(request, branch=branch, code=code, add_ons=add_ons.following(run)), document, options)
    bar = ProgressBar()
    try:
        result = engine.generate(request, bar.show, CancelToken())
    finally:
        bar.close()
    notices = () if recipe is None else differences(request, recipe)
    notices += (f"{info.name} reads no prompt, so yours had no say.",) * bool(sampling.prompt and not info.text)
    result = replace(result, report=replace(result.report, notices=(*notices, *result.report.notices)))
    outputs = outputs[: len(result.candidates)]  # an edit has one outcome
    start = time.perf_counter()
    export(without_hints(document) if mode == "colorize" else document, result, outputs)
    keep_trajectories(result, runs)
    seconds = result.report.seconds | seconds | {"export": time.perf_counter() - start}
    show(request, result, info.name, seconds, outputs, options.json)


def _asked(add_ons: AddOns, sampling: Sampling, info: ModelInfo) -> dict[str, object]:
    """What a LoRA for few steps asks for, be it an option's or the prompt's; said on stderr."""
    named = [Lora(str(find_add_on(tag.name, Part.LORA)), tag.weight) for tag in split_tags(sampling.prompt)[1]]
    name, wanted = asked_by_loras((*named, *add_ons.loras), info.mask_channels)
    if name:
        print(f"paintdiff: {name} asks for {described(wanted)}: taken where you said nothing else.", file=sys.stderr)
    return wanted


def grown_by(canvas: Rect, left: int, top: int, right: int, bottom: int) -> Rect:
    """`canvas` with so many pixels more on each side."""
    return Rect.from_edges(canvas.x - left, canvas.y - top, canvas.right + right, canvas.bottom + bottom)
