"""Opening: any picture file to a document, by its content rather than by its name."""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from paintdiff.document.decode import decode
from paintdiff.document.document import Document
from paintdiff.document.edits import picture_document, replace_layer
from paintdiff.document.open_openraster import open_ora
from paintdiff.document.save import recipe_in
from paintdiff.generation.errors import UserError

_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, eq=False)
class Opened:
    """A document, what its reader should tell the user, and the format: "ORA" keeps layers, the others are flat."""

    document: Document
    notices: tuple[str, ...]
    format: str


def open_picture(source: Path | str | bytes) -> Opened:
    """The picture in a file, or in the bytes of one: PNG, JPEG, WebP, BMP, TIFF, GIF or OpenRaster.

    Raises `UserError`, one sentence, for a file that is missing, unreadable, empty, damaged, too large or no picture.
    """
    if isinstance(source, bytes):
        return _open(io.BytesIO(source), "The picture")
    path = Path(source)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UserError(f"{path} is a folder, not a picture.")
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path} is not a plain file.")
        with path.open("rb") as file:
            return _open(file, path.name)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read: you have no permission.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _open(file: BinaryIO, name: str) -> Opened:
    start = file.read(len(_ZIP))
    file.seek(0)
    if not start:
        raise UserError(f"{name} is empty.")
    if start == _ZIP:
        document, notices = open_ora(file, name)
        return Opened(document, notices, "ORA")
    decoded = decode(file, name)
    document, notices = picture_document(decoded.pixels), decoded.notices
    if decoded.format == "PNG":
        file.seek(0)
        document, notices = _with_recipe(document, notices, file, name)
    return Opened(document, notices, decoded.format)


def _with_recipe(
    document: Document, notices: tuple[str, ...], file: BinaryIO, name: str
) -> tuple[Document, tuple[str, ...]]:
    """The layer with the recipe that an exported PNG carries, so that its settings can be used again."""
    try:
        recipe = recipe_in(file, name)
    except UserError as error:
        return document, (*notices, str(error))
    return replace_layer(document, 0, replace(document.layers[0], recipe=recipe)), notices
