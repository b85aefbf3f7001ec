"""Fetch the openly licensed picture sets and render each chosen thing once into one packed file."""

from __future__ import annotations

import io
import json
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from paintdiff.training.nouns import Noun, chosen_nouns, plain_code

SPRITE_SIZE = 144  # pixels
LARGE = 2 * SPRITE_SIZE  # the side of sprites in scenes that the second stage learns from
LARGE_SPRITES = "sprites-large.npz"
_FINE = 2  # a drawing is rendered so many times larger
PACKAGES = {
    "@iconify-json/noto": "1.2.9",
    "@iconify-json/twemoji": "1.2.5",
    "@iconify-json/fluent-emoji": "1.2.7",
    "@iconify-json/fluent-emoji-flat": "1.2.6",
    "@lobehub/fluent-emoji-3d": "1.1.0",
    "emojibase-data": "17.0.0",
    "emojilib": "4.0.3",
}
# style word: the packages' own look; noto has none, it is the plain case
_VECTOR_SETS = {"": "noto", "flat": "twemoji", "simple": "fluent-emoji-flat", "glossy": "fluent-emoji"}


@dataclass(frozen=True)
class Sprite:
    """A thing cut out: name, other names, style word, code points, and (s, s, 4) uint8 premultiplied RGBA, s = 144."""

    name: str
    others: tuple[str, ...]
    style: str
    code: str
    pixels: np.ndarray

    @property
    def held_out(self) -> bool:
        """One source in twenty is kept for evaluation, by a hash of what it is."""
        return zlib.crc32(f"{self.code}/{self.style}".encode()) % 20 == 0


def fetch_packages(folder: Path) -> Path:
    """Install the pinned npm packages under `folder`; returns node_modules. Raises CalledProcessError if npm fails."""
    modules = folder / "npm" / "node_modules"
    if not all(_version(modules / name) == version for name, version in PACKAGES.items()):
        (folder / "npm").mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder / "npm")]
        subprocess.run(["npm", "install", *options, *wanted], check=True)
    return modules


def render_sprites(modules: Path, side: int = SPRITE_SIZE) -> Iterator[Sprite]:
    """Every chosen noun in every set that has it, as sprites of `side`; what is empty or tiny is left out."""
    nouns = {noun.code: noun for noun in chosen_nouns(modules / "emojibase-data")}
    flat_names = _names_by_code(modules / "@iconify-json/fluent-emoji-flat")
    for style, package in _VECTOR_SETS.items():
        folder = modules / "@iconify-json" / package
        names = flat_names if package == "fluent-emoji" else _names_by_code(folder)
        icons = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        for code, noun in nouns.items():
            icon = icons["icons"].get(names.get(code, ""))
            if icon:
                yield from _sprite(noun, style, _drawn(icon, icons["width"], icons["height"], _FINE * side), side)
    for code, noun in nouns.items():
        for path in _files_of_code(modules / "@lobehub/fluent-emoji-3d/assets", code):
            with Image.open(path) as picture:
                yield from _sprite(noun, "3d", np.asarray(picture.convert("RGBA")), side)


def save_sprites(sprites: list[Sprite], path: Path) -> None:
    """Pack sprites into one .npz without pickled objects."""
    labels = [[s.name, list(s.others), s.style, s.code] for s in sprites]
    np.savez_compressed(path, pixels=np.stack([s.pixels for s in sprites]), labels=np.array(json.dumps(labels)))


def load_sprites(path: Path) -> list[Sprite]:
    """Read what `save_sprites` wrote. Raises OSError when there is none: run `prepare` first."""
    with np.load(path, allow_pickle=False) as packed:
        pixels, labels = packed["pixels"], json.loads(str(packed["labels"]))
    return [
        Sprite(name, tuple(others), style, code, picture)
        for (name, others, style, code), picture in zip(labels, pixels, strict=True)
    ]


def trimmed(rgba: np.ndarray, side: int = SPRITE_SIZE) -> np.ndarray | None:
    """Straight RGBA of any size -> (side, side, 4) premultiplied, the thing filling the longer side; None if tiny."""
    ys, xs = np.nonzero(rgba[..., 3] > 24)
    if len(ys) < 0.01 * rgba.shape[0] * rgba.shape[1]:
        return None
    cut = rgba[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1].astype(np.float32)
    cut[..., :3] *= cut[..., 3:] / 255
    canvas = np.zeros((side, side, 4), np.uint8)
    scale = side / max(cut.shape[:2])
    height, width = (max(1, round(length * scale)) for length in cut.shape[:2])
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = np.clip(np.round(small), 0, 255)
    return canvas


def _sprite(noun: Noun, style: str, rgba: np.ndarray, side: int) -> Iterator[Sprite]:
    pixels = trimmed(rgba, side)
    if pixels is not None:
        yield Sprite(noun.name, noun.others, style, noun.code, pixels)


def _drawn(icon: dict, width: int, height: int, side: int = _FINE * SPRITE_SIZE) -> np.ndarray:
    import resvg_py  # a training-only dependency

    width, height = icon.get("width", width), icon.get("height", height)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{side}" height="{side}">{icon["body"]}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg))
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGBA"))


def _version(package: Path) -> str:
    try:
        return json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except OSError:
        return ""


def _names_by_code(folder: Path) -> dict[str, str]:
    chars = json.loads((folder / "chars.json").read_text(encoding="utf-8"))
    return {plain_code(code): name for code, name in chars.items()}


def _files_of_code(folder: Path, code: str) -> Iterator[Path]:
    for path in (folder / f"{code}.webp", folder / f"{code}-fe0f.webp"):
        if path.exists():
            yield path
            return
