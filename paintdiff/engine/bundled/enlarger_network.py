"""The bundled model's second stage: a small network that draws a fill twice as large, in the picture it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.bundled.fill_network import pointwise, shuffle, start_at_zero, unshuffle

DETAIL = 0.3  # of what the last layer answers: what bicubic interpolation lacks is small, and so are steps of learning


@dataclass(frozen=True)
class EnlargerConfig:
    """Sizes of an `EnlargerNetwork`.

    `widths` are the channels at the small picture's side and at half of it; `blocks` the residual blocks there, on the
    way down, in the middle and on the way up.
    """

    widths: tuple[int, int] = (64, 96)
    blocks: tuple[int, int, int] = (2, 5, 2)

    def __post_init__(self) -> None:
        # stored as JSON, which has lists alone
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "blocks", tuple(self.blocks))


class EnlargerNetwork(nn.Module):
    """(small, known, mask) -> the picture at twice the side, for sides that are a multiple of 2.

    As in a cascade (Ho et al. 2021, "Cascaded Diffusion Models for High Fidelity Image Generation") the second stage
    sees the first one's picture, here beside what is kept of the large one; it answers in one step, with what bicubic
    interpolation lacks. Blocks without normalization, as in Lim et al. 2017 ("Enhanced Deep Residual Networks for
    Single Image Super-Resolution", 3.1): parts of a picture are enlarged as the whole is.
    """

    def __init__(self, config: EnlargerConfig) -> None:
        super().__init__()
        self.config = config
        a, b = config.widths
        before, middle, after = config.blocks
        self.enter = nn.Conv2d(3 + 4 * 4, a, 3, padding=1)
        self.down = nn.Sequential(*(ResidualBlock(a) for _ in range(before)))
        self.to2 = nn.Conv2d(a, b, 2, stride=2)
        self.middle = nn.Sequential(*(ResidualBlock(b) for _ in range(middle)))
        self.from2 = nn.Conv2d(b, 4 * a, 1)
        self.join = nn.Conv2d(2 * a, a, 1)
        self.up = nn.Sequential(*(ResidualBlock(a) for _ in range(after)))
        self.leave = nn.Conv2d(a, 4 * 3, 3, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)  # nothing else keeps what blocks answer at about 1
        start_at_zero(self.leave, *(block.conv2 for block in self.modules() if isinstance(block, ResidualBlock)))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs

    def forward(self, small: Tensor, known: Tensor, mask: Tensor) -> Tensor:
        """(N, 3, 2S, 2S) float32: `small` (N, 3, S, S) in [-1, 1], enlarged.

        mask (N, 1, 2S, 2S), 1 = painted anew; known (N, 3, 2S, 2S) the large picture with masked pixels zeroed.
        """
        dtype = self.enter.weight.dtype
        large = unshuffle(torch.cat([known, mask], dim=1))
        told = torch.cat([small, large], dim=1).to(dtype, memory_format=torch.channels_last)
        skip = self.down(self.enter(told))
        h = shuffle(pointwise(self.from2, self.middle(self.to2(skip))))
        h = self.up(pointwise(self.join, torch.cat([h, skip], dim=1)))
        detail = DETAIL * shuffle(self.leave(F.silu(h))).float()
        return F.interpolate(small.float(), scale_factor=2, mode="bicubic", align_corners=False) + detail


class ResidualBlock(nn.Module):
    """Convolution, SiLU, convolution; added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(x)))
