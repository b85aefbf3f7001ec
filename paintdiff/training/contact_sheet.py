"""A sheet of many pictures of one size, each with its own label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, LINE = 6, 16


def contact_sheet(cells: Sequence[tuple[str, np.ndarray]], columns: int, side: int = 128) -> Image.Image:
    """Labels and (h, w, 3) uint8 pictures, row by row, each enlarged to about `side` pixels by whole ones.

    An empty label takes no more room than a written one; what is too long for its picture is cut.
    """
    font = ImageFont.load_default(size=12)
    zoom = max(1, round(side / max(picture.shape[0] for _, picture in cells)))
    width, height = (zoom * max(picture.shape[axis] for _, picture in cells) + GAP for axis in (1, 0))
    rows = -(-len(cells) // columns)
    sheet = Image.new("RGB", (columns * width + GAP, rows * (height + LINE) + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (label, picture) in enumerate(cells):
        left, top = GAP + number % columns * width, GAP + number // columns * (height + LINE)
        while label and pen.textlength(label, font=font) > width - GAP:
            label = label[:-1]
        pen.text((left, top), label, fill="black", font=font)
        sheet.paste(Image.fromarray(picture.repeat(zoom, axis=0).repeat(zoom, axis=1)), (left, top + LINE))
    return sheet
