"""The border between arrays and QImage; nothing else in the window crosses it."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtGui import QImage

from paintdiff.image.blending import premultiplied


def to_bgra(rgba: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8 straight RGBA as premultiplied BGRA, the byte order of ARGB32 on little-endian machines."""
    return cv2.cvtColor(premultiplied(rgba), cv2.COLOR_RGBA2BGRA)


def image_over(bgra: np.ndarray) -> QImage:
    """A QImage that shares the memory of `bgra` ((h, w, 4) uint8 premultiplied, C-contiguous): no copy.

    What is written into the array later shows at the next draw. Keep the array alive as long as the image, and never
    paint on the image, which would copy it.
    """
    if not bgra.flags.c_contiguous:
        raise ValueError("the array must be C-contiguous")
    height, width = bgra.shape[:2]
    return QImage(bgra.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)


def to_qimage(rgba: np.ndarray) -> QImage:
    """A QImage of its own with the pixels of `rgba`, (h, w, 4) uint8 straight alpha."""
    height, width = rgba.shape[:2]
    pixels = np.ascontiguousarray(rgba)
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def to_array(image: QImage) -> np.ndarray:
    """The pixels of any QImage as (h, w, 4) uint8 straight-alpha RGBA, a copy."""
    converted = image.convertToFormat(QImage.Format.Format_RGBA8888)
    width, height = converted.width(), converted.height()
    rows = np.frombuffer(converted.constBits(), np.uint8, height * converted.bytesPerLine())
    return rows.reshape(height, converted.bytesPerLine())[:, : 4 * width].reshape(height, width, 4).copy()
