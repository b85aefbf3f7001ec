"""Prompts for flow transformers: CLIP for the whole of them, T5 for what they say in detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from paintdiff.engine.checkpoints.prompt_weighting import TextReader, read_parts
from paintdiff.engine.denoiser import Condition
from paintdiff.generation.prompt_tags import chunks, words_alone


@dataclass(frozen=True, eq=False)
class T5Text:
    """A prompt -> (1, `length`, D) float32, padding and all, as these models were trained. Words have no weights."""

    tokenizer: Any  # T5Tokenizer
    network: Any  # T5EncoderModel
    length: int

    def __call__(self, prompt: str) -> Tensor:
        tokens = self.tokenizer(
            prompt, padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        text = self.network(tokens.input_ids.to(self.network.device)).last_hidden_state
        assert isinstance(text, Tensor)
        return text.float()


@dataclass(frozen=True, eq=False)
class PairAndT5:
    """SD 3's three encoders (Esser et al. 2024, 4 and figure 2): CLIP's two side by side in D, padded to the `width` of
    T5's words, which follow them; and both of CLIP's vectors as `pooled`.

    A checkpoint without T5 reads zeros in its place.
    """

    clips: tuple[TextReader, TextReader]
    t5: T5Text | None
    width: int
    length: int

    def __call__(self, prompt: str) -> Condition:
        parts = tuple(part for chunk in chunks(read_parts(prompt)) for part in chunk)
        with torch.no_grad():
            (one, pooled_one), (other, pooled_other) = (clip.read(parts, pooled=True) for clip in self.clips)
            clip = torch.cat([one, other], dim=-1)
            clip = F.pad(clip, (0, self.width - clip.shape[-1]))
            nothing = clip.new_zeros(1, self.length, self.width)
            detail = nothing if self.t5 is None else self.t5(words_alone(read_parts(prompt))).to(clip.device)
        assert pooled_one is not None
        assert pooled_other is not None
        return _said(torch.cat([clip, detail], dim=1), torch.cat([pooled_one, pooled_other], dim=-1))


@dataclass(frozen=True, eq=False)
class ClipAndT5:
    """FLUX's two encoders: T5's words, and the one vector that CLIP makes of as much as fits."""

    tokenizer: Any  # CLIPTokenizer
    network: Any  # CLIPTextModel
    t5: T5Text

    def __call__(self, prompt: str) -> Condition:
        text = words_alone(read_parts(prompt))
        length = min(self.tokenizer.model_max_length, self.network.config.max_position_embeddings)
        tokens = self.tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        with torch.no_grad():
            pooled = self.network(tokens.input_ids.to(self.network.device)).pooler_output.float()
            return _said(self.t5(text).to(pooled.device), pooled)


def _said(text: Tensor, pooled: Tensor) -> Condition:
    return Condition(text, torch.ones(text.shape[:2], dtype=torch.bool, device=text.device), pooled=pooled)
