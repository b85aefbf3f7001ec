"""What an evaluation says: figures beside their targets, tables of details and sheets, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Figure:
    """One measured value beside its target; `met` is None where there is no target. `note` says how it was measured."""

    what: str
    value: str
    target: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Part:
    """One part of the evaluation: its figures, a Markdown table of details, the numbers behind both, and sheets."""

    name: str
    figures: tuple[Figure, ...]
    details: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    sheets: dict[str, Image.Image] = field(default_factory=dict)


def markdown(parts: Sequence[Part], about: str) -> str:
    """One table of all figures, then each part's details; `about` says what was measured and how."""
    lines = [about, "", "| what | measured | target | | how |", "|---|---|---|---|---|"]
    verdicts = {True: "met", False: "**missed**", None: ""}
    lines += [
        f"| {figure.what} | {figure.value} | {figure.target} | {verdicts[figure.met]} | {figure.note} |"
        for part in parts
        for figure in part.figures
    ]
    for part in parts:
        if part.details:
            lines += ["", f"### {part.name.capitalize()}", "", part.details]
    return "\n".join(lines)


def save(parts: Sequence[Part], about: str, folder: Path) -> list[Path]:
    """Write report.md, report.json and a PNG of each sheet into `folder`; returns the files.

    Parts that an earlier report has and this one lacks stay in the JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "report.md", folder / "report.json"]
    written[0].write_text(markdown(parts, about) + "\n", encoding="utf-8")
    known = json.loads(written[1].read_text(encoding="utf-8")) if written[1].exists() else {}
    for part in parts:
        figures = [vars(figure) for figure in part.figures]
        known[part.name] = {"about": about, "figures": figures, "numbers": part.numbers}
    written[1].write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    for part in parts:
        for name, sheet in part.sheets.items():
            written.append(folder / f"{name}.png")
            sheet.save(written[-1])
    return written


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def percent(share: float) -> str:
    """0.256 -> "26 %"."""
    return f"{100 * share:.0f} %"
