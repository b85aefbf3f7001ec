"""Endless procedural backgrounds: plain, gradients, skies, hills, stripes, checks, noise, bokeh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from paintdiff.engine.bundled import colours


@dataclass(frozen=True)
class Background:
    """(S, S, 3) float32 RGB, 0..255, and the words for it ("blue sky with clouds"); "" when it has no name."""

    pixels: np.ndarray
    name: str


def background(size: int, rng: np.random.Generator) -> Background:
    """One random background; plain ones and gradients are the most frequent, as in a painter's first tries."""
    return background_of(str(rng.choice(list(KINDS), p=_SHARES)), size, rng)


def background_of(kind: str, size: int, rng: np.random.Generator) -> Background:
    """A random background of one kind, a key of KINDS."""
    made = KINDS[kind](size, rng)
    return Background(made.pixels.astype(np.float32, copy=False), made.name)


def _axes(size: int) -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    return axis[:, None], axis[None, :]


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A random colour, more often light and calm than loud."""
    kind = rng.random()
    if kind < 0.5:
        return colours.hsv_to_rgb(rng.uniform(0, 360), rng.uniform(0, 0.45), rng.uniform(0.75, 1))
    if kind < 0.85:
        return colours.hsv_to_rgb(rng.uniform(0, 360), rng.uniform(0.2, 0.9), rng.uniform(0.3, 0.95))
    return np.full(3, rng.uniform(0, 255), np.float32)


def _near(colour: np.ndarray, rng: np.random.Generator, spread: float) -> np.ndarray:
    return np.clip(colour + rng.normal(0, spread, 3), 0, 255).astype(np.float32)


def _mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return a + (b - a) * weight[..., None]


def _soft_noise(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """(S, S) float32 in about -1..1, smooth over size / cells pixels."""
    coarse = rng.standard_normal((cells + 1, cells + 1)).astype(np.float32)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) * 0.7


def _plain(size: int, rng: np.random.Generator) -> Background:
    if rng.random() < 0.5:
        word = str(rng.choice((*colours.HUED, "white", "grey", "black")))
        return Background(np.tile(colours.paint(word, rng), (size, size, 1)), f"{word} background")
    return Background(np.tile(_colour(rng), (size, size, 1)), "")


def _linear(size: int, rng: np.random.Generator) -> Background:
    y, x = _axes(size)
    turn = rng.choice([0, np.pi / 2, np.pi, -np.pi / 2]) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    along = np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5)
    reach = (abs(np.cos(turn)) + abs(np.sin(turn))) / 2
    first = _colour(rng)
    second = _colour(rng) if rng.random() < 0.5 else _near(first, rng, 50)
    return Background(_mix(first, second, along / (2 * reach) + 0.5), "")


def _radial(size: int, rng: np.random.Generator) -> Background:
    y, x = _axes(size)
    distance = np.hypot(x - rng.uniform(0.2, 0.8), y - rng.uniform(0.2, 0.8))
    return Background(_mix(_colour(rng), _colour(rng), np.clip(distance / rng.uniform(0.6, 1.1), 0, 1)), "")


def _sky_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
    kind = rng.random()
    if kind < 0.65:
        high = colours.hsv_to_rgb(rng.uniform(198, 222), rng.uniform(0.4, 0.8), rng.uniform(0.75, 1))
        return high, _mix(high, np.full(3, 255.0), np.full(1, rng.uniform(0.4, 0.8), np.float32))[0], "blue sky"
    if kind < 0.85:
        high = colours.hsv_to_rgb(rng.uniform(250, 320), rng.uniform(0.3, 0.6), rng.uniform(0.5, 0.9))
        return high, colours.hsv_to_rgb(rng.uniform(15, 45), rng.uniform(0.5, 0.8), 1.0), "sunset sky"
    high = colours.hsv_to_rgb(rng.uniform(225, 255), rng.uniform(0.5, 0.9), rng.uniform(0.1, 0.25))
    return high, colours.hsv_to_rgb(rng.uniform(220, 260), rng.uniform(0.4, 0.7), rng.uniform(0.25, 0.5)), "night sky"


def _sky(size: int, rng: np.random.Generator) -> Background:
    high, low, name = _sky_colours(rng)
    y, _ = _axes(size)
    pixels = _mix(high, low, np.broadcast_to(y, (size, size)))
    if name == "night sky":
        for _ in range(int(rng.integers(0, 14))):
            pixels[rng.integers(size), rng.integers(size)] = rng.uniform(190, 255)
    elif rng.random() < 0.65:
        pixels = _clouds(pixels, rng)
        name += " with clouds"
    return Background(pixels, name)


def _clouds(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = pixels.shape[0]
    cover: np.ndarray = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        cx, cy, wide = rng.uniform(0, size), rng.uniform(0, 0.7 * size), rng.uniform(0.1, 0.22) * size
        for _ in range(5):
            centre = (int(cx + rng.normal(0, wide)), int(cy + rng.normal(0, wide * 0.2)))
            radius = int(max(2, wide * rng.uniform(0.4, 0.8)))
            cv2.ellipse(cover, centre, (radius, max(1, int(radius * 0.7))), 0, 0, 360, 1.0, -1)
    cover = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.7, 2.5) * size / 64)
    return _mix(pixels, np.full(3, rng.uniform(240, 255), np.float32), cover * rng.uniform(0.7, 1.0))


def _hills(size: int, rng: np.random.Generator) -> Background:
    sky = _sky(size, rng)
    pixels: np.ndarray = sky.pixels
    y, x = _axes(size)
    hue = rng.uniform(75, 140) if rng.random() < 0.75 else rng.uniform(20, 50)
    dark = 0.45 if sky.name.startswith("night") else 1.0
    layers = int(rng.integers(1, 4))
    for k in range(layers):
        level = rng.uniform(0.45, 0.6) + 0.38 * k / layers
        wave: np.ndarray = np.zeros(1)
        for _ in range(2):
            wave = wave + rng.uniform(0.01, 0.05) * np.sin(2 * np.pi * (x * rng.uniform(0.4, 1.6) + rng.random()))
        edge = np.clip((y - level - wave) * size, 0, 1)
        near = (k + 1) / layers
        green = colours.hsv_to_rgb(
            hue + rng.uniform(-8, 8), rng.uniform(0.4, 0.7), dark * (0.9 - 0.35 * near * rng.random())
        )
        pixels = _mix(pixels, green, edge)
    ground = "green hills" if hue > 70 else "desert hills"
    return Background(pixels, f"{ground} under a {sky.name}")


def _stripes(size: int, rng: np.random.Generator) -> Background:
    y, x = _axes(size)
    turn = rng.choice([0, np.pi / 2, np.pi / 4, -np.pi / 4]) if rng.random() < 0.8 else rng.uniform(0, np.pi)
    along = np.cos(turn) * x + np.sin(turn) * y
    wave = np.sin(2 * np.pi * (along * rng.uniform(3, 9) + rng.random()))
    weight = np.clip(wave * rng.uniform(1.5, 5) + 0.5, 0, 1)
    return Background(_mix(_colour(rng), _colour(rng), weight), "stripes")


def _checks(size: int, rng: np.random.Generator) -> Background:
    y, x = _axes(size)
    cells, shift = rng.uniform(4, 9), rng.random(2)
    wave = np.sin(np.pi * (x * cells + shift[0])) * np.sin(np.pi * (y * cells + shift[1]))
    return Background(_mix(_colour(rng), _colour(rng), np.clip(wave * 8 + 0.5, 0, 1)), "checks")


def _texture(size: int, rng: np.random.Generator) -> Background:
    weight = np.clip(0.5 + 0.5 * _soft_noise(size, int(rng.integers(2, 12)), rng), 0, 1)
    first = _colour(rng)
    pixels = _mix(first, _near(first, rng, rng.uniform(15, 80)), weight)
    if rng.random() < 0.4:
        pixels = pixels + rng.normal(0, rng.uniform(2, 8), pixels.shape).astype(np.float32)
    return Background(pixels, "")


def _bokeh(size: int, rng: np.random.Generator) -> Background:
    pixels = np.tile(_colour(rng), (size, size, 1))
    for _ in range(int(rng.integers(4, 12))):
        centre = (int(rng.integers(size)), int(rng.integers(size)))
        tint = tuple(float(c) for c in _colour(rng))
        cv2.circle(pixels, centre, int(rng.uniform(0.05, 0.25) * size), tint, -1)
    return Background(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(2, 7) * size / 64), "")


# kind: how it is drawn, at (size, rng)
KINDS: dict[str, Callable[[int, np.random.Generator], Background]] = {
    "plain": _plain, "linear": _linear, "radial": _radial, "sky": _sky, "hills": _hills, "stripes": _stripes,
    "checks": _checks, "texture": _texture, "bokeh": _bokeh,
}  # fmt: skip
_SHARES = (0.18, 0.2, 0.08, 0.12, 0.12, 0.09, 0.07, 0.1, 0.04)
