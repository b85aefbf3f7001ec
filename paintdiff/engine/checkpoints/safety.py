"""The safety checker that some checkpoints bring: it says which pictures their makers do not want shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from paintdiff.engine.checkpoints.checkpoint import Checkpoint, prepare_libraries

PART = "safety_checker"
# What CLIP was trained on (Radford et al. 2021); every checker in the wild is of it.
MEAN = (0.48145466, 0.4578275, 0.40821073)
VEILED = 6  # cells a side that are left of a picture which it has not seen yet: colours, and where they are
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class SafetyChecker:
    """A StableDiffusionSafetyChecker of diffusers: CLIP's vision network and the concepts that it looks for.

    It stays on the CPU in float32: it looks at one picture a candidate, and the other device's memory is dear.
    """

    network: Any  # whose stubs say too little

    def objects_to(self, rgb: np.ndarray) -> bool:
        """Whether it would hold back a picture, (h, w, 3) uint8."""
        with torch.no_grad():
            _, flags = self.network(clip_input=self.seen(rgb), images=[np.zeros(1)])
        return bool(flags[0])

    def seen(self, rgb: np.ndarray) -> Tensor:
        """(1, 3, S, S) float32: the middle of the picture, as CLIP wants it."""
        side = int(self.network.config.vision_config.image_size)
        height, width = rgb.shape[:2]
        scale = side / min(height, width)
        size = max(side, int(width * scale)), max(side, int(height * scale))
        picture = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        middle = np.asarray(picture.crop((left, top, left + side, top + side)), np.float32) / 255
        normed = (middle - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
        return torch.from_numpy(normed.transpose(2, 0, 1).copy())[None]


def find_safety_checker(checkpoint: Checkpoint) -> Callable[[], SafetyChecker] | None:
    """What loads the checker of a checkpoint, on its first call; None where the checkpoint brings none."""
    if PART not in checkpoint.components or not (checkpoint.folder / PART).is_dir():
        return None
    return cache(partial(_load, checkpoint))


def _load(checkpoint: Checkpoint) -> SafetyChecker:
    prepare_libraries()
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    network = checkpoint.load(PART, StableDiffusionSafetyChecker, torch.float32)
    return SafetyChecker(network.requires_grad_(False).eval())


def veiled(pixels: np.ndarray) -> np.ndarray:
    """(h, w, C) with nothing left to recognize: what is shown of a picture before the checker has seen it."""
    height, width = pixels.shape[:2]
    few = max(1, round(VEILED * height / max(height, width))), max(1, round(VEILED * width / max(height, width)))
    cells = cv2.resize(pixels, few[::-1], interpolation=cv2.INTER_AREA)
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR).reshape(pixels.shape)


def sentence(held_back: list[int], count: int) -> str:
    """That the candidates of these numbers, from 0 on, of `count` in all, are not shown, and what can be done."""
    if len(held_back) == count:
        which = "what was painted" if count == 1 else f"all {count} candidates"
    else:
        numbers = [str(k + 1) for k in held_back]
        named = numbers[0] if len(numbers) == 1 else f"{', '.join(numbers[:-1])} and {numbers[-1]}"
        which = f"candidate{'s' * (len(numbers) > 1)} {named} of {count}"
    return (
        f"The model's safety checker held back {which}; another seed or prompt may pass, and Safety checker under "
        "Sampler (--safety off) switches it off."
    )
