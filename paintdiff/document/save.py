"""Flat PNGs, with the recipe that made them inside."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from paintdiff.document.atomic import write_atomically
from paintdiff.document.compose import compose
from paintdiff.document.document import Document
from paintdiff.generation.errors import UserError
from paintdiff.generation.request import Recipe

RECIPE_KEY = "paintdiff:recipe"


def export_png(path: Path, document: Document, recipe: Recipe | None = None) -> None:
    """The visible picture with its alpha as one flat PNG. Raises `UserError`; the old file is then as it was."""
    save_png(path, compose(document, document.canvas), recipe)


def save_png(path: Path, pixels: np.ndarray, recipe: Recipe | None = None) -> None:
    """`pixels` ((h, w, 4) or (h, w, 3) uint8) as a PNG that carries `recipe` as text. Raises `UserError`."""
    info = PngInfo()
    if recipe is not None:
        info.add_itxt(RECIPE_KEY, json.dumps(recipe.to_json(), ensure_ascii=False))
    write_atomically(path, lambda file: encode_png(file, pixels, info))


def encode_png(file: BinaryIO, pixels: np.ndarray, info: PngInfo | None = None) -> None:
    """`pixels` ((h, w), (h, w, 3) or (h, w, 4) uint8) as PNG; compressed lightly, since large pictures take seconds."""
    Image.fromarray(pixels).save(file, "PNG", pnginfo=info, compress_level=2)


def read_recipe(path: Path) -> Recipe | None:
    """The recipe inside a PNG, or None if it has none. Raises `UserError` if it or the file cannot be read."""
    try:
        return recipe_in(io.BytesIO(path.read_bytes()), path.name)
    except OSError as error:
        raise UserError(f"No recipe can be read from {path.name} ({error}).") from error


def recipe_in(file: BinaryIO, name: str) -> Recipe | None:
    """The same of an open PNG that messages call `name`."""
    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = image.info.get(RECIPE_KEY)
        return None if text is None else Recipe.from_json(json.loads(text))
    except Exception as error:  # whatever a damaged or foreign file makes the readers stumble over
        raise UserError(f"No recipe can be read from {name} ({error}).") from error
