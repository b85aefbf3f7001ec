"""Endless training scenes: a background, things on it, a mask, and the words for what the mask hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from paintdiff.training import colours, masks, shapes
from paintdiff.training.backgrounds import Background, background
from paintdiff.training.nouns import COMMON
from paintdiff.training.sources import SPRITE_SIZE, Sprite

# Only where everything is masked: beside kept pixels, no prompt must mean "go on as around", never "some thing".
_CAPTION_DROP = 0.1
_STYLE_WORDS = 0.12


@dataclass(frozen=True)
class Scene:
    """picture (S, S, 3) uint8 RGB; mask (S, S) uint8, 1 = repaint; prompt: what the masked part shows."""

    picture: np.ndarray
    mask: np.ndarray
    prompt: str


@dataclass(frozen=True)
class Thing:
    """Something to put into a scene: (72, 72, 4) uint8 premultiplied RGBA and its caption."""

    pixels: np.ndarray
    caption: str


@dataclass(frozen=True)
class SceneMaker:
    """Composes scenes of one size from sprites and drawn shapes; all randomness comes from the generator given."""

    sprites: Sequence[Sprite]
    size: int = 64
    shape_share: float = 0.3

    @cached_property
    def _draws(self) -> np.ndarray:
        """Indices of sprites, those of common things repeated."""
        return np.repeat(np.arange(len(self.sprites)), [5 if s.name in COMMON else 1 for s in self.sprites])

    def scene(self, rng: np.random.Generator) -> Scene:
        """One scene with one of the tasks: thing in a mask, continuation, side bands, everything masked."""
        ground = background(self.size, rng)
        task = rng.random()
        if task < 0.42:
            return self._thing_in_mask(ground, rng)
        if task < 0.67:
            return self._continuation(ground, rng)
        if task < 0.77:
            return self._side_bands(ground, rng)
        return self._everything(ground, rng)

    def described(self, rng: np.random.Generator) -> Scene:
        """A scene to judge as a whole: one thing, rarely beside smaller ones, or ground alone; the mask has no use."""
        ground = background(self.size, rng)
        everywhere = np.ones((self.size, self.size), np.uint8)
        if rng.random() < 0.15:
            prompt = ground.name if ground.name and rng.random() < 0.5 else "nothing"
            return Scene(as_bytes(ground.pixels), everywhere, prompt)
        pixels, thing = self._crowded(ground, rng, chance=0.15), self.thing(rng)
        pixels, _ = placed(pixels, thing.pixels, rng, rng.uniform(0.35, 0.95) * self.size)
        prompt = thing.caption
        if ground.name and rng.random() < 0.1:
            prompt += f" on a {ground.name}" if "background" in ground.name else f", {ground.name}"
        return Scene(as_bytes(pixels), everywhere, prompt)

    def thing(self, rng: np.random.Generator) -> Thing:
        """A sprite or a drawn shape, sometimes repainted in a named colour."""
        if not self.sprites or rng.random() < self.shape_share:
            return self._drawn(rng)
        sprite = self.sprites[int(rng.choice(self._draws))]
        pixels, colour = sprite.pixels, ""
        own = colours.colour_word(pixels) if rng.random() < 0.5 else ""
        if own in colours.HUED and rng.random() < 0.5:
            colour = str(rng.choice(colours.HUED))
            pixels = colours.repainted(pixels, colour, rng)
        elif own and rng.random() < 0.7:
            colour = own
        name = sprite.name
        if sprite.others and rng.random() < 0.5:
            name = str(rng.choice(sprite.others))
        style = sprite.style if rng.random() < _STYLE_WORDS else ""
        return Thing(pixels, caption(style, colour, name, rng))

    def _drawn(self, rng: np.random.Generator) -> Thing:
        name = str(rng.choice(list(shapes.SHAPES)))
        usual = shapes.USUAL_COLOURS.get(name)
        words = usual if usual and rng.random() < 0.5 else (*colours.HUED, "black", "white", "grey")
        colour = str(rng.choice(words))
        unsaid = usual is not None and colour in usual and rng.random() < 0.4
        return Thing(shapes.draw(name, colour, rng), caption("", "" if unsaid else colour, name, rng))

    def _thing_in_mask(self, ground: Background, rng: np.random.Generator) -> Scene:
        pixels = self._crowded(ground, rng, chance=0.25)
        thing = self.thing(rng)
        pixels, alpha = placed(pixels, thing.pixels, rng, rng.uniform(0.35, 0.85) * self.size)
        return Scene(as_bytes(pixels), masks.around(alpha, rng), thing.caption)

    def _continuation(self, ground: Background, rng: np.random.Generator) -> Scene:
        """Background, things beside the hole but none that only the hole shows: the honest answer to no prompt."""
        pixels = ground.pixels
        if rng.random() < 0.35:  # the hole that something left: removal
            _, gone = placed(pixels, self.thing(rng).pixels, rng, rng.uniform(0.3, 0.8) * self.size)
            mask = masks.around(gone, rng)
        else:
            mask = masks.background_hole(self.size, rng)
        if rng.random() < 0.5:
            for _ in range(int(rng.integers(1, 3))):
                before = pixels
                size = rng.uniform(0.2, 0.5) * self.size
                pixels, alpha = placed(before, self.thing(rng).pixels, rng, size)
                if (alpha * mask).sum() > 0.15 * max(alpha.sum(), 1):
                    pixels = before
        prompt = ground.name if rng.random() < 0.12 else ""
        return Scene(as_bytes(pixels), mask, prompt)

    def _side_bands(self, ground: Background, rng: np.random.Generator) -> Scene:
        mask = masks.bands(self.size, rng)
        pixels, prompt = ground.pixels, ""
        if rng.random() < 0.6:
            thing = self.thing(rng)
            pixels, alpha = placed(pixels, thing.pixels, rng, rng.uniform(0.3, 0.7) * self.size)
            if (alpha * mask).sum() > 0.3 * alpha.sum():
                prompt = thing.caption
        elif ground.name and rng.random() < 0.3:
            prompt = ground.name
        return Scene(as_bytes(pixels), mask, prompt)

    def _everything(self, ground: Background, rng: np.random.Generator) -> Scene:
        mask = np.ones((self.size, self.size), np.uint8)
        if ground.name and rng.random() < 0.12:
            return Scene(as_bytes(ground.pixels), mask, _maybe(ground.name, rng))
        thing = self.thing(rng)
        pixels, _ = placed(ground.pixels, thing.pixels, rng, rng.uniform(0.5, 0.92) * self.size, centred=True)
        prompt = thing.caption
        if ground.name and rng.random() < 0.3:
            prompt += f" on a {ground.name}" if "background" in ground.name else f", {ground.name}"
        return Scene(as_bytes(pixels), mask, _maybe(prompt, rng))

    def _crowded(self, ground: Background, rng: np.random.Generator, chance: float) -> np.ndarray:
        pixels = ground.pixels
        while rng.random() < chance:
            pixels, _ = placed(pixels, self.thing(rng).pixels, rng, rng.uniform(0.2, 0.5) * self.size)
        return pixels


def caption(style: str, colour: str, name: str, rng: np.random.Generator) -> str:
    """ "red apple", "a red apple", "the flat red apple": the ways painters ask."""
    words = " ".join(word for word in (style, colour, name) if word)
    start = rng.random()
    if start < 0.5 or name.endswith("s"):
        return words
    if start < 0.9:
        return ("an " if words[0] in "aeiou" else "a ") + words
    return "the " + words


def placed(
    pixels: np.ndarray, sprite: np.ndarray, rng: np.random.Generator, side: float, centred: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a sprite over a float picture, `side` pixels large, sometimes mirrored and turned, mostly inside.

    Returns the new picture (S, S, 3) float32 and what the sprite covers, (S, S) float32 in 0..1.
    """
    size = pixels.shape[0]
    if rng.random() < 0.5:
        sprite = sprite[:, ::-1]
    if rng.random() < 0.25:
        turn = cv2.getRotationMatrix2D((SPRITE_SIZE / 2, SPRITE_SIZE / 2), rng.uniform(-20, 20), 0.9)
        sprite = cv2.warpAffine(np.ascontiguousarray(sprite), turn, (SPRITE_SIZE, SPRITE_SIZE))
    side = max(4, round(side))
    small = cv2.resize(np.ascontiguousarray(sprite), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    if centred:
        left, top = ((size - side) / 2 + rng.normal(0, 0.04 * size, 2)).round().astype(int)
    else:
        left, top = rng.integers(-side // 8, size - side + side // 8 + 1, 2)
    result, cover = pixels.copy(), np.zeros((size, size), np.float32)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(size, left + side), min(size, top + side)
    part = small[y0 - top : y1 - top, x0 - left : x1 - left]
    cover[y0:y1, x0:x1] = part[..., 3] / 255
    result[y0:y1, x0:x1] = part[..., :3] + result[y0:y1, x0:x1] * (1 - cover[y0:y1, x0:x1, None])
    return result, cover


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """(S, S, 3) float 0..255 -> uint8, rounded and clipped."""
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def _maybe(prompt: str, rng: np.random.Generator) -> str:
    return "" if rng.random() < _CAPTION_DROP else prompt
