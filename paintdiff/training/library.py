"""The pictures that ship with the model for it to look at: training sprites and drawn shapes, packed into one file."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from paintdiff.engine.bundled.picture_library import Entry, PictureLibrary, picture_name
from paintdiff.training import shapes
from paintdiff.training.sources import Sprite

SIDE = 128
_VARIANTS = 3  # of each drawn shape


def library_of(sprites: Sequence[Sprite]) -> PictureLibrary:
    """Every sprite and a few drawings of each shape in its usual colour."""
    entries = [Entry(sprite.name, sprite.others, sprite.style) for sprite in sprites]
    pictures = [sprite.pixels for sprite in sprites]
    for name in shapes.SHAPES:
        colour = (shapes.USUAL_COLOURS.get(name) or ("grey",))[0]
        entries += [Entry(name, (), "")] * _VARIANTS
        pictures += [shapes.draw(name, colour, np.random.default_rng((5, k))) for k in range(_VARIANTS)]
    return PictureLibrary(entries, pictures)


def save_library(library: PictureLibrary, path: Path) -> None:
    """Write what `load_library` reads."""
    fresh = path.with_name(path.name + ".writing")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as file:
        index = [[entry.name, list(entry.others), entry.style] for entry in library.entries]
        file.writestr(zipfile.ZipInfo("index.json"), json.dumps(index, separators=(",", ":")))
        for place in range(len(library.entries)):
            file.writestr(zipfile.ZipInfo(picture_name(place)), _webp(library.pictures[place]))
    os.replace(fresh, path)


def _webp(pixels: np.ndarray) -> bytes:
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    buffer = io.BytesIO()
    Image.fromarray(small.clip(0, 255).round().astype(np.uint8)).save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
