"""A sheet of pictures in rows: what a mode was given, and what it made of it, as a small WebP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, LINE, MARGIN = 6, 17, 8
LARGEST = 150_000  # bytes of a file


@dataclass(frozen=True)
class Sheet:
    """`rows` of (h, w, 3) uint8 pictures under `heads`, each with a caption; `zoom` enlarges them by whole pixels."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[np.ndarray, ...]], ...]
    zoom: int = 1


def drawn(sheet: Sheet) -> Image.Image:
    """The sheet on white, with a caption over each row."""
    font = ImageFont.load_default(size=12)
    columns = range(len(sheet.heads))
    widths = [sheet.zoom * max(row[1][k].shape[1] for row in sheet.rows if k < len(row[1])) for k in columns]
    heights = [sheet.zoom * max(picture.shape[0] for picture in pictures) for _, pictures in sheet.rows]
    lefts = [MARGIN + sum(widths[:k]) + GAP * k for k in columns]
    total = 2 * MARGIN + LINE + sum(heights) + LINE * sum(bool(caption) for caption, _ in sheet.rows)
    size = lefts[-1] + widths[-1] + MARGIN, total + GAP * len(heights)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for left, head in zip(lefts, sheet.heads, strict=True):
        pen.text((left, MARGIN), head, fill="black", font=font)
    top = MARGIN + LINE
    for (caption, pictures), height in zip(sheet.rows, heights, strict=True):
        if caption:
            pen.text((MARGIN, top), caption, fill=(90, 90, 90), font=font)
            top += LINE
        for left, picture in zip(lefts, pictures, strict=False):
            large = picture.repeat(sheet.zoom, axis=0).repeat(sheet.zoom, axis=1)
            image.paste(Image.fromarray(large), (left, top))
        top += height + GAP
    return image


def save(sheet: Sheet, folder: Path) -> Path:
    """Write NAME.webp into `folder`, in the best quality that keeps it below `LARGEST`."""
    path, image = folder / f"mode-{sheet.name}.webp", drawn(sheet)
    for quality in range(90, 30, -10):
        image.save(path, quality=quality, method=6)
        if path.stat().st_size < LARGEST:
            break
    return path


def marked(pixels: np.ndarray, change_map: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 with what is to change in blue, more so the larger the (h, w) uint8 map is."""
    share = change_map[..., None].astype(np.float32) / 255 * 0.75
    return (pixels + (np.array((70, 110, 255)) - pixels) * share).astype(np.uint8)


def framed(pixels: np.ndarray, rects: Sequence[tuple[int, int, int, int]]) -> np.ndarray:
    """(h, w, 3) uint8 with rectangles (x, y, w, h) outlined and numbered."""
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    for number, (x, y, w, h) in enumerate(rects, 1):
        pen.rectangle((x, y, x + w - 1, y + h - 1), outline="black")
        pen.text((x + 4, y + 2), str(number), fill="black", font=ImageFont.load_default(size=12))
    return np.asarray(image)
