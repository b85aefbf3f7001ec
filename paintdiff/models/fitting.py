"""What a model needs of the memory on each rung of the ladder, and which rung fits: arithmetic, before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from paintdiff.generation.model_card import Family, ModelCard
from paintdiff.generation.placing import ALL, GROUP, RUNGS, SEQUENTIAL, TEXT_OFF, TILED

GIB = 2**30
MARGIN = 0.9  # of the free memory is counted on: allocators leave gaps, and other programs breathe
TILE = 256  # pixels a side of what the autoencoder decodes at once when its pictures are tiled
# Numbers that are alive at once: in a network for each latent of a guided pair, in an autoencoder for each pixel.
LIVE_OF_NETWORK = 32_000
LIVE_OF_AUTOENCODER = 1_500
CELL = 8  # pixels a side of what one latent stands for


@dataclass(frozen=True)
class Needs:
    """Bytes of a model's weights by what they do, and of the work itself.

    `block` is the network's largest block with all that stays beside it, `layer` its largest layer. `step` is for one
    call of the network, `picture` for decoding whole and `tile` for decoding in tiles.
    """

    network: int
    text: int
    autoencoder: int
    block: int
    layer: int
    step: int
    picture: int
    tile: int

    def at(self, rung: str) -> int:
        """The most bytes of the device that are taken at once on `rung`."""
        whole, tiled = max(self.step, self.picture), max(self.step, self.tile)
        return {
            ALL: self.network + self.text + self.autoencoder + whole,
            TEXT_OFF: self.network + self.autoencoder + whole,
            TILED: self.network + self.autoencoder + tiled,
            GROUP: self.block + tiled,
            SEQUENTIAL: self.layer + tiled,
        }[rung]

    def rung(self, free: int) -> str | None:
        """The highest rung that fits into `free` bytes, None where none does."""
        return next((rung for rung in RUNGS if self.at(rung) <= MARGIN * free), None)


def work(side: int, width: int) -> tuple[int, int, int]:
    """(step, picture, tile) bytes for a latent model of `side` pixels that computes in numbers of `width` bytes."""
    step = 2 * LIVE_OF_NETWORK * (side // CELL) ** 2 * width
    picture, tile = (LIVE_OF_AUTOENCODER * length**2 * width for length in (side, min(side, TILE)))
    return step, picture, tile


# Millions of weights: network, text encoders, autoencoder, largest block with what stays, largest layer.
_MILLIONS = {
    Family.SD1: (860, 123, 84, 358, 30),
    Family.SD2: (866, 340, 84, 360, 30),
    Family.SDXL: (2568, 818, 84, 1631, 30),
    Family.SD3: (2085, 5580, 84, 150, 20),
    Family.FLUX: (11_900, 4890, 84, 450, 66),
}
_SIDES = {Family.SD1: 512, Family.SD2: 768}


def needs_of(card: ModelCard, width: int = 2) -> Needs:
    """What the model of `card` will need in numbers of `width` bytes: two for half precision, as most devices compute.

    Families that are not known here count as one block, as large as the file.
    """
    million = _MILLIONS.get(card.family)
    if million is None:
        return Needs(card.size_bytes, 0, 0, card.size_bytes, card.size_bytes, card.size_bytes // 2, 0, 0)
    network, text, autoencoder, block, layer = (count * 1_000_000 * width for count in million)
    step, picture, tile = work(card.side or _SIDES.get(card.family, 1024), width)
    if card.held_bytes:  # counted from the file: quantized, or a larger or smaller one of its family
        held = card.held_bytes if card.stored else card.held_bytes * width // 2
        block, layer = (count * held // network for count in (block, layer))
        network = held
    return Needs(network, text, autoencoder, block, layer, step, picture, tile)


def free_main_memory() -> int:
    """Bytes of main memory that a program could take now without pushing others out."""
    return int(psutil.virtual_memory().available)


def gigabytes(count: int) -> str:
    """As memory is sold, in units of 2**30 bytes."""
    return f"{count / GIB:.1f} GB"
