"""Simple things drawn by ourselves in named colours, so that colour and shape words are learnt first."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from paintdiff.engine.bundled import colours
from paintdiff.training.sources import SPRITE_SIZE

_FINE = 3  # drawn this many times larger, then averaged down: antialiasing


class Sheet:
    """A transparent square to draw on, coordinates 0..1, y down; colours (3,) RGB 0..255."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.pixels = np.zeros((side, side, 4), np.uint8)

    def polygon(self, points: np.ndarray | list, colour: np.ndarray) -> None:
        corners = np.round(np.asarray(points, np.float32) * self.side).astype(np.int32)
        cv2.fillPoly(self.pixels, [corners], _opaque(colour))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: np.ndarray, turn: float = 0.0) -> None:
        centre, axes = (int(x * self.side), int(y * self.side)), (int(rx * self.side), int(ry * self.side))
        cv2.ellipse(self.pixels, centre, axes, turn, 0, 360, _opaque(colour), -1)

    def line(self, points: list, colour: np.ndarray, width: float) -> None:
        corners = np.round(np.asarray(points, np.float32) * self.side).astype(np.int32)
        cv2.polylines(self.pixels, [corners], False, _opaque(colour), max(1, int(width * self.side)))


def draw(name: str, colour: str, rng: np.random.Generator, side: int = SPRITE_SIZE) -> np.ndarray:
    """(side, side, 4) uint8 premultiplied RGBA of the shape `name` (a key of SHAPES) painted in a colour word."""
    sheet = Sheet(side * _FINE)
    main = colours.paint(colour, rng)
    SHAPES[name](sheet, main, rng)
    small = cv2.resize(sheet.pixels.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.6:
        small[..., :3] *= _shading(rng, side)
    small[..., :3] = np.minimum(small[..., :3], small[..., 3:])
    return np.round(small).astype(np.uint8)


def _shading(rng: np.random.Generator, side: int) -> np.ndarray:
    """(side, side, 1) float32 factors: light from one side, a sprite's roundness."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    turn, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.35)
    return (1 + strength * (np.cos(turn) * axis[None, :] + np.sin(turn) * axis[:, None]))[..., None]


def _opaque(colour: np.ndarray) -> tuple[float, float, float, float]:
    r, g, b = (float(c) for c in np.clip(colour, 0, 255))
    return r, g, b, 255.0


def _star(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    points, inner = int(rng.choice([5, 5, 5, 5, 6, 4])), rng.uniform(0.38, 0.55)
    turn = rng.normal(0, 0.12)
    angles = np.arange(2 * points) * np.pi / points - np.pi / 2 + turn
    radii = np.where(np.arange(2 * points) % 2, inner, 1.0) * 0.49
    sheet.polygon(np.stack([0.5 + radii * np.cos(angles), 0.52 + radii * np.sin(angles)], 1), colour)


def _circle(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.ellipse(0.5, 0.5, 0.49, 0.49, colour)


def _ball(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    for k in range(12):
        mix = k / 12
        shade = colour * (0.75 + 0.25 * mix) + 255 * 0.45 * max(0.0, mix - 0.6)
        sheet.ellipse(0.5 - 0.14 * mix, 0.5 - 0.16 * mix, 0.49 * (1 - mix), 0.49 * (1 - mix), shade)


def _square(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.polygon([[0.03, 0.03], [0.97, 0.03], [0.97, 0.97], [0.03, 0.97]], colour)


def _triangle(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.polygon([[0.5, 0.04], [0.98, 0.92], [0.02, 0.92]], colour)


def _diamond(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.polygon([[0.5, 0.01], [0.86, 0.5], [0.5, 0.99], [0.14, 0.5]], colour)


def _heart(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    s = np.linspace(0, 2 * np.pi, 80)
    x = 16 * np.sin(s) ** 3
    y = 13 * np.cos(s) - 5 * np.cos(2 * s) - 2 * np.cos(3 * s) - np.cos(4 * s)
    sheet.polygon(np.stack([0.5 + x / 34, 0.46 - y / 34], 1), colour)


def _apple(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.line([[0.5, 0.34], [0.53, 0.18], [0.58, 0.1]], np.array([90, 60, 30.0]), 0.05)
    if rng.random() < 0.7:
        sheet.ellipse(0.68, 0.14, 0.13, 0.06, colours.paint("green", rng), -25)
    for x in (0.36, 0.64):
        sheet.ellipse(x, 0.56, 0.32, 0.36, colour)
    sheet.ellipse(0.5, 0.66, 0.34, 0.31, colour)
    if rng.random() < 0.6:
        sheet.ellipse(0.3, 0.45, 0.07, 0.12, colour * 0.5 + 127, 25)


def _tree(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    trunk = colours.paint("brown", rng)
    half = rng.uniform(0.05, 0.1)
    sheet.polygon([[0.5 - half, 0.5], [0.5 + half, 0.5], [0.5 + 1.2 * half, 0.99], [0.5 - 1.2 * half, 0.99]], trunk)
    if rng.random() < 0.4:
        for k, (top, bottom, width) in enumerate(((0.42, 0.85, 0.38), (0.22, 0.6, 0.31), (0.01, 0.36, 0.23))):
            sheet.polygon([[0.5, top], [0.5 + width, bottom], [0.5 - width, bottom]], colour * (0.85 + 0.1 * k))
        return
    for _ in range(9):
        x, y = 0.5 + rng.uniform(-0.22, 0.22), 0.34 + rng.uniform(-0.16, 0.16)
        sheet.ellipse(x, y, 0.2, 0.18, colour * rng.uniform(0.82, 1.12))


def _balloon(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.line([[0.5, 0.68], [0.47, 0.82], [0.53, 0.99]], np.array([120, 120, 120.0]), 0.02)
    sheet.polygon([[0.5, 0.66], [0.56, 0.76], [0.44, 0.76]], colour * 0.8)
    sheet.ellipse(0.5, 0.36, 0.3, 0.35, colour)
    sheet.ellipse(0.4, 0.22, 0.06, 0.1, colour * 0.4 + 150, 25)


def _hot_air_balloon(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    stripes = int(rng.choice([3, 5, 7]))
    second = colours.paint(str(rng.choice(["white", "yellow", "red", "blue"])), rng)
    for left, right in ((0.39, 0.45), (0.61, 0.55)):
        sheet.line([[left, 0.68], [right, 0.85]], np.array([90, 70, 55.0]), 0.015)
    down = np.linspace(0, 1, 60)
    # a sphere above, drawn in to the basket's width below: half the width at each height
    half = np.where(down < 0.62, np.sqrt(np.clip(1 - (1 - down / 0.5) ** 2, 0, 1)), 0.0)
    low = down >= 0.62
    half[low] = np.interp(down[low], [0.62, 1.0], [np.sqrt(1 - 0.24**2), 0.28])
    for k in range(stripes):
        # the stripes of a round thing are narrower towards its sides
        a, b = np.sin(np.pi / 2 * (2 * np.array([k, k + 1]) / stripes - 1)) * 0.38
        edges = [np.stack([0.5 + side * half, 0.01 + 0.7 * down], 1) for side in (a, b)]
        sheet.polygon(np.concatenate([edges[0], edges[1][::-1]]), colour if k % 2 == 0 else second)
    basket = np.array([150, 100, 55.0])
    sheet.polygon([[0.43, 0.84], [0.57, 0.84], [0.555, 0.99], [0.445, 0.99]], basket)
    sheet.polygon([[0.42, 0.83], [0.58, 0.83], [0.58, 0.865], [0.42, 0.865]], basket * 0.75)


def _flower(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    if rng.random() < 0.6:
        green = colours.paint("green", rng)
        sheet.line([[0.5, 0.35], [0.5, 0.99]], green, 0.05)
        sheet.ellipse(0.62, 0.78, 0.13, 0.06, green, -35)
    petals, turn = int(rng.integers(5, 9)), rng.uniform(0, 1)
    for k in range(petals):
        angle = 2 * np.pi * (k + turn) / petals
        x, y = 0.5 + 0.2 * np.cos(angle), 0.34 + 0.2 * np.sin(angle)
        sheet.ellipse(x, y, 0.14, 0.09, colour * rng.uniform(0.92, 1.05), np.rad2deg(angle))
    sheet.ellipse(0.5, 0.34, 0.1, 0.1, colours.paint("yellow" if colour[2] > 60 else "brown", rng))


def _sun(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    rays = int(rng.integers(8, 13))
    for k in range(rays):
        angle = 2 * np.pi * k / rays
        out, side = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        sheet.polygon([0.5 + 0.49 * out, 0.5 + 0.3 * out + 0.06 * side, 0.5 + 0.3 * out - 0.06 * side], colour)
    sheet.ellipse(0.5, 0.5, 0.28, 0.28, colour)


def _moon(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.ellipse(0.5, 0.5, 0.48, 0.48, colour)
    if rng.random() < 0.7:
        centre = (int((0.5 + rng.choice([-1, 1]) * 0.2) * sheet.side), int(0.44 * sheet.side))
        cv2.ellipse(sheet.pixels, centre, (int(0.42 * sheet.side), int(0.42 * sheet.side)), 0, 0, 360, (0, 0, 0, 0), -1)
    else:
        for _ in range(4):
            sheet.ellipse(rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), 0.06, 0.06, colour * 0.85)


def _house(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    roof = colours.paint(str(rng.choice(["red", "brown", "grey", "blue"])), rng)
    sheet.polygon([[0.12, 0.45], [0.88, 0.45], [0.88, 0.97], [0.12, 0.97]], colour)
    sheet.polygon([[0.5, 0.03], [0.99, 0.48], [0.01, 0.48]], roof)
    sheet.polygon([[0.42, 0.65], [0.58, 0.65], [0.58, 0.97], [0.42, 0.97]], colours.paint("brown", rng))
    for x in (0.2, 0.66):
        sheet.polygon([[x, 0.56], [x + 0.14, 0.56], [x + 0.14, 0.7], [x, 0.7]], np.array([170, 215, 240.0]))


def _mountain(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    peak = rng.uniform(0.35, 0.65)
    sheet.polygon([[peak, 0.08], [0.99, 0.92], [0.01, 0.92]], colour)
    if rng.random() < 0.6:
        left, right = peak - 0.3 * peak, peak + 0.3 * (0.99 - peak)
        cap = [[peak, 0.08], [right, 0.33], [peak + 0.05, 0.27], [peak - 0.03, 0.35], [left, 0.33]]
        sheet.polygon(cap, np.array([245, 248, 252.0]))


def _cloud(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    for x, y, r in ((0.25, 0.58, 0.2), (0.5, 0.45, 0.27), (0.75, 0.58, 0.2), (0.4, 0.62, 0.18), (0.6, 0.62, 0.18)):
        sheet.ellipse(x, y, r, r * 0.85, colour * rng.uniform(0.97, 1.0))


def _mushroom(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.polygon([[0.4, 0.5], [0.6, 0.5], [0.66, 0.97], [0.34, 0.97]], colours.paint("white", rng))
    sheet.polygon([[0.5 + 0.46 * np.cos(a), 0.55 - 0.5 * np.sin(a)] for a in np.linspace(0, np.pi, 24)], colour)
    for x, y in ((0.5, 0.2), (0.3, 0.4), (0.7, 0.4)):
        sheet.ellipse(x, y, 0.07, 0.06, np.array([250, 248, 240.0]))


def _fish(sheet: Sheet, colour: np.ndarray, rng: np.random.Generator) -> None:
    sheet.polygon([[0.7, 0.5], [0.98, 0.26], [0.98, 0.74]], colour * 0.8)
    sheet.ellipse(0.42, 0.5, 0.38, 0.25, colour)
    sheet.ellipse(0.22, 0.44, 0.05, 0.05, np.array([250, 250, 250.0]))
    sheet.ellipse(0.21, 0.44, 0.025, 0.025, np.array([20, 20, 20.0]))


# name: how it is drawn
SHAPES: dict[str, Callable[[Sheet, np.ndarray, np.random.Generator], None]] = {
    "star": _star, "circle": _circle, "ball": _ball, "square": _square, "triangle": _triangle, "diamond": _diamond,
    "heart": _heart, "apple": _apple, "tree": _tree, "balloon": _balloon, "flower": _flower, "sun": _sun,
    "moon": _moon, "house": _house, "mountain": _mountain, "cloud": _cloud, "mushroom": _mushroom, "fish": _fish,
    "hot air balloon": _hot_air_balloon,
}  # fmt: skip
# colours that each is usually seen in come first in a painter's mind; other names and colours are drawn too
USUAL_COLOURS = {
    "apple": ("red", "green"), "tree": ("green",), "star": ("yellow",), "sun": ("yellow", "orange"),
    "moon": ("yellow", "white"), "heart": ("red", "pink"), "cloud": ("white", "grey"), "mountain": ("grey", "brown"),
    "mushroom": ("red", "brown"), "flower": ("pink", "red", "yellow"), "fish": ("orange", "blue"),
    "house": ("white", "yellow", "brown"), "balloon": ("red",), "hot air balloon": ("red", "orange", "blue"),
}  # fmt: skip
