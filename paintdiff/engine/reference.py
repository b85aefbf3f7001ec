"""What a model looks at besides words: a picture of what the prompt names, laid where the mask is."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from paintdiff.engine.fill_network import reference_channels
from paintdiff.engine.picture_library import PictureLibrary, fitted, laid


def look_up(library: PictureLibrary, prompt: str, seed: int, place: np.ndarray, device: torch.device) -> Tensor | None:
    """`Condition.reference` for `prompt` where `place` (S, S) bool is set, (1, 4, S, S); None if nothing is named.

    The seed chooses among the pictures of the same thing, and whether it is mirrored.
    """
    found = library.choose(prompt, seed)
    if found is None or not place.any():
        return None
    pixels = laid(found, place.shape[0], *fitted(found, place))
    return reference_channels(torch.from_numpy(pixels)[None]).to(device)
