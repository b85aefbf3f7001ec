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
from paintdiff.engine.bundled.arrangement import arranged
from paintdiff.engine.bundled.mentions import Asked, Reader, Thing
from paintdiff.engine.bundled.own_colours import lit, recoloured
from paintdiff.engine.bundled.posing import posed
from paintdiff.engine.bundled.synonyms import NO_SLIPS, THINGS
from paintdiff.engine.bundled.wording import tokens, words

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
            for name in dict.fromkeys(words(name) for name in (entry.name, *entry.others)):
                self._by_words.setdefault(name, []).append(index)
        other_words = {word: words(name) for word, name in THINGS.items() if words(name) in self._by_words}
        for word, name in other_words.items():
            self._by_words.setdefault(words(word), self._by_words[name])
        self.names = tuple(sorted({name for entry in self.entries for name in (entry.name, *entry.others)}))
        self._reader = Reader((*self.names, *other_words), NO_SLIPS)

    def read(self, prompt: str) -> Asked:
        """What `prompt` asks to see of what there are pictures of."""
        return self._reader.read(prompt)

    def find(self, prompt: str) -> list[int]:
        """The numbers of what the prompt names first, of its style if it says one."""
        asked = self.read(prompt)
        return self._found(asked.things[0], asked) if asked.things else []

    def choose(self, prompt: str, seed: int) -> np.ndarray | None:
        """One of the pictures found, (s, s, 4) uint8 premultiplied, or its mirror image; None where nothing is named.

        In the colour that the prompt gives to the thing, or in the seed's own. The same seed chooses the same.
        """
        asked = self.read(prompt)
        if not asked.things:
            return None
        return self._chosen(asked.things[0], asked, np.random.default_rng((seed, 77)))

    def drawings(self, prompt: str) -> list[list[np.ndarray]]:
        """All pictures of each thing that the prompt names, (s, s, 4) uint8 premultiplied, in the colour asked for."""
        asked = self.read(prompt)
        return [
            [_painted(self.pictures[index], thing, np.random.default_rng(index)) for index in self._found(thing, asked)]
            for thing in asked.things
        ]

    def shown(self, prompt: str, seed: int, place: np.ndarray) -> np.ndarray | None:
        """What the model looks at for `prompt` where `place` (S, S) is set, (S, S, 4) uint8 premultiplied, or None.

        The seed chooses the pictures. One thing alone stands where in the box of `place` the seed says, and fills as
        much of it; for several see `arranged`.
        """
        asked, box = self.read(prompt), box_of(place)
        if not asked.things or box is None:
            return None
        if len(asked.things) > 1 or asked.things[0].count > 1:
            return self._several(asked, seed, place)
        pixels = self._chosen(asked.things[0], asked, np.random.default_rng((seed, 77)))
        rng = np.random.default_rng((seed, 78))
        pixels = posed(pixels, rng)
        left, top, side = fitted(pixels, place, rng.uniform(*FITS))
        room = box[2] - side, box[3] - side
        left += round(rng.uniform(-0.3, 0.3) * max(0, room[0]))
        top += round(rng.uniform(-0.3, 0.3) * max(0, room[1]))
        return laid(pixels, place.shape[0], left, top, side)

    def _found(self, thing: Thing, asked: Asked) -> list[int]:
        """The numbers of the pictures of a thing: of its style where a style is said, one of it where several are."""
        found = self._by_words.get(thing.key, [])
        found = [index for index in found if self.entries[index].style in asked.tokens] or found
        if thing.count == 1:
            return found
        return [index for index in found if not self._of_several(index, thing.key)] or found

    def _of_several(self, index: int, key: tuple[str, ...]) -> bool:
        """Whether a picture that `key` finds shows several of it already: its name is a plural."""
        entry = self.entries[index]
        return any(words(name) == key and tokens(name) != key for name in (entry.name, *entry.others))

    def _chosen(self, thing: Thing, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        found = self._found(thing, asked)
        pixels = self.pictures[found[int(rng.integers(len(found)))]]
        pixels = pixels[:, ::-1] if rng.random() < 0.5 else pixels
        if not thing.colour:
            pixels = recoloured(pixels, self.pictures[found[int(rng.integers(len(found)))]], rng)
        return lit(_painted(pixels, thing, rng), rng)

    def _several(self, asked: Asked, seed: int, place: np.ndarray) -> np.ndarray:
        """The copies of one thing are of one picture, so that they go together, each in a pose of its own."""
        copies = []
        for number, thing in enumerate(asked.things):
            pixels = self._chosen(thing, asked, np.random.default_rng((seed, 77, number)))
            rng = np.random.default_rng((seed, 78, number))
            copies.append([posed(pixels, rng) for _ in range(thing.count)])
        return arranged(copies, asked.relations, place > 0)


class PictureFile:
    """A zip of small WebP pictures, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, index: int, /) -> np.ndarray:
        with zipfile.ZipFile(self._path) as file, Image.open(io.BytesIO(file.read(picture_name(index)))) as picture:
            pixels = np.asarray(picture.convert("RGBA")).astype(np.uint16)
        pixels[..., :3] = (pixels[..., :3] * pixels[..., 3:] + 127) // 255
        return pixels.astype(np.uint8)


def _painted(pixels: np.ndarray, thing: Thing, rng: np.random.Generator) -> np.ndarray:
    """In the colour that was said of the thing, if any was."""
    if not thing.colour or thing.colour == colours.commonest_word(pixels):
        return pixels
    return colours.repainted(pixels, thing.colour, rng)


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

