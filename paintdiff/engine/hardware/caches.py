"""What was computed once for the same pixels and is handed out again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor

KEPT = 16  # latents of a large frame take a megabyte


class Encodings:
    """Latents by the pixels that they are of; those asked for longest ago make room.

    An encoding depends on the pixels alone (it is the posterior's mode, no sample), so the next run over the same frame
    and mask needs no encoder, whatever its seed and prompt.
    """

    def __init__(self) -> None:
        self._latents: OrderedDict[bytes, Tensor] = OrderedDict()

    def of(self, pixels: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """What `encode` makes of `pixels`; not to be written to."""
        key = _digest(pixels)
        if key not in self._latents:
            self._latents[key] = encode(pixels)
            while len(self._latents) > KEPT:
                self._latents.popitem(last=False)
        self._latents.move_to_end(key)
        return self._latents[key]


def _digest(pixels: Tensor) -> bytes:
    values = pixels.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(values.data, digest_size=16).digest() + repr(values.shape).encode()
