"""Where results go: the PNG files, and the report on a run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paintdiff.document.document import Document
from paintdiff.document.edits import accept
from paintdiff.document.save import export_png
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import RUNGS
from paintdiff.generation.request import Request
from paintdiff.generation.result import Result


def output_paths(out: str, count: int) -> list[Path]:
    """out.png, out-2.png, … Raises `UserError` for a name that no PNG can be written to."""
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise UserError(f"Results are PNG files, with the recipe inside: name the output {path.stem or 'out'}.png.")
    check_place(path)
    return [path, *(path.with_name(f"{path.stem}-{k}{path.suffix}") for k in range(2, count + 1))]


def check_place(path: Path) -> None:
    """Raise `UserError` if no file can be written at `path`: before a long run, not after it."""
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} for {path.name} is not there.")
    if path.is_dir():
        raise UserError(f"{path} is a folder: choose a file name inside it.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"The folder {path.parent} may not be written to: choose another for {path.name}.")


def export(document: Document, result: Result, outputs: Sequence[Path]) -> None:
    """Write each candidate, accepted into `document`, with its recipe."""
    for path, candidate in zip(outputs, result.candidates, strict=True):
        export_png(path, accept(document, candidate), candidate.recipe)


def show(
    request: Request, result: Result, model: str, seconds: dict[str, float], outputs: Sequence[Path], as_json: bool
) -> None:
    """The report: JSON on stdout, or a line on stderr."""
    if as_json:
        print(json.dumps(_report(request, result, model, seconds, outputs), ensure_ascii=False, indent=2))
    else:
        _summarize(result, seconds, outputs)


def _report(
    request: Request, result: Result, model: str, seconds: dict[str, float], outputs: Sequence[Path]
) -> dict[str, Any]:
    report = result.report
    return {
        "outputs": [str(path) for path in outputs],
        "model": model,
        "device": report.device,
        "memory": report.memory,
        "frame": [request.frame.x, request.frame.y, request.frame.w, request.frame.h],
        "seconds": {stage: round(value, 4) for stage, value in seconds.items()},
        "network_evaluations": report.network_evaluations,
        "kept_pixels": report.kept_pixels,
        "kept_pixels_changed": report.kept_pixels_changed,
        "notices": list(report.notices),
        "recipes": [candidate.recipe.to_json() for candidate in result.candidates],
    }


def _summarize(result: Result, seconds: dict[str, float], outputs: Sequence[Path]) -> None:
    report = result.report
    for notice in report.notices:
        print(f"paintdiff: {notice}", file=sys.stderr)
    names = ", ".join(map(str, outputs))
    if not any(candidate.patch[..., 3].any() for candidate in result.candidates):
        print(
            f"paintdiff: wrote {names}; at this strength nothing changes, so it is the picture as it was.",
            file=sys.stderr,
        )
        return
    memory = f" ({RUNGS[report.memory]})" if report.memory else ""
    kept = f"all {report.kept_pixels} kept pixels are unchanged" if report.kept_pixels else "the whole frame is new"
    print(
        f"paintdiff: wrote {names}; {kept}; "
        f"{seconds.get('sampling', 0):.1f} s on {report.device}{memory}, "
        f"{report.network_evaluations} network evaluations.",
        file=sys.stderr,
    )
