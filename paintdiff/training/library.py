"""The pictures that ship with the model for it to look at: training sprites and drawn shapes, packed into an atlas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from paintdiff.engine.picture_library import Entry, PictureLibrary, fitted, laid
from paintdiff.training import shapes
from paintdiff.training.sources import Sprite

SIDE, COLUMNS = 64, 48
_VARIANTS = 3  # of each drawn shape


def library_of(sprites: Sequence[Sprite]) -> PictureLibrary:
    """Every sprite and a few drawings of each shape in its usual colour."""
    entries = [Entry(sprite.name, sprite.others, sprite.style, sprite.pixels) for sprite in sprites]
    for name in shapes.SHAPES:
        colour = (shapes.USUAL_COLOURS.get(name) or ("grey",))[0]
        entries += [
            Entry(name, (), "", shapes.draw(name, colour, np.random.default_rng((5, k)))) for k in range(_VARIANTS)
        ]
    return PictureLibrary(entries)


def reference_for(library: PictureLibrary, prompt: str, mask: np.ndarray, seed: int) -> np.ndarray | None:
    """What the engine would show the model for `prompt` in `mask` (S, S): (S, S, 4) uint8 premultiplied, or None."""
    pixels = library.choose(prompt, seed)
    return None if pixels is None else laid(pixels, mask.shape[0], *fitted(pixels, mask))


def save_library(library: PictureLibrary, index: Path, atlas: Path) -> None:
    """Write what `load_library` reads: WebP cells of 64 pixels, good enough for a picture of that size."""
    rows = -(-len(library.entries) // COLUMNS)
    sheet = np.zeros((rows * SIDE, COLUMNS * SIDE, 4), np.uint8)
    for place, entry in enumerate(library.entries):
        row, column = divmod(place, COLUMNS)
        small = cv2.resize(entry.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
        sheet[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE] = small.clip(0, 255).round()
    Image.fromarray(sheet).save(atlas, quality=85, method=6)
    entries = [[entry.name, list(entry.others), entry.style] for entry in library.entries]
    index.write_text(json.dumps({"side": SIDE, "entries": entries}, separators=(",", ":")) + "\n", encoding="utf-8")
