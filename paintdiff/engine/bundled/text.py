"""Prompts to tokens to vectors: the tokenizer and the small text transformer of the bundled model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tokenizers
import torch
from torch import Tensor, nn

PAD, START = 0, 1
PROMPT_LENGTH = 20
# A prompt is cut to its first tokens anyway; cutting the string first keeps a pasted novel from costing time.
_LONGEST_PROMPT = 600


class Tokenizer:
    """Byte-level BPE over lower-cased text: every string has tokens, none is unknown.

    A row is the start token, then the prompt's tokens, cut at the fixed length and padded with 0.
    The empty prompt is the start token alone.
    """

    def __init__(self, bpe: tokenizers.Tokenizer, length: int = PROMPT_LENGTH) -> None:
        self._bpe = bpe
        self.length = length

    @classmethod
    def from_file(cls, path: str | Path) -> Tokenizer:
        """Read a `tokenizer.json`. Raises OSError when it is missing, ValueError when it is damaged."""
        text = Path(path).read_text(encoding="utf-8")
        try:
            return cls(tokenizers.Tokenizer.from_str(text))
        except Exception as error:  # the library raises bare Exception on malformed files
            raise ValueError(f"{path} is not a tokenizer file: {error}") from error

    @property
    def vocabulary_size(self) -> int:
        return self._bpe.get_vocab_size()

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """(N, length) int64 token ids. Takes any text: emoji, right-to-left, lone surrogates, 10,000 characters."""
        rows = torch.full((len(prompts), self.length), PAD, dtype=torch.int64)
        for row, prompt in zip(rows, prompts, strict=True):
            clean = prompt[:_LONGEST_PROMPT].encode("utf-8", "replace").decode("utf-8")
            ids = [START, *self._bpe.encode(" ".join(clean.split())).ids][: self.length]
            row[: len(ids)] = torch.tensor(ids)
        return rows


class TextTransformer(nn.Module):
    """Pre-norm transformer over prompt tokens; (N, L) int64 -> (N, L, width)."""

    def __init__(self, vocabulary: int, length: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=0.3)
        nn.init.normal_(self.positions, std=0.05)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions[: tokens.shape[1]]
        keep = (tokens != PAD)[:, None, None, :]
        for block in self.blocks:
            x = block(x, keep)
        return self.norm(x)


def attend(q: Tensor, k: Tensor, v: Tensor, keep: Tensor) -> Tensor:
    """Softmax attention, (N, heads, Q, d) from keys (N, heads, K, d) where keep (N, 1, 1, K) is True.

    Written out because the fused kernel's backward pass is several times slower on a CPU at under 100 tokens.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return scores.masked_fill(~keep, float("-inf")).softmax(dim=-1).to(v.dtype) @ v


class TextBlock(nn.Module):
    """Self-attention and a two-layer perceptron, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """x (N, L, width); keep (N, 1, 1, L) bool, True where a key may be attended to."""
        n, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, keep)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, length, width))
        return x + self.mlp(self.norm2(x))
