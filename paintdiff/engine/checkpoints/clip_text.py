"""Prompts to vectors for checkpoints of the Stable Diffusion family: CLIP's tokenizers and text transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from paintdiff.engine.checkpoints.prompt_weighting import MOST_CHUNKS, TextReader, read_parts
from paintdiff.engine.denoiser import Condition
from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import chunks


@dataclass(frozen=True, eq=False)
class ClipText:
    """A prompt -> (1, 77, D) float32 and an all-true (1, 77) mask: the network attends to the padding too.

    Several `readers` stand side by side in D (SDXL has two); `pooled` says that the last of them gives the prompt in
    one vector too. `sizes` go into each condition as they are. The empty prompt is the unconditional one (Ho and
    Salimans 2022, trained by dropping prompts); with `zeros` it becomes all zeros, as in SDXL's training. A prompt of
    more than 75 tokens is read in chunks of 77, a BREAK begins another, and words may have weights. Raises `UserError`
    for a prompt that is too long even so.
    """

    readers: tuple[TextReader, ...]
    pooled: bool = False
    sizes: Tensor | None = None
    zeros: bool = False

    def __call__(self, prompt: str) -> Condition:
        own = chunks(read_parts(prompt))
        with torch.no_grad():
            last = len(self.readers) - 1
            read = [
                [reader.read(parts, pooled=self.pooled and i == last) for i, reader in enumerate(self.readers)]
                for parts in own
            ]
        text = torch.cat([torch.cat([each for each, _ in chunk], dim=-1) for chunk in read], dim=1)
        if len(own) > 1 and text.shape[1] > MOST_CHUNKS * self.readers[0].length:
            raise UserError(f"The prompt is too long: with each BREAK it begins anew, and at most {MOST_CHUNKS} times.")
        pooled = read[0][-1][1]
        if self.zeros and not any(part.text.strip() for parts in own for part in parts):
            text, pooled = torch.zeros_like(text), None if pooled is None else torch.zeros_like(pooled)
        told = torch.ones(text.shape[:2], dtype=torch.bool, device=text.device)
        return Condition(text, told, pooled=pooled, sizes=self.sizes)

    def with_words(self, words: Sequence[Mapping[str, Tensor]]) -> ClipText:
        """The same with words that stand for vectors of their own, (n, D) each: one mapping for each reader."""
        own = zip(self.readers, words, strict=True)
        return replace(self, readers=tuple(replace(reader, words=each) for reader, each in own))
