"""Paints requests with the real engine, in a few processes side by side where that is faster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from multiprocessing import get_context

import numpy as np
import torch

from paintdiff.engine.bundled.picture_library import PictureLibrary
from paintdiff.engine.engine import DiffusionEngine
from paintdiff.engine.model import load_model
from paintdiff.generation.cancel import CancelToken
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.image.blending import over
from paintdiff.image.geometry import Rect
from paintdiff.training.held_out import rgba


@dataclass(frozen=True, eq=False)
class Painter:
    """Paints with `model`, a name or a folder, on `device`; in `workers` processes if more than one."""

    model: str
    device: str
    workers: int = 1
    _pool: list[ProcessPoolExecutor] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The side of the model's own pictures."""
        return self._known[0]

    @property
    def library(self) -> PictureLibrary | None:
        """The pictures that the model looks at, if it does."""
        return self._known[1]

    @cached_property
    def _known(self) -> tuple[int, PictureLibrary | None]:
        model = load_model(self.model, self.device)
        return model.info.size, None if model.looks is None else model.looks.library

    def request(self, picture: np.ndarray, mask: np.ndarray, sampling: Sampling, feather: int = 0) -> Request:
        """To repaint (h, w, 3) uint8 or float where the (h, w) mask is above 0, all of it seen at once.

        Without a feather, which blends in what the mask hides, and so would show a true picture.
        """
        frame = Rect(0, 0, *mask.shape[::-1])
        change_map = np.where(mask > 0, np.uint8(255), np.uint8(0))
        return Request(
            "inpaint", frame, frame, rgba(picture), change_map, sampling, self.model, self.device, feather=feather
        )

    def paint(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """(candidates, h, w, 3) uint8 for each request: the pictures with what was painted in them."""
        if self.workers < 2:
            return [_painted(request) for request in requests]
        if not self._pool:
            threads = max(1, torch.get_num_threads() // self.workers)
            self._pool.append(
                ProcessPoolExecutor(
                    self.workers, mp_context=get_context("spawn"), initializer=_on, initargs=(threads,)
                )
            )
        return list(self._pool[0].map(_painted, requests))

    def close(self) -> None:
        """End the other processes."""
        while self._pool:
            self._pool.pop().shutdown(cancel_futures=True)


@cache
def _engine() -> DiffusionEngine:
    """This process's engine, which keeps the model that it loaded last."""
    return DiffusionEngine()


def _on(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # which the engine heeds
    torch.set_num_threads(threads)


def _painted(request: Request) -> np.ndarray:
    result = _engine().generate(request, lambda progress: None, CancelToken())
    return np.stack([over(request.picture, candidate.patch)[..., :3] for candidate in result.candidates])
