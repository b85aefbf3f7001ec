"""Views from within a panorama: a picture of all directions becomes several that a camera could have taken."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

_SIDE = 256  # pixels of a view: what a panorama 1,024 pixels wide has in 80 degrees, and a little more
_FIELD = 80.0  # degrees that a view is wide and high
_TURNS = ((0, 5), (60, -20), (120, 10), (180, -30), (240, 5), (300, 20))  # degrees around and up


def views_of_panorama(path: Path) -> list[np.ndarray]:
    """Six (256, 256, 3) uint8 sRGB views of an equirectangular OpenEXR file of linear light; none without OpenEXR."""
    try:
        import OpenEXR  # a training-only dependency
    except ImportError:
        print(f"{path.name} is left out: reading it takes the package OpenEXR", file=sys.stderr)
        return []
    with OpenEXR.File(str(path)) as file:
        light = np.asarray(file.channels()["RGB"].pixels, np.float32)
    developed = _developed(light)
    return [view(developed, around, up) for around, up in _TURNS]


def view(panorama: np.ndarray, around: float, up: float) -> np.ndarray:
    """(h, 2h, C) -> (256, 256, C): what a camera at its middle sees that is turned by so many degrees."""
    half = np.tan(np.radians(_FIELD / 2))
    x, y = np.meshgrid(np.linspace(-half, half, _SIDE), np.linspace(-half, half, _SIDE))
    tilt = np.radians(up)
    down, ahead = y * np.cos(tilt) - np.sin(tilt), np.cos(tilt) + y * np.sin(tilt)
    longitude = np.radians(around) + np.arctan2(x, ahead)
    latitude = np.arctan2(down, np.hypot(x, ahead))
    height, width = panorama.shape[:2]
    columns = (longitude / (2 * np.pi) % 1 * width).astype(np.float32)
    rows = ((latitude / np.pi + 0.5) * height - 0.5).astype(np.float32)
    return cv2.remap(panorama, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def _developed(light: np.ndarray) -> np.ndarray:
    """Linear light of any strength -> uint8 sRGB: the middle becomes a middle grey, the brightest white."""
    middle = float(np.median(light.max(axis=-1)))
    exposed = 1 - np.exp(-np.clip(light, 0, None) * (0.3 / max(middle, 1e-6)))
    return np.round(255 * exposed ** (1 / 2.2)).astype(np.uint8)
