"""What the verbs that look at a picture and paint nothing begin with: a loaded model, and a request for the frame."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from paintdiff.cli.fetching import make_ready
from paintdiff.cli.parser import read_placing
from paintdiff.document.document import Document
from paintdiff.document.requests import make_request
from paintdiff.generation.add_ons import AddOns
from paintdiff.generation.engine import ModelInfo
from paintdiff.generation.modes import EDIT
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling

if TYPE_CHECKING:
    from paintdiff.engine.engine import DiffusionEngine


def whole_frame(
    document: Document, sampling: Sampling, add_ons: AddOns, options: argparse.Namespace
) -> tuple[DiffusionEngine, ModelInfo, Request]:
    """An engine with the model of `options`, what it says of itself, and the request, whose frame is one window.

    The model is fetched first where the user named one on the hub. Raises `UserError`.
    """
    make_ready(options)
    from paintdiff.engine.engine import DiffusionEngine

    engine, placing = DiffusionEngine(), read_placing(options)
    info = engine.load(options.model, options.device, placing)
    request = make_request(
        document, EDIT, sampling, model=options.model, device=options.device, size=info.size, placing=placing
    )
    return engine, info, replace(request, windows=(), add_ons=add_ons)
