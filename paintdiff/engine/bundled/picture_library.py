"""Pictures that the bundled model looks at while it paints: found by the prompt's words, laid where the mask is."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from paintdiff.engine.bundled import colours
from paintdiff.engine.bundled.posing import posed

_ALSO_COLOURS = {(word,) for word in ("orange", "rose", "peach", "plum", "olive", "chestnut", "lemon", "violet")}
FITS = (0.75, 0.95)  # how much of the mask's box a picture fills, from and to


@dataclass(frozen=True)
class Entry:
    """What a picture shows: its name, its other names, a style word."""

    name: str
    others: tuple[str, ...]
    style: str


class Pictures(Protocol):
    """(s, s, 4) uint8 premultiplied RGBA by number."""

    def __getitem__(self, index: int, /) -> np.ndarray: ...


class PictureLibrary:
    """Semi-parametric diffusion's memory (Blattmann et al. 2022, "Semi-Parametric Neural Image Synthesis", 3.1).

    Pictures are looked up by the words of the prompt, not by an embedding: what is found can be understood.
    """

    def __init__(self, entries: Sequence[Entry], pictures: Pictures) -> None:
        self.entries = tuple(entries)
        self.pictures = pictures
        self._by_words: dict[tuple[str, ...], list[int]] = {}
        for index, entry in enumerate(self.entries):
            for name in (entry.name, *entry.others):
                self._by_words.setdefault(_words(name), []).append(index)
        self._longest = max((len(words) for words in self._by_words), default=0)

    def find(self, prompt: str) -> list[int]:
        """The numbers of what the prompt names: its longest match, the first of them, of its style if it says one.

        A word that may be a colour is one where anything else is named: an orange fish is no orange.
        """
        words = _words(prompt)
        found = self._by_words.get(self._named(words)[1], [])
        return [index for index in found if self.entries[index].style in words] or found

    def _named(self, words: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Where in the prompt's words a thing is named, and by which of them; none where none is."""
        for length in range(min(self._longest, len(words)), 0, -1):
            spans = [(start, words[start : start + length]) for start in range(len(words) - length + 1)]
            named = [span for span in spans if span[1] in self._by_words]
            if named:
                return min(named, key=lambda span: span[1] in _ALSO_COLOURS)
        return 0, ()

    def choose(self, prompt: str, seed: int) -> np.ndarray | None:
        """One of the pictures found, (s, s, 4) uint8 premultiplied, or its mirror image; None where nothing is named.

        In the colour that the prompt gives to the thing, if it gives it one. The same seed chooses the same.
        """
        found = self.find(prompt)
        if not found:
            return None
        rng = np.random.default_rng((seed, 77))
        pixels = self.pictures[found[int(rng.integers(len(found)))]]
        pixels = pixels[:, ::-1] if rng.random() < 0.5 else pixels
        words = _words(prompt)
        said = [word for word in words[: self._named(words)[0]] if word in colours.COLOURS]
        if not said or said[-1] == colours.commonest_word(pixels):
            return pixels
        return colours.repainted(pixels, said[-1], rng)

    def shown(self, prompt: str, seed: int, place: np.ndarray) -> np.ndarray | None:
        """What the model looks at for `prompt` where `place` (S, S) is set, (S, S, 4) uint8 premultiplied, or None.

        The seed chooses the picture, how much of the box of `place` it fills, and where in it it stands.
        """
        pixels, box = self.choose(prompt, seed), box_of(place)
        if pixels is None or box is None:
            return None
        rng = np.random.default_rng((seed, 78))
        pixels = posed(pixels, rng)
        left, top, side = fitted(pixels, place, rng.uniform(*FITS))
        room = box[2] - side, box[3] - side
        left += round(rng.uniform(-0.3, 0.3) * max(0, room[0]))
        top += round(rng.uniform(-0.3, 0.3) * max(0, room[1]))
        return laid(pixels, place.shape[0], left, top, side)


class PictureFile:
    """A zip of small WebP pictures, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, index: int, /) -> np.ndarray:
        with zipfile.ZipFile(self._path) as file, Image.open(io.BytesIO(file.read(picture_name(index)))) as picture:
            pixels = np.asarray(picture.convert("RGBA")).astype(np.uint16)
        pixels[..., :3] = (pixels[..., :3] * pixels[..., 3:] + 127) // 255
        return pixels.astype(np.uint8)


def load_library(path: Path) -> PictureLibrary:
    """Read a zip that holds index.json, [[name, others, style], ...], and a picture for each entry.

    Raises OSError, ValueError, KeyError or TypeError for a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as file:
            entries = [Entry(str(name), tuple(map(str, others)), str(style)) for name, others, style in _index(file)]
            missing = {picture_name(index) for index in range(len(entries))} - set(file.namelist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} is damaged") from error
    if missing:
        raise ValueError(f"{path.name} lacks {len(missing)} of its {len(entries)} pictures")
    return PictureLibrary(entries, PictureFile(path))


def picture_name(index: int) -> str:
    """The name of a picture inside the zip."""
    return f"{index:05d}.webp"


def _index(file: zipfile.ZipFile) -> Any:
    return json.loads(file.read("index.json"))


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """(left, top, width, height) of where `mask` (S, S) is set; None where it is not."""
    ys, xs = np.nonzero(mask)
    if len(ys) == 0:
        return None
    return int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1


def fitted(pixels: np.ndarray, mask: np.ndarray, fit: float = 0.85) -> tuple[int, int, int]:
    """(left, top, side) at which the thing in `pixels` fills `fit` of the box of `mask`, in its middle.

    The thing's own outline counts, not the square that it comes in.
    """
    box, thing = box_of(mask), box_of(pixels[..., 3] > 24)
    if box is None or thing is None:
        return 0, 0, 0
    scale = fit * min(box[2] / thing[2], box[3] / thing[3])
    side = max(4, round(scale * pixels.shape[0]))
    ratio = side / pixels.shape[0]
    left = box[0] + box[2] / 2 - ratio * (thing[0] + thing[2] / 2)
    top = box[1] + box[3] / 2 - ratio * (thing[1] + thing[3] / 2)
    return round(left), round(top), side


def laid(pixels: np.ndarray, size: int, left: int, top: int, side: int) -> np.ndarray:
    """`pixels`, scaled to `side`, with their corner at (left, top) of an empty square: (size, size, 4) uint8."""
    out = np.zeros((size, size, 4), np.uint8)
    if side < 1:
        return out
    method = cv2.INTER_AREA if side <= pixels.shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(pixels), (side, side), interpolation=method)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(size, left + side), min(size, top + side)
    if x0 < x1 and y0 < y1:
        out[y0:y1, x0:x1] = small[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def _words(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation and without a plural's s."""
    cleaned = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    return tuple(map(_singular, cleaned))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
