"""The verb likelihood: how likely a model finds a picture, and what in it surprises."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from paintdiff.cli.add_ons import add_add_ons, read_add_ons
from paintdiff.cli.inputs import read_mask, read_picture
from paintdiff.cli.outputs import output_paths
from paintdiff.cli.parser import (
    add_image,
    add_mask,
    add_model,
    add_reporting,
    add_sampling,
    frame,
    read_sampling,
)
from paintdiff.cli.progress_bar import ProgressBar
from paintdiff.cli.whole_frame import whole_frame
from paintdiff.document.change_map import add
from paintdiff.document.document import Document
from paintdiff.document.edits import set_frame
from paintdiff.document.save import save_png
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.likelihood import Likelihood
from paintdiff.generation.request import Request
from paintdiff.image.blending import over, over_matte
from paintdiff.image.heat import brightest, colours

OPACITY = 0.8  # of the heat over the picture in grey


@dataclass(frozen=True)
class MeasureLikelihood:
    name: str = "likelihood"
    help: str = "say how likely the model finds a picture, and draw what in it surprises"
    about: str = (
        "The log-likelihood of the picture as the model sees it, and bits per number: fewer is likelier. With a mask "
        "and a model that knows masks: of what the mask covers, given the rest."
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_image(parser)
        add_mask(parser)
        parser.add_argument("--map", metavar="FILE", help="a PNG to draw the surprise to, brighter where it is larger")
        add_sampling(parser, {}, ("prompt",))
        add_model(parser)
        add_add_ons(parser)
        parser.add_argument("--frame", type=frame, metavar="X,Y,W,H", help="what the model sees, in picture pixels")
        add_reporting(parser)

    def run(self, options: argparse.Namespace) -> None:
        sampling, add_ons = read_sampling(options), read_add_ons(options)
        out = None if options.map is None else output_paths(options.map, 1)[0]
        document = self._prepared(options)

        engine, info, request = whole_frame(document, sampling, add_ons, options)
        start, bar = time.perf_counter(), ProgressBar()
        try:
            (found,) = engine.likelihood(request, (), bar.show, CancelToken())
        finally:
            bar.close()
        seconds = time.perf_counter() - start
        most = 0.0 if found.surprise is None else brightest([found.surprise])
        if out is not None and found.surprise is not None:
            save_png(out, heat_picture(request, found.surprise, most))
        if options.json:
            print(json.dumps(_report(found, out, most) | {"model": info.name, "seconds": round(seconds, 4)}, indent=2))
        else:
            print(
                f"{found.bits_per_dim:.3f} ± {found.standard_error:.3f} bits for each of {found.dimensions} numbers "
                f"({found.log_p:.1f} nats)"
            )

    def _prepared(self, options: argparse.Namespace) -> Document:
        document = read_picture(options.image)
        if options.mask is not None:
            document = add(document, read_mask(options.mask, document.canvas), 0, 0)
        return document if options.frame is None else set_frame(document, options.frame)


def heat_picture(request: Request, surprise: np.ndarray, most: float) -> np.ndarray:
    """(h, w, 3) uint8: the frame in grey, and over it the surprise (h, w), nats a pixel, `most` being the brightest."""
    grey = cv2.cvtColor(over_matte(request.picture, request.matte), cv2.COLOR_RGB2GRAY)
    ground = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    return over(ground, colours(surprise, most, OPACITY))[..., :3]


def _report(found: Likelihood, out: Path | None, most: float) -> dict[str, object]:
    report: dict[str, object] = {
        "log_p_nats": found.log_p, "bits_per_dim": found.bits_per_dim, "standard_error": found.standard_error,
        "dimensions": found.dimensions, "network_evaluations": found.evaluations,
    }  # fmt: skip
    if out is not None:
        report |= {"map": str(out), "brightest_nats_a_pixel": most}
    return report


LIKELIHOOD = MeasureLikelihood()
