"""Sprites from the Open Clip Art Library (public domain): the ones that were looked at, under names given by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from paintdiff.training.package_files import copy_files
from paintdiff.training.sources import SPRITE_SIZE, Sprite, trimmed

PACKAGE = "openclipart-png"  # of Debian
STYLE = "clipart"
_LONGEST = 576  # pixels that a drawing is first brought down to; some are as large as a poster


@dataclass(frozen=True)
class ClipArt:
    """A drawing's path in the library, what it shows, and what else a painter may call it."""

    file: str
    name: str
    others: tuple[str, ...]


def chosen_clip_art() -> tuple[ClipArt, ...]:
    """The table that ships with this package: coloured drawings of one thing, without text, people, flags or signs."""
    with Path(__file__).with_name("openclipart.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(ClipArt(path, name, tuple(filter(None, others.split("/")))) for path, name, others in rows)


def clip_art_sprites(folder: Path, offline: bool = False, side: int = SPRITE_SIZE) -> Iterator[Sprite]:
    """Fetch the drawings into `folder` where they are missing, and cut each out; what cannot be had is left out."""
    chosen = chosen_clip_art()
    if not offline and not all((folder / art.file).exists() for art in chosen):
        copy_files(PACKAGE, [art.file for art in chosen], folder)
    for art in chosen:
        if (folder / art.file).exists():
            pixels = trimmed(_drawing(folder / art.file), side)
            if pixels is not None:
                yield Sprite(art.name, art.others, STYLE, f"{PACKAGE}/{Path(art.file).stem}", pixels)


def _drawing(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        straight = picture.convert("RGBA")
    straight.thumbnail((_LONGEST, _LONGEST))
    return np.asarray(straight)
