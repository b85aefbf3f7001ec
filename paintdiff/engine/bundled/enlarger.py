"""The second stage in use: what the bundled model painted, drawn as large as the frame it is for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from paintdiff.engine.bundled.enlarger_network import EnlargerConfig, EnlargerNetwork
from paintdiff.engine.checkpoints.weights import check_finite, compare, without_memory
from paintdiff.engine.hardware.device import layout
from paintdiff.generation.errors import UserError
from paintdiff.models.bounds import check_numbers, check_sizes
from paintdiff.models.header import read_header

ENLARGER = "enlarger.safetensors"
TILE = 512  # pixels of the small picture that are enlarged at a time
MARGIN = 64  # around them, more than the network's convolutions reach


@dataclass(frozen=True, eq=False)
class Enlarger:
    """An `EnlargerNetwork` on its device."""

    network: EnlargerNetwork

    def __call__(self, square: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What was painted at (h, w), at (2h, 2w): (2h, 2w, 3) float32 in 0..255.

        square (h, w, 3) float32 in 0..255; picture (2h, 2w, 3) uint8, which stays where mask (2h, 2w) bool is False.
        """
        height, width = square.shape[:2]
        out = np.empty((2 * height, 2 * width, 3), np.float32)
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                near = [slice(max(0, at - MARGIN), at + TILE + MARGIN) for at in (top, left)]
                fine = [slice(2 * part.start, 2 * part.stop) for part in near]
                tile = self._enlarged(square[*near], picture[*fine], mask[*fine])
                kept = tile[2 * top - fine[0].start :, 2 * left - fine[1].start :][: 2 * TILE, : 2 * TILE]
                out[2 * top : 2 * (top + TILE), 2 * left : 2 * (left + TILE)] = kept
        return out

    @torch.no_grad()
    def _enlarged(self, square: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
        height, width = mask.shape
        below, right = height % 4 // 2, width % 4 // 2  # the network works on pairs of the small picture's pixels
        square = np.pad(square, ((0, below), (0, right), (0, 0)), "edge")
        picture = np.pad(picture, ((0, 2 * below), (0, 2 * right), (0, 0)), "edge")
        mask = np.pad(mask, ((0, 2 * below), (0, 2 * right)), "edge")
        device = self.network.enter.weight.device
        small, known, painted = (torch.from_numpy(np.ascontiguousarray(p)).to(device) for p in (square, picture, mask))
        small, known = (p.permute(2, 0, 1)[None].float() / 127.5 - 1 for p in (small, known))
        large = self.network(small, known * ~painted, painted[None, None].float())
        return (127.5 * (large[0].permute(1, 2, 0).clamp(-1, 1) + 1)).cpu().numpy()[:height, :width]


def find_enlarger(folder: Path, device: torch.device, dtype: torch.dtype) -> Enlarger | None:
    """The second stage of a model's folder; None where it has none. Raises `UserError` for a damaged one."""
    path = folder / ENLARGER
    if not path.is_file():
        return None
    try:
        header = read_header(path)
        about = json.loads(header.metadata["enlarger"])
        check_numbers(path, about)
        sizes = about["network"]
        check_sizes(path, sizes)
        with without_memory():
            network = EnlargerNetwork(EnlargerConfig(**sizes))
        compare(network, header)
        network.load_state_dict(load_file(path), assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"The model's second stage {path} cannot be opened ({type(error).__name__}).") from error
    check_finite(network, path)
    network.requires_grad_(False).eval().to(device, dtype)
    return Enlarger(network.to(memory_format=layout(device)))  # type: ignore[call-overload]  # missing in the stubs
