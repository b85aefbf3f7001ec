"""Endless training scenes: a background, things on it, a mask, and the words for what the mask hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from paintdiff.engine.bundled import colours
from paintdiff.engine.bundled.continuation import continued
from paintdiff.engine.bundled.picture_library import FITS, fitted, laid
from paintdiff.engine.bundled.reference import over_guess
from paintdiff.training import masks, shapes
from paintdiff.training.backgrounds import Background, background
from paintdiff.training.nouns import COMMON
from paintdiff.training.sources import SPRITE_SIZE, Sprite

# Only where everything is masked: beside kept pixels, no prompt must mean "go on as around", never "some thing".
_CAPTION_DROP = 0.1
_STYLE_WORDS = 0.12
# What the picture shown beside a prompt is. Blattmann et al. 2022 train on neighbours; ours is nearly always the thing
# itself in its usual colours, and lies where the thing lies: a small network learns to draw by it within hours.
_NO_REFERENCE = 0.2
_ANOTHER_PICTURE = 0.1
_LAID_BY_MASK = 0.05
_OTHER_COLOUR = 0.3  # of the pictures of what is asked for in a colour that is not its own
_NO_GUESS = 0.15
_PHOTOGRAPHS = 0.18  # of all grounds, where there are any
_TURNED = 0.2


@dataclass(frozen=True)
class Scene:
    """picture (S, S, 3) uint8 RGB; mask (S, S) uint8, 1 = repaint; prompt: what the masked part shows.

    `reference` (S, S, 4) uint8 premultiplied: something like it, laid over the mask and over a guess of what lies
    behind; or None.
    """

    picture: np.ndarray
    mask: np.ndarray
    prompt: str
    reference: np.ndarray | None = None


@dataclass(frozen=True)
class Thing:
    """Something to put into a scene: (s, s, 4) uint8 premultiplied RGBA, its caption, and a picture like it."""

    pixels: np.ndarray
    caption: str
    like: np.ndarray


@dataclass(frozen=True)
class Placing:
    """Where a sprite is laid: its corner and side in pixels; `mirrored` left to right."""

    left: int
    top: int
    side: int
    mirrored: bool


@dataclass(frozen=True)
class SceneMaker:
    """Composes scenes of one size from sprites and drawn shapes; all randomness comes from the generator given."""

    sprites: Sequence[Sprite]
    size: int = 64
    shape_share: float = 0.3
    photographs: Sequence[np.ndarray] = ()  # (h, w, 3) uint8 each
    drawn_side: int = SPRITE_SIZE  # of drawn shapes, as large as the sprites

    def at(self, size: int) -> SceneMaker:
        """The same for scenes of another size."""
        return replace(self, size=size)

    @cached_property
    def _by_name(self) -> dict[str, list[Sprite]]:
        found: dict[str, list[Sprite]] = {}
        for sprite in self.sprites:
            found.setdefault(sprite.name, []).append(sprite)
        return found

    @cached_property
    def _draws(self) -> np.ndarray:
        """Indices of sprites, those of common things repeated."""
        return np.repeat(np.arange(len(self.sprites)), [5 if s.name in COMMON else 1 for s in self.sprites])

    def scene(self, rng: np.random.Generator) -> Scene:
        """One scene with one of the tasks: thing in a mask, continuation, side bands, everything masked."""
        return self.guessed(self.unguessed(rng), rng)

    def unguessed(self, rng: np.random.Generator) -> Scene:
        """`scene`, but for the guess of what lies behind its mask."""
        ground = self._ground(rng)
        task = rng.random()
        if task < 0.42:
            return self._thing_in_mask(ground, rng)
        if task < 0.67:
            return self._continuation(ground, rng)
        if task < 0.77:
            return self._side_bands(ground, rng)
        return self._everything(ground, rng)

    def _ground(self, rng: np.random.Generator) -> Background:
        if not self.photographs or rng.random() > _PHOTOGRAPHS:
            return background(self.size, rng)
        crop = crop_of(self.photographs[int(rng.integers(len(self.photographs)))], self.size, rng)
        return Background(crop.astype(np.float32), "")

    def guessed(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """The scene with a guess of what lies behind its mask, under what is shown already; rarely without."""
        if scene.mask.all() or rng.random() < _NO_GUESS:
            return scene
        return replace(scene, reference=over_guess(scene.reference, continued(scene.picture, scene.mask > 0)))

    def described(self, rng: np.random.Generator) -> Scene:
        """A scene to judge as a whole: one thing, rarely beside smaller ones, or ground alone; the mask has no use."""
        ground = background(self.size, rng)
        everywhere = np.ones((self.size, self.size), np.uint8)
        if rng.random() < 0.15:
            prompt = ground.name if ground.name and rng.random() < 0.5 else "nothing"
            return Scene(as_bytes(ground.pixels), everywhere, prompt)
        pixels, thing = self._crowded(ground, rng, chance=0.15), self.thing(rng)
        placing = draw_placing(rng, self.size, rng.uniform(0.35, 0.95) * self.size)
        pixels, _ = placed(pixels, thing.pixels, placing)
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
        like = sprite.pixels if rng.random() < _OTHER_COLOUR else pixels
        if rng.random() < _ANOTHER_PICTURE:
            siblings = self._by_name[sprite.name]
            like = siblings[int(rng.integers(len(siblings)))].pixels
        return _turned(Thing(pixels, caption(style, colour, name, rng), like), rng)

    def _drawn(self, rng: np.random.Generator) -> Thing:
        name = str(rng.choice(list(shapes.SHAPES)))
        usual = shapes.USUAL_COLOURS.get(name)
        words = usual if usual and rng.random() < 0.5 else (*colours.HUED, "black", "white", "grey")
        colour = str(rng.choice(words))
        unsaid = usual is not None and colour in usual and rng.random() < 0.4
        said = caption("", "" if unsaid else colour, name, rng)
        form = int(rng.integers(2**32))
        other = form if rng.random() > _ANOTHER_PICTURE else form + 1
        shade = str(rng.choice(colours.HUED)) if rng.random() < _OTHER_COLOUR else colour
        like = shapes.draw(name, shade, np.random.default_rng(other), self.drawn_side)
        pixels = shapes.draw(name, colour, np.random.default_rng(form), self.drawn_side)
        return _turned(Thing(pixels, said, like), rng)

    def _reference(
        self, thing: Thing, mask: np.ndarray, placing: Placing, rng: np.random.Generator
    ) -> np.ndarray | None:
        """The thing's like, where the thing lies or where the engine would lay it; None now and then."""
        if rng.random() < _NO_REFERENCE:
            return None
        pixels = thing.like[:, ::-1] if placing.mirrored else thing.like
        if rng.random() < _LAID_BY_MASK:
            left, top, side = fitted(pixels, mask, rng.uniform(*FITS))
        else:
            side = round(placing.side * rng.uniform(0.98, 1.02))
            moved = (placing.side - side) / 2 + rng.normal(0, 0.005 * self.size, 2)
            left, top = placing.left + round(moved[0]), placing.top + round(moved[1])
        return laid(pixels, self.size, left, top, side)

    def _thing_in_mask(self, ground: Background, rng: np.random.Generator) -> Scene:
        pixels = self._crowded(ground, rng, chance=0.25)
        thing = self.thing(rng)
        placing = draw_placing(rng, self.size, rng.uniform(0.35, 0.85) * self.size)
        pixels, alpha = placed(pixels, thing.pixels, placing)
        mask = masks.around(alpha, rng)
        return Scene(as_bytes(pixels), mask, thing.caption, self._reference(thing, mask, placing, rng))

    def _continuation(self, ground: Background, rng: np.random.Generator) -> Scene:
        """Background, things beside the hole but none that only the hole shows: the honest answer to no prompt."""
        pixels = ground.pixels
        if rng.random() < 0.35:  # the hole that something left: removal
            placing = draw_placing(rng, self.size, rng.uniform(0.3, 0.8) * self.size)
            _, gone = placed(pixels, self.thing(rng).pixels, placing)
            mask = masks.around(gone, rng)
        else:
            mask = masks.background_hole(self.size, rng)
        if rng.random() < 0.5:
            for _ in range(int(rng.integers(1, 3))):
                before = pixels
                size = rng.uniform(0.2, 0.5) * self.size
                pixels, alpha = placed(before, self.thing(rng).pixels, draw_placing(rng, self.size, size))
                if (alpha * mask).sum() > 0.15 * max(alpha.sum(), 1):
                    pixels = before
        prompt = ground.name if rng.random() < 0.12 else ""
        return Scene(as_bytes(pixels), mask, prompt)

    def _side_bands(self, ground: Background, rng: np.random.Generator) -> Scene:
        mask = masks.bands(self.size, rng)
        pixels, prompt, reference = ground.pixels, "", None
        if rng.random() < 0.6:
            thing = self.thing(rng)
            placing = draw_placing(rng, self.size, rng.uniform(0.3, 0.7) * self.size)
            pixels, alpha = placed(pixels, thing.pixels, placing)
            if (alpha * mask).sum() > 0.3 * alpha.sum():
                prompt, reference = thing.caption, self._reference(thing, mask, placing, rng)
        elif ground.name and rng.random() < 0.3:
            prompt = ground.name
        return Scene(as_bytes(pixels), mask, prompt, reference)

    def _everything(self, ground: Background, rng: np.random.Generator) -> Scene:
        mask = np.ones((self.size, self.size), np.uint8)
        if ground.name and rng.random() < 0.12:
            return Scene(as_bytes(ground.pixels), mask, _maybe(ground.name, rng))
        thing = self.thing(rng)
        placing = draw_placing(rng, self.size, rng.uniform(0.5, 0.92) * self.size, centred=True)
        pixels, _ = placed(ground.pixels, thing.pixels, placing)
        prompt = thing.caption
        if ground.name and rng.random() < 0.3:
            prompt += f" on a {ground.name}" if "background" in ground.name else f", {ground.name}"
        if rng.random() < _CAPTION_DROP:
            return Scene(as_bytes(pixels), mask, "")
        return Scene(as_bytes(pixels), mask, prompt, self._reference(thing, mask, placing, rng))

    def _crowded(self, ground: Background, rng: np.random.Generator, chance: float) -> np.ndarray:
        pixels = ground.pixels
        while rng.random() < chance:
            placing = draw_placing(rng, self.size, rng.uniform(0.2, 0.5) * self.size)
            pixels, _ = placed(pixels, self.thing(rng).pixels, placing)
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


def draw_placing(rng: np.random.Generator, size: int, side: float, centred: bool = False) -> Placing:
    """Somewhere in a picture of side `size`, mostly inside; in the middle, nearly, if `centred`."""
    whole = max(4, round(side))
    if centred:
        left, top = ((size - whole) / 2 + rng.normal(0, 0.04 * size, 2)).round().astype(int)
    else:
        left, top = rng.integers(-whole // 8, size - whole + whole // 8 + 1, 2)
    return Placing(int(left), int(top), whole, bool(rng.random() < 0.5))


def placed(pixels: np.ndarray, sprite: np.ndarray, placing: Placing) -> tuple[np.ndarray, np.ndarray]:
    """Lay a sprite over a float picture.

    Returns the new picture (S, S, 3) float32 and what the sprite covers, (S, S) float32 in 0..1.
    """
    if placing.mirrored:
        sprite = sprite[:, ::-1]
    layer = laid(sprite, pixels.shape[0], placing.left, placing.top, placing.side).astype(np.float32)
    cover = layer[..., 3] / 255
    return layer[..., :3] + pixels * (1 - cover[..., None]), cover


def _turned(thing: Thing, rng: np.random.Generator) -> Thing:
    """Now and then both of its pictures, a little to one side."""
    if rng.random() > _TURNED:
        return thing
    side = thing.pixels.shape[0]
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-20, 20), 0.9)
    pixels, like = (
        cv2.warpAffine(np.ascontiguousarray(picture), turn, (side, side)) for picture in (thing.pixels, thing.like)
    )
    return replace(thing, pixels=pixels, like=like)


def crop_of(photograph: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A square from a third of a photograph's shorter side to all of it, made small: (size, size, 3) uint8."""
    height, width = photograph.shape[:2]
    side = int(rng.uniform(0.34, 1) * min(height, width))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    crop = photograph[top : top + side, left : left + side]
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """(S, S, 3) float 0..255 -> uint8, rounded and clipped."""
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def _maybe(prompt: str, rng: np.random.Generator) -> str:
    return "" if rng.random() < _CAPTION_DROP else prompt
