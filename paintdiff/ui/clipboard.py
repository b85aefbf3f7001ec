"""Copy and paste between the document and the desktop."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication

from paintdiff.document import edits
from paintdiff.document.compose import compose
from paintdiff.document.document import Document, Layer
from paintdiff.generation.errors import UserError
from paintdiff.image.tiles import Tiles
from paintdiff.ui.qimage import to_array, to_qimage


def copy_picture(document: Document) -> None:
    """Put the visible picture on the clipboard, with its alpha."""
    QGuiApplication.clipboard().setImage(to_qimage(compose(document, document.canvas)))


def pasted_document() -> Document:
    """The clipboard's picture as a new document. Raises `UserError` if there is none or it is too large."""
    data = QGuiApplication.clipboard().mimeData()
    if data.hasImage():
        return edits.picture_document(to_array(QGuiApplication.clipboard().image()))
    files = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    if files:
        from paintdiff.document.files import open_picture  # Pillow is not needed to open the window

        return open_picture(files[0]).document
    raise UserError("There is no picture on the clipboard.")


def pasted_into(document: Document) -> Document:
    """The clipboard's picture as a new layer in the middle of `document`, cut to its canvas. Raises `UserError`."""
    pasted = pasted_document()
    pixels = compose(pasted, pasted.canvas)
    x = document.canvas.x + (document.canvas.w - pasted.canvas.w) // 2
    y = document.canvas.y + (document.canvas.h - pasted.canvas.h) // 2
    layer = Layer("Pasted", Tiles.from_array(pixels, x, y).cropped(document.canvas))
    return edits.add_layer(document, layer)
