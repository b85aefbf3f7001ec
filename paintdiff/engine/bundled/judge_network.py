"""A small network that says how well a (noisy) picture and a text fit each other, for guidance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.bundled.fill_network import ConvBlock, unshuffle, waves
from paintdiff.engine.bundled.text import PAD, PROMPT_LENGTH, TextTransformer


@dataclass(frozen=True)
class JudgeConfig:
    """Sizes of a `JudgeNetwork`.

    `widths` are the channels at a half, a quarter and an eighth of the picture's side, `blocks` the convolution blocks
    there, `looks` the weighted means over the last, `embedding` the length of what both towers end in. `side` is that
    of the pictures it knows, in pixels: larger ones are averaged down to it.
    """

    vocabulary: int
    widths: tuple[int, int, int] = (48, 96, 144)
    blocks: tuple[int, int, int] = (1, 2, 2)
    condition: int = 128
    looks: int = 4
    embedding: int = 128
    text_length: int = PROMPT_LENGTH
    text_width: int = 96
    text_depth: int = 2
    text_heads: int = 4
    side: int = 64

    def __post_init__(self) -> None:
        # stored as JSON, which has lists alone
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "blocks", tuple(self.blocks))


class JudgeNetwork(nn.Module):
    """Two towers, one for noisy pictures and one for texts, whose dot product is the logit of their belonging together.

    Like the noised CLIP of GLIDE (Nichol et al. 2021, 2.4): the picture's tower is told the time. A picture's vector
    has the length that it likes, so that it can be unsure about noise; a text's has length 1.
    """

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        cond = config.condition
        self.text = TextTransformer(
            config.vocabulary, config.text_length, config.text_width, config.text_depth, config.text_heads
        )
        self.from_text = nn.Linear(config.text_width, config.embedding)
        self.time = nn.Sequential(nn.Linear(64, cond), nn.SiLU(), nn.Linear(cond, cond), nn.SiLU())
        channels = (12, *config.widths)
        self.enter = nn.ModuleList(
            nn.Conv2d(before, width, 3, stride=1 if level == 0 else 2, padding=1)
            for level, (before, width) in enumerate(zip(channels, config.widths, strict=False))
        )
        self.levels = nn.ModuleList(
            nn.ModuleList(ConvBlock(width, cond) for _ in range(count))
            for width, count in zip(config.widths, config.blocks, strict=True)
        )
        last = config.widths[-1]
        self.norm = nn.GroupNorm(max(1, last // 16), last)
        self.look = nn.Linear(last, config.looks)
        self.from_picture = nn.Linear(config.looks * last, config.embedding)
        self.gain = nn.Parameter(torch.tensor(10.0))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs

    def embed_picture(self, x_t: Tensor, t: Tensor) -> Tensor:
        """(N, 3, S, S) = (1 - t) x0 + t eps, with x0 in [-1, 1] and t (N,) in [0, 1] -> (N, embedding)."""
        x_t, t = averaged(x_t, t, max(1, x_t.shape[-1] // self.config.side))
        cond = self.time(waves(t, 64).to(x_t.dtype))
        h = unshuffle(x_t)
        for enter, blocks in zip(self.enter, self.levels, strict=True):
            h = enter(h)
            for block in blocks:  # type: ignore[attr-defined]  # a ModuleList can be walked
                h = block(h, cond)
        cells = F.silu(self.norm(h)).flatten(2).transpose(1, 2)  # (N, cells, width)
        weights = self.look(cells).softmax(dim=1)
        seen = weights.transpose(1, 2) @ cells
        return self.gain * self.from_picture(seen.flatten(1))

    def embed_text(self, tokens: Tensor) -> Tensor:
        """(N, L) int64 token ids, 0 = padding -> (N, embedding), each of length 1."""
        words = self.text(tokens)
        weight = (tokens != PAD).to(words.dtype)[..., None]
        pooled = (words * weight).sum(1) / weight.sum(1)
        return F.normalize(self.from_text(pooled).float(), dim=1)


def averaged(x_t: Tensor, t: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """Means of factor x factor pixels of x_t = (1 - t) x0 + t eps, and the time (N,) at which they are such a mixture.

    A mean of k² independent normal numbers has a k-th of their deviation; both parts are then scaled to add up to 1.
    """
    if factor == 1:
        return x_t, t
    noise = t / factor
    total = 1 - t + noise
    return F.avg_pool2d(x_t, factor) / total.view(-1, 1, 1, 1).to(x_t.dtype), noise / total
