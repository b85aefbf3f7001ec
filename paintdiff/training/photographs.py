"""Photographs free for any use, from packages: some to learn grounds from, some that only the evaluation ever sees."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from paintdiff.training.package_files import copy_files
from paintdiff.training.panoramas import views_of_panorama

_LONGEST = 1024  # pixels of a side that is kept in memory for evaluation
_GROUND = 512  # and for training


@dataclass(frozen=True)
class Photograph:
    """One photograph: its file in a package, the digest of that very file, whom to credit and what allows its use.

    `file` is the end of its path in the package; `held_out` ones are for evaluation alone.
    """

    package: str
    file: str
    sha256: str
    author: str
    licence: str
    held_out: bool = True


def _table() -> tuple[Photograph, ...]:
    with Path(__file__).with_name("photographs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return tuple(
        Photograph(package, file, sha256, author, licence, held_out == "yes")
        for held_out, package, file, sha256, author, licence in rows
    )


PHOTOGRAPHS = _table()


def fetch_photographs(folder: Path, offline: bool = False) -> list[np.ndarray]:
    """The held-out ones, (h, w, 3) uint8 each, at most 1024 pixels wide and high.

    What no package manager here can fetch is left out; a file that is not the one whose licence was read is not used.
    """
    held_out = [photograph for photograph in PHOTOGRAPHS if photograph.held_out]
    return [_read(path, _LONGEST) for path in _files(held_out, folder, offline)]


def fetch_grounds(folder: Path, offline: bool = False) -> list[np.ndarray]:
    """Those to train on, (h, w, 3) uint8 each, at most 512 pixels wide and high; panoramas as views from within.

    What no package manager here can fetch is left out; a file that is not the one whose licence was read is not used.
    """
    grounds: list[np.ndarray] = []
    for path in _files([photograph for photograph in PHOTOGRAPHS if not photograph.held_out], folder, offline):
        grounds += views_of_panorama(path) if path.suffix == ".exr" else [_read(path, _GROUND)]
    return grounds


def _files(photographs: list[Photograph], folder: Path, offline: bool) -> Iterator[Path]:
    for package in dict.fromkeys(photograph.package for photograph in photographs):
        wanted = [photograph for photograph in photographs if photograph.package == package]
        if not offline and not all(_here(folder, photograph) for photograph in wanted):
            copy_files(package, [photograph.file for photograph in wanted], folder)
    yield from (folder / photograph.file for photograph in photographs if _here(folder, photograph))


def _here(folder: Path, photograph: Photograph) -> bool:
    path = folder / photograph.file
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == photograph.sha256


def _read(path: Path, longest: int) -> np.ndarray:
    with Image.open(path) as picture:
        picture.draft("RGB", (longest, longest))
        pixels = np.asarray(picture.convert("RGB"))
    scale = longest / max(pixels.shape)
    return pixels if scale >= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
