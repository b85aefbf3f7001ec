"""The verb encode: a picture becomes the noise that the model turns into it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from paintdiff.cli.add_ons import add_add_ons, read_add_ons
from paintdiff.cli.inputs import read_mask, read_picture
from paintdiff.cli.outputs import check_place
from paintdiff.cli.parser import (
    add_image,
    add_mask,
    add_model,
    add_reporting,
    add_sampling,
    frame,
    read_sampling,
)
from paintdiff.cli.whole_frame import whole_frame
from paintdiff.document.change_map import add
from paintdiff.document.compose import compose
from paintdiff.document.edits import set_frame
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.errors import UserError

SUFFIX = ".safetensors"
SETTINGS = ("prompt", "steps", "sampler", "spacing", "tolerance", "seed")


@dataclass(frozen=True)
class Encode:
    name: str = "encode"
    help: str = "find the noise that the model turns into a picture, to decode it with another prompt"
    about: str = (
        "Walk a picture back to its noise, its code. The prompt says what the picture shows. DDIM, each of its steps "
        "turned around exactly, or the adaptive solver. The file carries the picture too."
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_image(parser)
        parser.add_argument("--out", required=True, metavar="FILE", help=f"the {SUFFIX} file to write the code to")
        add_mask(parser)
        add_sampling(parser, {"steps": 50, "sampler": "ddim"}, SETTINGS)
        add_model(parser)
        add_add_ons(parser)
        parser.add_argument("--frame", type=frame, metavar="X,Y,W,H", help="what the model sees, in picture pixels")
        add_reporting(parser)

    def run(self, options: argparse.Namespace) -> None:
        settings, add_ons = read_sampling(options), read_add_ons(options)
        sampling = replace(settings, source=settings.prompt, guidance=1.0, strength=1.0, candidates=1)
        out = code_path(options.out)
        document = read_picture(options.image)
        mask = None if options.mask is None else read_mask(options.mask, document.canvas)
        if mask is not None:
            document = add(document, mask, 0, 0)
        if options.frame is not None:
            document = set_frame(document, options.frame)

        engine, info, request = whole_frame(document, sampling, add_ons, options)
        from paintdiff.engine.code_file import CodedPicture, write_code

        start = time.perf_counter()
        code = engine.encode(request, lambda progress: None, CancelToken())
        seconds = time.perf_counter() - start
        write_code(out, CodedPicture(code, compose(document, document.canvas), mask, request.frame, sampling))
        if options.json:
            report = {
                "output": str(out), "model": info.name, "device": info.device, "seconds": round(seconds, 4),
                "network_evaluations": code.evaluations, "round_trip_rms_levels": round(code.round_trip, 4),
                "shape": list(code.noise.shape),
            }  # fmt: skip
            print(json.dumps(report, indent=2))
        else:
            print(
                f"paintdiff: wrote {out}; decoded as it is, the picture comes back to within {code.round_trip:.2f} of "
                f"255 levels (root mean square); {seconds:.1f} s, {code.evaluations} network evaluations.",
                file=sys.stderr,
            )


def code_path(out: str) -> Path:
    """Raises `UserError` for a name that no code can be written to."""
    path = Path(out)
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"Codes are kept in {SUFFIX} files: name the output {path.stem or 'code'}{SUFFIX}.")
    check_place(path)
    return path


ENCODE = Encode()
