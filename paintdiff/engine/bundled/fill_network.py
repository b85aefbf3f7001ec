"""The bundled model's network: a small text- and mask-conditional U-Net that predicts the clean picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.bundled.text import PROMPT_LENGTH, TextTransformer, attend

MOST_OF_A_GUESS = 0.51  # alpha: what covers more is no guess but a picture of what is asked for


@dataclass(frozen=True)
class FillNetworkConfig:
    """Sizes of a `FillNetwork`, as stored under "network" in the model's config.json.

    `widths` are the channels at a half, a quarter and an eighth of the picture's side; `blocks` the convolution
    blocks on the way down (and up) at the first two; `tokens_depth` the transformer blocks at an eighth.
    """

    vocabulary: int
    widths: tuple[int, int, int] = (96, 192, 384)
    blocks: tuple[int, int] = (2, 2)
    tokens_depth: int = 5
    heads: int = 6
    condition: int = 384
    text_length: int = PROMPT_LENGTH
    text_width: int = 256
    text_depth: int = 3
    text_heads: int = 4
    reference: bool = False  # four more input channels: a picture of the thing asked for
    trust: bool = False  # where that picture is a guess of the ground, the answer may be drawn from it

    def __post_init__(self) -> None:
        # config.json holds lists
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "blocks", tuple(self.blocks))


class FillNetwork(nn.Module):
    """(x_t, t, mask, known, text) -> x0, for pictures whose side is a multiple of 8.

    Convolutions work at 1/2 and 1/4 of the side, a transformer that also reads the prompt's tokens at 1/8; time and
    the pooled prompt scale and shift every block. All inner pictures are channels-last: one NCHW tensor in the
    backward pass makes bf16 convolutions on a CPU an order of magnitude slower.
    """

    def __init__(self, config: FillNetworkConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        cond = config.condition
        self.text = TextTransformer(
            config.vocabulary, config.text_length, config.text_width, config.text_depth, config.text_heads
        )
        self.time = nn.Sequential(nn.Linear(128, cond), nn.SiLU(), nn.Linear(cond, cond))
        self.pooled = nn.Linear(config.text_width, cond)
        self.enter = nn.Conv2d(4 * (11 if config.reference else 7), a, 3, padding=1)
        self.down1 = nn.ModuleList(ConvBlock(a, cond) for _ in range(config.blocks[0]))
        self.to2 = nn.Conv2d(a, b, 2, stride=2)
        self.down2 = nn.ModuleList(ConvBlock(b, cond) for _ in range(config.blocks[1]))
        self.to3 = nn.Conv2d(b, c, 2, stride=2)
        self.places = nn.Linear(64, c)
        self.words = nn.Linear(config.text_width, c)
        self.middle = nn.ModuleList(TokenBlock(c, config.heads, cond) for _ in range(config.tokens_depth))
        self.from3 = nn.Conv2d(c, 4 * b, 1)
        self.join2 = nn.Conv2d(2 * b, b, 1)
        self.up2 = nn.ModuleList(ConvBlock(b, cond) for _ in range(config.blocks[1]))
        self.from2 = nn.Conv2d(b, 4 * a, 1)
        self.join1 = nn.Conv2d(2 * a, a, 1)
        self.up1 = nn.ModuleList(ConvBlock(a, cond) for _ in range(config.blocks[0]))
        self.leave = nn.Conv2d(a, 4 * 3, 3, padding=1)
        start_at_zero(self.leave)
        if config.trust:
            self.trust = nn.Conv2d(a, 4, 3, padding=1)
            start_at_zero(self.trust)
            nn.init.constant_(self.trust.bias, -1)  # type: ignore[arg-type]  # it has one
            self.surety = nn.Parameter(torch.zeros(3, 4))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs

    def encode_text(self, tokens: Tensor) -> Tensor:
        """(N, L) int64 token ids, 0 = padding -> (N, L, text_width)."""
        return self.text(tokens)

    def forward(
        self, x_t: Tensor, t: Tensor, mask: Tensor, known: Tensor, text: Tensor, text_mask: Tensor,
        reference: Tensor | None = None,
    ) -> Tensor:
        """Predict x0, (N, 3, S, S) float32, from x_t = (1 - t) x0 + t eps.

        x_t (N, 3, S, S); t (N,) in [0, 1]; mask (N, 1, S, S), 1 = repaint; known (N, 3, S, S) the picture in [-1, 1]
        with masked pixels zeroed; text (N, L, text_width) from `encode_text`; text_mask (N, L) bool, True = a token.
        reference (N, 4, S, S), something like what is asked for as `reference_channels` gives it, or None. Where it
        holds a guess of the ground, the answer is drawn towards that as far as it is trusted, pixel by pixel: copying
        is hard to learn and easy to choose (See et al. 2017, "Get To The Point", 2.2).
        """
        own, trust = self.answer(x_t, t, mask, known, text, text_mask, reference)
        if not self.config.trust or reference is None:
            return own
        guess, alpha, guessed = guess_of(reference.float())
        surety = surety_logit(self.surety.float(), alpha, agreement(own, guess, guessed), t.view(-1, 1, 1, 1).float())
        trust = torch.sigmoid(trust + surety * is_of_ground(alpha, text_mask)) * guessed
        return torch.lerp(own, guess, trust)

    def answer(
        self, x_t: Tensor, t: Tensor, mask: Tensor, known: Tensor, text: Tensor, text_mask: Tensor,
        reference: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As `forward` takes: the network's own x0, and a logit of how far a guess is better, (N, 1, S, S) float32."""
        cond = self._condition(t, text, text_mask)
        told = [x_t, mask, known]
        if self.config.reference:
            told.append(x_t.new_zeros(len(x_t), 4, *x_t.shape[2:]) if reference is None else reference.to(x_t.dtype))
        h = self.enter(unshuffle(torch.cat(told, dim=1)))
        for block in self.down1:
            h = block(h, cond)
        skip1 = h
        h = self.to2(h)
        for block in self.down2:
            h = block(h, cond)
        skip2 = h
        h = pointwise(self.from3, self._attend(self.to3(h), cond, text, text_mask))
        h = pointwise(self.join2, torch.cat([shuffle(h), skip2], dim=1))
        for block in self.up2:
            h = block(h, cond)
        h = pointwise(self.join1, torch.cat([shuffle(pointwise(self.from2, h)), skip1], dim=1))
        for block in self.up1:
            h = block(h, cond)
        h = F.silu(h)
        keep, change = preconditioning(t)
        x0 = keep * x_t.float() + change * shuffle(self.leave(h)).float()
        return x0, shuffle(self.trust(h)).float() if self.config.trust else torch.zeros_like(x0[:, :1])

    def _condition(self, t: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        weight = text_mask.to(text.dtype)[..., None]
        pooled = (text * weight).sum(1) / weight.sum(1).clamp(min=1)
        return F.silu(self.time(waves(t, 128).to(text.dtype)) + self.pooled(pooled))

    def _attend(self, h: Tensor, cond: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        n, c, rows, columns = h.shape
        x = h.permute(0, 2, 3, 1).reshape(n, rows * columns, c)
        x = x + self.places(grid_waves(rows, columns, 64, h.device).to(x.dtype))
        words = self.words(text)
        everywhere = text_mask.new_ones(n, rows * columns)
        keep = torch.cat([everywhere, text_mask], dim=1)[:, None, None, :]
        for block in self.middle:
            x = block(x, words, keep, cond)
        return x.view(n, rows, columns, c).permute(0, 3, 1, 2)


class ConvBlock(nn.Module):
    """Norm, convolution, scale and shift by the condition, SiLU, convolution; added to the input."""

    def __init__(self, width: int, cond: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(max(1, width // 16), width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.modulate = nn.Linear(cond, 2 * width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        start_at_zero(self.modulate, self.conv2)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        scale, shift = self.modulate(cond)[:, :, None, None].chunk(2, dim=1)
        h = self.conv1(self.norm(x)) * (1 + scale) + shift
        return x + self.conv2(F.silu(h))


class TokenBlock(nn.Module):
    """Attention from picture tokens to themselves and to the words, then a perceptron; both modulated."""

    def __init__(self, width: int, heads: int, cond: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.norm_words = nn.LayerNorm(width)
        self.modulate = nn.Linear(cond, 4 * width)
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.kv_words = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)
        back = nn.Linear(4 * width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), back)
        start_at_zero(self.modulate, self.out, back)

    def forward(self, x: Tensor, words: Tensor, keep: Tensor, cond: Tensor) -> Tensor:
        """x (N, T, width); words (N, L, width); keep (N, 1, 1, T + L) bool; cond (N, cond)."""
        n, tokens, width = x.shape
        scale1, shift1, scale2, shift2 = self.modulate(cond)[:, None].chunk(4, dim=-1)
        h = self.norm1(x) * (1 + scale1) + shift1
        kv = torch.cat([self.kv(h), self.kv_words(self.norm_words(words))], dim=1)
        q = self.q(h).view(n, tokens, self.heads, -1).transpose(1, 2)
        k, v = kv.view(n, kv.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, keep)
        x = x + self.out(mixed.transpose(1, 2).reshape(n, tokens, width))
        h = self.norm2(x) * (1 + scale2) + shift2
        return x + self.mlp(h)


def reference_channels(pixels: Tensor) -> Tensor:
    """(N, S, S, 4) uint8 premultiplied RGBA -> (N, 4, S, S) float32: RGB in [-1, 1] times alpha, and alpha."""
    values = pixels.permute(0, 3, 1, 2).float() / 255
    alpha = values[:, 3:]
    return torch.cat([2 * values[:, :3] - alpha, alpha], dim=1)


def is_of_ground(alpha: Tensor, text_mask: Tensor) -> Tensor:
    """(N, 1, 1, 1) bool: whether what a guess covers is ground: no word asks for a thing, or its picture is there.

    alpha (N, 1, S, S) of the reference; text_mask (N, L) bool, of which the first is a prompt's start.
    """
    asked = text_mask[:, 1:].any(1).view(-1, 1, 1, 1)
    return ~asked | (alpha.amax((2, 3), keepdim=True) > MOST_OF_A_GUESS)


def guess_of(reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The guess of the ground in `reference_channels` (N, 4, S, S): colours (N, 3, S, S), alpha, and where it is."""
    alpha = reference[:, 3:]
    return reference[:, :3] / alpha.clamp(min=1e-3), alpha, (alpha > 0) & (alpha <= MOST_OF_A_GUESS)


def agreement(own: Tensor, guess: Tensor, guessed: Tensor) -> Tensor:
    """How far x0 and a guess of it, (N, 3, S, S), are apart near each pixel, (N, 1, S, S): log(1 + (levels / 2.5)²)."""
    apart = (own - guess).square().mean(1, keepdim=True) * guessed
    near = F.avg_pool2d(apart, 7, 1, 3) / F.avg_pool2d(guessed.to(apart.dtype), 7, 1, 3).clamp(min=0.02)
    return torch.log1p(near / 0.02**2)


def surety_logit(surety: Tensor, alpha: Tensor, apart: Tensor, t: Tensor) -> Tensor:
    """A polynomial: `surety` (3, 4) by powers of t; its columns by those of a guess's alpha and by `agreement`."""
    of_t = [surety[0, j] + surety[1, j] * t + surety[2, j] * t * t for j in range(4)]
    return of_t[0] + of_t[1] * alpha + of_t[2] * alpha * alpha + of_t[3] * apart


def preconditioning(t: Tensor) -> tuple[Tensor, Tensor]:
    """Factors (N, 1, 1, 1) of x0 = keep x_t + change F, for data of standard deviation 0.5.

    "Elucidating the Design Space of Diffusion-Based Generative Models", table 1, for x_t = (1 - t) x0 + t eps: the best
    linear guess of x0 plus what is left, scaled so that the network F predicts x0 at t = 1 and the velocity at t = 0.
    """
    t = t.float().view(-1, 1, 1, 1)
    signal = 0.25 * (1 - t).square()
    keep = 0.25 * (1 - t) / (signal + t.square())
    return keep, 0.5 * t * (signal + t.square()).rsqrt()


def pointwise(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A 1x1 convolution of channels-last x as a matrix product, several times faster backwards on a CPU in bf16."""
    return F.linear(x.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias).permute(0, 3, 1, 2)


def start_at_zero(*layers: nn.Module) -> None:
    """Zero weights and biases, so that a new block passes its input on unchanged."""
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)


def unshuffle(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 4C, H/2, W/2), channels-last in memory: each 2x2 of pixels becomes channels.

    The channels are ordered (row, column, C), unlike torch's pixel_unshuffle, so that whole pixels are copied.
    """
    n, c, height, width = x.shape
    x = x.reshape(n, c, height // 2, 2, width // 2, 2).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(n, height // 2, width // 2, 4 * c).permute(0, 3, 1, 2)


def shuffle(x: Tensor) -> Tensor:
    """(N, 4C, H, W) channels-last -> (N, C, 2H, 2W) channels-last: the inverse of `unshuffle`."""
    n, c, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(n, height, width, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(n, 2 * height, 2 * width, c // 4).permute(0, 3, 1, 2)


def waves(t: Tensor, width: int, highest: float = 1000.0) -> Tensor:
    """(N,) -> (N, width) float32: sines and cosines of t at `width / 2` frequencies from 1 to `highest`."""
    frequencies = torch.exp(torch.linspace(0, math.log(highest), width // 2, device=t.device))
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def grid_waves(rows: int, columns: int, width: int, device: torch.device) -> Tensor:
    """(rows * columns, width) float32: waves of the two coordinates in [0, 1], the same for any resolution."""
    y = (torch.arange(rows, device=device) + 0.5) / rows
    x = (torch.arange(columns, device=device) + 0.5) / columns
    vertical = waves(y, width // 2, 32.0)[:, None].expand(rows, columns, -1)
    horizontal = waves(x, width // 2, 32.0)[None].expand(rows, columns, -1)
    return torch.cat([vertical, horizontal], dim=-1).reshape(rows * columns, width)
