"""Does a colour word have its way? Things asked for in eight colours, and the hue that they came out in."""

from __future__ import annotations

import numpy as np

from paintdiff.engine.bundled import colours
from paintdiff.generation.sampling import Sampling
from paintdiff.training.contact_sheet import contact_sheet
from paintdiff.training.figures import Figure, Part, percent, table
from paintdiff.training.prompted import room
from paintdiff.training.setting import Setting

TARGET = 0.8
WORDS = tuple(word for word in colours.HUED if word != "brown")
THINGS = (
    "star", "circle", "heart", "apple", "tree", "balloon", "flower", "house", "car", "fish",
    "ball", "square", "cup of coffee", "bird", "butterfly", "cat", "rocket", "umbrella", "t shirt", "mushroom",
)  # fmt: skip
_GROUND = 225  # grey level
_FEATHER = 8  # as the window's own


def colour_words(setting: Setting) -> Part:
    """Each of the things in each colour, once; right is where the commonest hue of what is painted is the word's."""
    painter = setting.painter
    things = THINGS[: max(2, setting.nouns // 5)]
    asked = [(word, thing) for thing in things for word in WORDS]
    ground, mask = np.full((painter.size, painter.size, 3), _GROUND, np.uint8), room(painter.size)
    fills = painter.paint([
        painter.request(ground, mask, Sampling(prompt=f"{word} {thing}", seed=number, candidates=1), _FEATHER)
        for number, (word, thing) in enumerate(asked)
    ])  # fmt: skip
    found = [hue_of(pictures[0]) for pictures in fills]
    right = np.array([hue == word for hue, (word, _) in zip(found, asked, strict=True)]).reshape(-1, len(WORDS))
    share = float(right.mean())
    figure = Figure(
        "colour words", percent(share), f"at least {percent(TARGET)}", share >= TARGET,
        f"{len(things)} things × {len(WORDS)} colours, the commonest hue",
    )  # fmt: skip
    by_colour = dict(zip(WORDS, right.mean(axis=0).tolist(), strict=True))
    cells = [
        (f"{word} {thing}" if hue == word else f"{word}, is {hue or 'grey'}", pictures[0])
        for (word, thing), pictures, hue in zip(asked, fills, found, strict=True)
    ]
    details = table(WORDS, [[percent(by_colour[word]) for word in WORDS]])
    sheet = contact_sheet(cells[: 10 * len(WORDS)], len(WORDS), 96)
    return Part("colours", (figure,), details, {"right": share, "by_colour": by_colour}, {"colours": sheet})


def hue_of(picture: np.ndarray) -> str:
    """The word for the hue of what stands out from the grey ground of (S, S, 3) uint8; "" where nothing has one."""
    drawn = np.abs(picture.astype(np.int16) - _GROUND).max(-1) > 40
    return colours.commonest_hue(np.dstack([picture, np.where(drawn, 255, 0).astype(np.uint8)]))
