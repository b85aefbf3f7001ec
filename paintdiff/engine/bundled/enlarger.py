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
from paintdiff.models.bounds import check_sizes
from paintdiff.models.header import read_header

ENLARGER = "enlarger.safetensors"


@dataclass(frozen=True, eq=False)
class Enlarger:
    """An `EnlargerNetwork` on its device."""

    network: EnlargerNetwork

    @torch.no_grad()
    def __call__(self, square: np.ndarray, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """What was painted at (S, S), at (2S, 2S): (2S, 2S, 3) float32 in 0..255.

        square (S, S, 3) float32 in 0..255; picture (2S, 2S, 3) uint8, which stays where mask (2S, 2S) bool is False.
        """
        device = self.network.enter.weight.device
        small, known = (torch.from_numpy(np.ascontiguousarray(p)).to(device) for p in (square, picture))
        painted = torch.from_numpy(mask).to(device)[None, None].float()
        small, known = (p.permute(2, 0, 1)[None].float() / 127.5 - 1 for p in (small, known))
        large = self.network(small, known * (1 - painted), painted)
        return (127.5 * (large[0].permute(1, 2, 0).clamp(-1, 1) + 1)).cpu().numpy()


def find_enlarger(folder: Path, device: torch.device, dtype: torch.dtype) -> Enlarger | None:
    """The second stage of a model's folder; None where it has none. Raises `UserError` for a damaged one."""
    path = folder / ENLARGER
    if not path.is_file():
        return None
    try:
        header = read_header(path)
        sizes = json.loads(header.metadata["enlarger"])["network"]
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
