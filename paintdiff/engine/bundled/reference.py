"""What the bundled model looks at besides words: a picture of what the prompt names, over a guess of what is behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.bundled.continuation import continued
from paintdiff.engine.bundled.fill_network import reference_channels
from paintdiff.engine.bundled.picture_library import PictureLibrary


@dataclass(frozen=True, eq=False)
class Lookup:
    """Where the model looks something up: a `library`, and whether it `guesses` how the picture goes on."""

    library: PictureLibrary
    guesses: bool

    def guess(self, picture: np.ndarray, hole: np.ndarray, place: np.ndarray) -> np.ndarray | None:
        """How `picture` (S, S, 3) uint8 may go on in `hole` (S, S) bool, where `place` has any of it.

        (S, S, 4) uint8 premultiplied; None for a model that has not learnt to look at it, or where nothing is kept.
        """
        if not self.guesses or hole.all() or not place.any():
            return None
        return continued(picture, hole)

    def channels(
        self, prompt: str, seed: int, place: np.ndarray, guess: np.ndarray | None, device: torch.device
    ) -> Tensor | None:
        """`Condition.reference` for `prompt` where `place` (S, S) bool is set, (1, 4, S, S); None if there is nothing.

        The seed chooses among the pictures of the same thing, and how they are laid.
        """
        shown = over_guess(self.library.shown(prompt, seed, place), guess)
        return None if shown is None else reference_channels(torch.from_numpy(shown)[None]).to(device)


def over_guess(shown: np.ndarray | None, guess: np.ndarray | None) -> np.ndarray | None:
    """One (S, S, 4) uint8 premultiplied picture over another, of which either may be missing."""
    if shown is None or guess is None:
        return guess if shown is None else shown
    room = 255 - shown[..., 3:].astype(np.uint16)
    return (shown + ((guess * room + 127) // 255)).astype(np.uint8)
