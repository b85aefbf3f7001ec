"""What the bundled model looks at besides words: a picture of what the prompt names, over a guess of what is behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.bundled.continuation import continued
from paintdiff.engine.bundled.fill_network import reference_channels
from paintdiff.engine.bundled.picture_library import PictureLibrary
from paintdiff.engine.bundled.recognizing import recognized
from paintdiff.engine.bundled.telling import told
from paintdiff.generation.prompt_schedule import over_steps, together
from paintdiff.generation.prompt_tags import fragments, words_alone
from paintdiff.generation.sampling import Sampling

_EVERYTHING = 0.9  # of the picture, from which on a place has a ground of its own
_PLAIN = "white background"  # behind several things, where the prompt says nothing of it


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
        shown = over_guess(self.library.shown(words_alone(fragments(prompt)), seed, place), guess)
        return None if shown is None else reference_channels(torch.from_numpy(shown)[None]).to(device)

    def recognized(self, prompt: str, grey: np.ndarray, device: torch.device) -> Tensor | None:
        """`Condition.reference` for what `prompt` names where `grey` (S, S), levels of luma, shows it: (1, 4, S, S).

        None where it shows nothing of it.
        """
        shown = None
        for drawings in self.library.drawings(words_alone(fragments(prompt))):
            shown = over_guess(recognized(grey, drawings), shown)
        return None if shown is None else reference_channels(torch.from_numpy(shown)[None]).to(device)

    def heard(self, prompt: str, place: np.ndarray) -> str:
        """What of `prompt` the network is told in words where it looks at what the prompt names in `place` (S, S) bool.

        It has learnt from captions of one thing: words for several make it paint lumps of their colours in what is left
        of the place. So it hears nothing of several where something is kept, and what the prompt says of the ground
        where nothing is.
        """
        asked = self.library.read(words_alone(fragments(prompt)))
        if not asked.several:
            return prompt
        return "" if place.mean() < _EVERYTHING else asked.ground or _PLAIN

    def told(self, sampling: Sampling) -> tuple[str, ...]:
        """A sentence for each of the run's prompts of which not every word was found, or that was read otherwise."""
        texts = [*over_steps(sampling.prompt, sampling.steps), *over_steps(sampling.then, sampling.steps)]
        parts = [words_alone(fragments(part.text)) for text in dict.fromkeys(texts) for part in together(text)]
        names, styles = self.library.names, {entry.style for entry in self.library.entries}
        sentences = (told(self.library.read(part), names, tuple(styles)) for part in dict.fromkeys(parts))
        return tuple(sentence for sentence in dict.fromkeys(sentences) if sentence)


def over_guess(shown: np.ndarray | None, guess: np.ndarray | None) -> np.ndarray | None:
    """One (S, S, 4) uint8 premultiplied picture over another, of which either may be missing."""
    if shown is None or guess is None:
        return guess if shown is None else shown
    room = 255 - shown[..., 3:].astype(np.uint16)
    return (shown + ((guess * room + 127) // 255)).astype(np.uint8)
