"""Prompts to vectors for checkpoints of the Stable Diffusion family: CLIP's tokenizer and text transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from paintdiff.engine.denoiser import Condition

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer

# Only the first 75 tokens are read; cutting the string first keeps a pasted novel from costing time.
_LONGEST_PROMPT = 2000


@dataclass(frozen=True, eq=False)
class ClipText:
    """A prompt -> (1, 77, D) float32 and an all-true (1, 77) mask: the network attends to the padding too.

    The empty prompt is the unconditional one (Ho and Salimans 2022, trained by dropping prompts). Words past the 75th
    token are not read.
    """

    tokenizer: CLIPTokenizer
    network: CLIPTextModel

    def __call__(self, prompt: str) -> Condition:
        clean = prompt[:_LONGEST_PROMPT].encode("utf-8", "replace").decode("utf-8")
        tokens = self.tokenizer(
            clean, padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        ids = tokens.input_ids.to(self.network.device)
        attend = tokens.attention_mask.to(ids) if getattr(self.network.config, "use_attention_mask", False) else None
        with torch.no_grad():
            text = self.network(ids, attention_mask=attend).last_hidden_state.float()
        return Condition(text, torch.ones(text.shape[:2], dtype=torch.bool, device=text.device))

    @property
    def length(self) -> int:
        return min(self.tokenizer.model_max_length, self.network.config.max_position_embeddings)
