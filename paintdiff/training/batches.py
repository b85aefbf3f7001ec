"""Batches of scenes, each a pure function of (seed, step), so that a resumed run sees what it would have seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from paintdiff.engine.bundled.fill_network import reference_channels
from paintdiff.engine.bundled.text import Tokenizer
from paintdiff.training.diffusion import Batch
from paintdiff.training.scenes import Scene, SceneMaker

# (from this step on, pictures in a batch): early on steps count, later the gradient's noise does
BATCH_SIZES = ((0, 16), (15_000, 32), (60_000, 64))


def batch_size(step: int, side: int = 64) -> int:
    """How many pictures of `side` pixels the step's batch has: as many as cost the same as those of 64."""
    count = [size for start, size in BATCH_SIZES if step >= start][-1]
    return max(2, count * 64 * 64 // max(side * side, 64 * 64))


def as_batch(scenes: list[Scene], tokenizer: Tokenizer) -> Batch:
    """Scenes of one size as tensors."""
    pictures = torch.from_numpy(np.stack([scene.picture for scene in scenes])).permute(0, 3, 1, 2)
    mask = torch.from_numpy(np.stack([scene.mask for scene in scenes]))[:, None]
    tokens = tokenizer.encode([scene.prompt for scene in scenes])
    return Batch(pictures.float() / 127.5 - 1, mask.float(), tokens, _references(scenes))


def _references(scenes: list[Scene]) -> torch.Tensor:
    empty = np.zeros((*scenes[0].mask.shape, 4), np.uint8)
    pixels = np.stack([empty if scene.reference is None else scene.reference for scene in scenes])
    return reference_channels(torch.from_numpy(pixels))


@dataclass(frozen=True)
class SceneBatches(Dataset):
    """Item k is the batch of step `first + k`; the makers, one for each side, take turns."""

    makers: tuple[SceneMaker, ...]
    tokenizer: Tokenizer
    seed: int
    first: int

    def __len__(self) -> int:
        return 1_000_000_000

    def __getitem__(self, index: int) -> Batch:
        step = self.first + index
        rng = np.random.default_rng((self.seed, step))
        maker = self.makers[step % len(self.makers)]
        return as_batch([maker.scene(rng) for _ in range(batch_size(step, maker.size))], self.tokenizer)


def stream(batches: Dataset, workers: int) -> Iterator[Any]:
    """The batches in order, composed ahead in `workers` processes (0: in this one)."""
    if workers == 0:
        return (batches[k] for k in range(len(batches)))  # type: ignore[arg-type]  # ours have a length
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(len(batches)),  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=8,
        # a forked child may hang in the thread pools of torch and OpenCV that it inherits
        multiprocessing_context="spawn",
        worker_init_fn=_be_modest,
    )
    return iter(loader)


def _be_modest(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
