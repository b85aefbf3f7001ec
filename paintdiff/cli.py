"""The command line: the window's own path from picture file to PNG, without the window and without Qt."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np

from paintdiff import __version__
from paintdiff.document.change_map import add
from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.document.edits import accept, set_frame
from paintdiff.document.files import open_picture
from paintdiff.document.requests import make_request
from paintdiff.document.save import export_png
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError
from paintdiff.generation.modes import MODES
from paintdiff.generation.request import BUNDLED_MODEL, Request
from paintdiff.generation.result import Progress, Result
from paintdiff.generation.sampling import Parameter, Sampling, parameters
from paintdiff.image.blending import over_matte
from paintdiff.image.geometry import Rect

SIDES = ("left", "top", "right", "bottom")
MASKS = "white repaints, black keeps, grey is strength; transparent pixels keep; it must have the size of the picture"


@dataclass(frozen=True)
class Verb:
    """A verb of the command line and the mode that it stands for. `mask` is "required", "optional" or ""."""

    name: str
    mode: str
    help: str
    mask: str


VERBS = (
    Verb("inpaint", "inpaint", "repaint what a mask covers", "required"),
    Verb("outpaint", "outpaint", "let the picture go on past its edges", ""),
    Verb("sdedit", "renoise", "send the picture, or what a mask covers, part of the way back in time", "optional"),
)


def main(argv: Sequence[str]) -> int:
    """Run one verb. Returns 0, or with one sentence on stderr 2 for bad input, 1 for a fault of ours, 130 on Ctrl-C."""
    debug = "--debug" in argv or bool(os.environ.get("PAINTDIFF_DEBUG"))
    try:
        if argv[:1] == ["bench"]:
            from paintdiff.bench.__main__ import main as bench

            return bench(list(argv[1:]))
        options = _parser().parse_args(argv)
        _run(options, next(verb for verb in VERBS if verb.name == options.verb))
        return 0
    except KeyboardInterrupt:
        print("\npaintdiff: stopped; nothing was half-written.", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, UserError):
            print(f"paintdiff: {error}", file=sys.stderr)
            return 2
        where = "" if debug else " (run it again with --debug to see where)"
        print(f"paintdiff: An internal error: {type(error).__name__}: {error}{where}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, verb: Verb) -> None:
    # Everything that can be wrong with the input is found before torch is loaded.
    sampling = Sampling(**{name: getattr(options, name) for name in parameters()})
    outputs = _output_paths(options.out, sampling.candidates)
    opened = open_picture(options.image)
    for notice in opened.notices:
        print(f"paintdiff: {notice}", file=sys.stderr)
    document = _prepared(opened.document, options, verb)

    from paintdiff.engine.engine import DiffusionEngine

    engine = DiffusionEngine()
    start = time.perf_counter()
    info = engine.load(options.model, options.device)
    seconds = {"load": time.perf_counter() - start}
    request = make_request(
        document, verb.mode, sampling, model=options.model, device=options.device, feather=options.feather,
        size=info.size,
    )
    bar = ProgressBar()
    try:
        result = engine.generate(request, bar.show, CancelToken())
    finally:
        bar.close()
    start = time.perf_counter()
    for path, candidate in zip(outputs, result.candidates, strict=True):
        export_png(path, accept(document, candidate), candidate.recipe)
    seconds = result.report.seconds | seconds | {"export": time.perf_counter() - start}
    if options.json:
        print(json.dumps(_report(request, result, info.name, seconds, outputs), ensure_ascii=False, indent=2))
    else:
        _summarize(result, seconds, outputs)


def _prepared(document: Document, options: argparse.Namespace, verb: Verb) -> Document:
    """The document with the mask and the frame that the options ask for."""
    if verb.mask and options.mask is not None:
        document = add(document, read_mask(options.mask, document.canvas), 0, 0)
    if verb.name == "outpaint":
        grown = {side: getattr(options, side) for side in SIDES}
        if not any(grown.values()) and options.frame is None:
            raise UserError("Say how far to go on: --left, --top, --right or --bottom with a number of pixels.")
        if options.frame is None:
            document = set_frame(document, outpaint_frame(document.canvas, **grown))
        elif any(grown.values()):
            raise UserError("Give either --frame or how far to go on to the sides, not both.")
    if options.frame is not None:
        document = set_frame(document, options.frame)
    return document


def read_mask(path: str, canvas: Rect) -> np.ndarray:
    """A mask file as a change map, (h, w) uint8: its luma, over black. Raises `UserError` for a wrong or black one."""
    mask = open_picture(path).document
    if mask.canvas.shape != canvas.shape:
        raise UserError(
            f"The mask {path} is {mask.canvas.w}×{mask.canvas.h} pixels and the picture {canvas.w}×{canvas.h}; "
            "they must be of one size."
        )
    grey = cv2.cvtColor(over_matte(compose(mask, mask.canvas), (0, 0, 0)), cv2.COLOR_RGB2GRAY)
    if not grey.any():
        raise UserError(
            f"The mask {path} is black or transparent everywhere, so nothing would change: paint white where to "
            "repaint, or use sdedit without a mask to work on the whole picture."
        )
    return grey


def outpaint_frame(canvas: Rect, left: int, top: int, right: int, bottom: int) -> Rect:
    """The grown canvas; where it grows on one side alone, only as much of the picture as makes a square of it.

    The model sees the frame at its own size: what is far from the new part would only cost it sharpness.
    """
    full = Rect.from_edges(canvas.x - left, canvas.y - top, canvas.right + right, canvas.bottom + bottom)
    if sum(side > 0 for side in (left, top, right, bottom)) != 1:
        return full
    side = max(min(canvas.w, canvas.h), 2 * max(left, top, right, bottom))
    width, height = (min(full.w, side), full.h) if left or right else (full.w, min(full.h, side))
    return Rect(full.right - width if right else full.x, full.bottom - height if bottom else full.y, width, height)


def _output_paths(out: str, count: int) -> list[Path]:
    """out.png, out-2.png, … Raises `UserError` for a name that no PNG can be written to."""
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise UserError(f"Results are PNG files, with the recipe inside: name the output {path.stem or 'out'}.png.")
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} for the output is not there.")
    if path.is_dir():
        raise UserError(f"{path} is a folder: choose a file name inside it.")
    return [path, *(path.with_name(f"{path.stem}-{k}{path.suffix}") for k in range(2, count + 1))]


def _report(
    request: Request, result: Result, model: str, seconds: dict[str, float], outputs: list[Path]
) -> dict[str, Any]:
    report = result.report
    return {
        "outputs": [str(path) for path in outputs],
        "model": model,
        "device": report.device,
        "frame": [request.frame.x, request.frame.y, request.frame.w, request.frame.h],
        "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
        "network_evaluations": report.network_evaluations,
        "kept_pixels": report.kept_pixels,
        "kept_pixels_changed": report.kept_pixels_changed,
        "recipes": [candidate.recipe.to_json() for candidate in result.candidates],
    }


def _summarize(result: Result, seconds: dict[str, float], outputs: list[Path]) -> None:
    report = result.report
    if not any(candidate.patch[..., 3].any() for candidate in result.candidates):
        print("paintdiff: At this strength nothing changes; the picture was written as it is.", file=sys.stderr)
    kept = f"all {report.kept_pixels} kept pixels are unchanged" if report.kept_pixels else "the whole frame is new"
    print(
        f"paintdiff: wrote {', '.join(map(str, outputs))}; {kept}; "
        f"{seconds.get('sampling', 0):.1f} s on {report.device}, {report.network_evaluations} network evaluations.",
        file=sys.stderr,
    )


class ProgressBar:
    """Progress on stderr: a bar on a terminal, elsewhere one line for each quarter of the way."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._start = time.perf_counter()
        self._quarter = 0
        self._open = False

    def show(self, progress: Progress) -> None:
        if progress.stage != "sampling" or progress.step == 0:
            return
        part = progress.step / progress.steps
        left = (time.perf_counter() - self._start) * (1 / part - 1)
        text = f"step {progress.step}/{progress.steps}, {left:.0f} s left"
        if self._terminal:
            self._open = True
            print(f"\r[{'█' * round(30 * part):<30}] {text}\033[K", end="", file=sys.stderr, flush=True)
        elif int(4 * part) > self._quarter:
            self._quarter = int(4 * part)
            print(f"paintdiff: {text}", file=sys.stderr)

    def close(self) -> None:
        if self._open:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def _parser() -> Parser:
    parser = Parser(
        "paintdiff", allow_abbrev=False,
        description="Paint with diffusion. Without a verb, opens the window (on a picture, if one is named).",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"PaintDiff {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        about = MODES[verb.mode].help
        _add_verb(verbs.add_parser(verb.name, help=verb.help, description=about, allow_abbrev=False), verb)
    verbs.add_parser("bench", help="measure the program on this machine and print a table", add_help=False)
    return parser


def _add_verb(parser: argparse.ArgumentParser, verb: Verb) -> None:
    parser.add_argument("--image", required=True, metavar="FILE", help="the picture to work on")
    parser.add_argument(
        "--out", required=True, metavar="FILE",
        help="the PNG to write, with the recipe as text inside; further candidates get -2, -3, … before the ending",
    )  # fmt: skip
    if verb.mask:
        parser.add_argument("--mask", required=verb.mask == "required", metavar="FILE", help=MASKS)
    if verb.name == "outpaint":
        for side in SIDES:
            parser.add_argument(f"--{side}", type=_count, default=0, metavar="N", help=f"go on {side} by N pixels")
    defaults = {"candidates": 1, "strength": MODES[verb.mode].strength}
    for name, item in parameters().items():
        _add_parameter(parser, name, item, defaults.get(name, getattr(Sampling, name)))
    parser.add_argument("--model", default=BUNDLED_MODEL, help="a bundled model or a folder (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cuda, xpu, mps or cpu (%(default)s)")
    parser.add_argument("--frame", type=_frame, metavar="X,Y,W,H", help="what the model sees, in picture pixels")
    parser.add_argument("--feather", type=_count, default=8, metavar="N", help="blend over N pixels (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print a report as JSON on stdout")
    parser.add_argument("--debug", action="store_true", help="show where an error happened")


def _add_parameter(parser: argparse.ArgumentParser, name: str, item: Parameter, default: Any) -> None:
    kinds = {"text": str, "choice": str, "int": int, "float": float}
    limits = f"{item.minimum} to {item.maximum}, " if item.kind in ("int", "float") else ""
    # the range itself is checked by Sampling, in the same words as everywhere
    parser.add_argument(
        f"--{name}", type=kinds[item.kind], default=default, choices=list(item.choices) or None,
        metavar=None if item.choices else {"text": "TEXT"}.get(item.kind, "N"),
        help=f"{item.help.rstrip('.')} ({limits}default {default or repr(default)})".replace("%", "%%"),
    )  # fmt: skip


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of pixels from 0 up")
    return int(text)


def _frame(text: str) -> Rect:
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not X,Y,W,H in whole pixels") from error
    if w < 1 or h < 1:
        raise argparse.ArgumentTypeError(f"{text!r} has no pixels in it")
    return Rect(x, y, w, h)
