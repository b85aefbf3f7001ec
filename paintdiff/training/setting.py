"""What every part of an evaluation shares: the painter, the pictures kept out of training, the outsider that judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from paintdiff.training.judging_sets import fetch_judging_sets, judging_sprites
from paintdiff.training.painter import Painter
from paintdiff.training.photographs import fetch_photographs
from paintdiff.training.prompted import Prompted, commonest, paint_prompts
from paintdiff.training.recognizer import STEPS, Recognizer, trained_recognizer
from paintdiff.training.sources import LARGE_SPRITES, Sprite, load_sprites, save_sprites


@dataclass(frozen=True, eq=False)
class Setting:
    """`sprites` are all of the data, held out or not; `pictures` of each kind and `samples` of each are painted.

    `data` is the folder of fetched sources; `offline` makes do with what is there. `steps` is how long the recognizer
    learns. What is costly is made when it is first asked for, and once.
    """

    painter: Painter
    sprites: Sequence[Sprite]
    data: Path
    pictures: int
    samples: int
    nouns: int = 100
    steps: int = STEPS
    offline: bool = False

    @cached_property
    def held_out(self) -> list[Sprite]:
        return [sprite for sprite in self.sprites if sprite.held_out]

    @cached_property
    def seen(self) -> list[Sprite]:
        """The sprites that the model was trained on."""
        return [sprite for sprite in self.sprites if not sprite.held_out]

    @cached_property
    def large_sprites(self) -> list[Sprite]:
        """The sprites at twice the side, held out or not."""
        return load_sprites(self.data / LARGE_SPRITES)

    @cached_property
    def photographs(self) -> list[np.ndarray]:
        return fetch_photographs(self.data / "photographs", self.offline)

    @cached_property
    def judging(self) -> list[Sprite]:
        """Sprites of the sets that the model never sees."""
        packed = self.data / "judging/sprites.npz"
        if not packed.exists():
            save_sprites(list(judging_sprites(fetch_judging_sets(self.data / "judging"))), packed)
        return load_sprites(packed)

    @cached_property
    def recognizer(self) -> Recognizer:
        return trained_recognizer(self.judging, self.data / "judging/recognizer.safetensors", self.steps)

    @cached_property
    def prompted(self) -> Prompted:
        """What the model paints when it is asked for common things."""
        return paint_prompts(self.painter, commonest(self.judging, self.seen, self.nouns))
