"""What a model looks at besides words: a picture of what the prompt names, laid where the mask is."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.bundled.fill_network import reference_channels
from paintdiff.engine.bundled.picture_library import PictureLibrary


def look_up(library: PictureLibrary, prompt: str, seed: int, place: np.ndarray, device: torch.device) -> Tensor | None:
    """`Condition.reference` for `prompt` where `place` (S, S) bool is set, (1, 4, S, S); None if nothing is named.

    The seed chooses among the pictures of the same thing, and how they are laid.
    """
    pixels = library.shown(prompt, seed, place)
    return None if pixels is None else reference_channels(torch.from_numpy(pixels)[None]).to(device)
