"""Colour words: which one names a picture of a thing, and how to repaint it in another."""

from __future__ import annotations

import cv2
import numpy as np

# word: hue in degrees, saturation and value (0..1) that the word's typical paint has
_PAINTS = {
    "red": (2, 0.85, 0.85),
    "orange": (28, 0.9, 0.95),
    "yellow": (50, 0.85, 0.97),
    "green": (120, 0.7, 0.65),
    "turquoise": (178, 0.65, 0.8),
    "blue": (215, 0.8, 0.85),
    "purple": (275, 0.65, 0.75),
    "pink": (330, 0.5, 0.97),
    "brown": (22, 0.65, 0.5),
    "black": (0, 0.05, 0.16),
    "white": (0, 0.03, 0.97),
    "grey": (0, 0.04, 0.55),
}
COLOURS = tuple(_PAINTS)
HUED = ("red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown")


def paint(word: str, rng: np.random.Generator) -> np.ndarray:
    """(3,) float32 RGB, 0..255: a random shade that the colour word names."""
    hue, saturation, value = _PAINTS[word]
    turned = (hue + rng.uniform(-8, 8)) % 360
    saturation = float(np.clip(saturation * rng.uniform(0.8, 1.15), 0, 1))
    value = float(np.clip(value * rng.uniform(0.85, 1.12), 0, 1))
    return hsv_to_rgb(turned, saturation, value)


def hsv_to_rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    """Degrees, 0..1, 0..1 -> (3,) float32 RGB, 0..255."""
    sector = (np.array([5.0, 3.0, 1.0], np.float32) + hue / 60) % 6
    return 255 * value * (1 - saturation * np.clip(np.minimum(sector, 4 - sector), 0, 1)).astype(np.float32)


def colour_word(pixels: np.ndarray) -> str:
    """The one word for a premultiplied RGBA sprite's colour; "" when no colour covers most of it."""
    hue, saturation, value = _hsv_of(pixels)
    if len(hue) == 0:
        return ""
    grey = saturation < 0.2
    if grey.mean() > 0.6:
        level = float(np.median(value[grey]))
        return "black" if level < 0.3 else "white" if level > 0.85 else "grey"
    names, shares = _hue_shares(hue, saturation, value)
    return str(names[shares.argmax()]) if shares.max() > 0.6 else ""


def commonest_hue(pixels: np.ndarray) -> str:
    """The hued word for the largest coloured part of a premultiplied RGBA sprite; "" when it is all grey."""
    names, shares = _hue_shares(*_hsv_of(pixels))
    shares = np.where(names == "", 0, shares)
    return str(names[shares.argmax()]) if len(names) and shares.max() > 0 else ""


def commonest_word(pixels: np.ndarray) -> str:
    """The word for most of a premultiplied RGBA sprite, or else for the largest coloured part of it."""
    return colour_word(pixels) or commonest_hue(pixels)


def repainted(pixels: np.ndarray, word: str, rng: np.random.Generator) -> np.ndarray:
    """A premultiplied RGBA sprite whose main hue becomes the colour word's; shading and far hues stay.

    (H, W, 4) uint8 -> the same. One that is mostly grey is washed with the colour where it is light.
    """
    alpha = pixels[..., 3:].astype(np.float32)
    straight = np.where(alpha > 0, pixels[..., :3] * 255.0 / np.maximum(alpha, 1), 0).astype(np.float32) / 255
    hsv = cv2.cvtColor(np.minimum(straight, 1), cv2.COLOR_RGB2HSV)
    solid = alpha[..., 0] > 128
    coloured = solid & (hsv[..., 1] > 0.25) & (hsv[..., 2] > 0.15)
    if coloured.sum() < 0.25 * solid.sum():
        rgb = _washed(hsv[..., 2], solid & ~coloured, word, rng)
    else:
        near = _near_main_hue(hsv[..., 0], coloured)
        rgb = cv2.cvtColor(_turned(hsv, coloured & near, near | ~coloured, word, rng), cv2.COLOR_HSV2RGB)
    return np.concatenate([np.clip(rgb * alpha + 0.5, 0, 255).astype(np.uint8), pixels[..., 3:]], axis=-1)


def _washed(value: np.ndarray, grey: np.ndarray, word: str, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) in 0..1: the colour, as light and dark as `value` (H, W) says, the middle of `grey` being its own."""
    light = value / max(float(np.median(value[grey])) if grey.any() else 1.0, 0.05)
    return np.clip(light, 0, 1.25)[..., None] * paint(word, rng) / 255


def _near_main_hue(hue: np.ndarray, coloured: np.ndarray) -> np.ndarray:
    """(H, W) bool: where `hue`, in degrees, is within 50 of that of most coloured pixels."""
    counts = np.bincount((hue[coloured] / 10).astype(int) % 36, minlength=36)
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    return np.abs((hue - 10 * smooth.argmax() - 5 + 180) % 360 - 180) < 50


def _turned(
    hsv: np.ndarray, main: np.ndarray, where: np.ndarray, word: str, rng: np.random.Generator
) -> np.ndarray:
    """`hsv` with the mean of `main` moved to the word's paint, `where` (H, W) is set."""
    angle = np.deg2rad(hsv[main][:, 0])
    now = np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()))
    hue, saturation, value = _PAINTS[word]
    saturation, value = saturation / hsv[main][:, 1].mean(), value / hsv[main][:, 2].mean()
    turned = np.empty_like(hsv)
    turned[..., 0] = (hsv[..., 0] + hue + rng.uniform(-8, 8) - now) % 360
    turned[..., 1] = np.clip(hsv[..., 1] * np.clip(saturation, 0.05, 1.5), 0, 1)
    turned[..., 2] = np.clip(hsv[..., 2] * np.clip(value, 0.3, 1.6), 0, 1)
    return np.where(where[..., None], turned, hsv)


def _hsv_of(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    solid = pixels[pixels[..., 3] > 200][None, :, :3]
    if solid.size == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    hsv = cv2.cvtColor(solid.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[0]
    return hsv[:, 0], hsv[:, 1], hsv[:, 2]


def _hue_shares(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The words for every seventh pixel and the share of each."""
    words = [_hue_word(h, s, v) for h, s, v in zip(hue[::7], saturation[::7], value[::7], strict=True)]
    names, counts = np.unique(np.array(words, dtype=str), return_counts=True)
    return names, counts / max(len(words), 1)


def _hue_word(hue: float, saturation: float, value: float) -> str:
    if saturation < 0.2:
        return ""
    if 10 <= hue < 45 and value < 0.62:
        return "brown"
    if (hue >= 315 or hue < 12) and value > 0.8 and saturation < 0.55:
        return "pink"
    for limit, word in ((14, "red"), (41, "orange"), (66, "yellow"), (160, "green"), (192, "turquoise")):
        if hue < limit:
            return word
    for limit, word in ((250, "blue"), (305, "purple"), (342, "pink")):
        if hue < limit:
            return word
    return "red"
