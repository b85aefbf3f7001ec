"""The U-Net of the Stable Diffusion families as a network: what it reads, and what add-ons put into it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from paintdiff.engine.denoiser import Condition
from paintdiff.engine.schedule import Discrete


@dataclass(frozen=True, eq=False)
class UNetCall:
    """`unet` as a `Network`: its own precision inside, float32 outside; time is the level it was trained on.

    `controls` are ControlNets, each shown its own three channels of `Condition.control` and added to the U-Net's way
    up with its own `Condition.control_weights`; one of weight 0 is not asked.
    """

    unet: Any  # UNet2DConditionModel, whose stubs say too little
    schedule: Discrete
    mask_channels: bool
    controls: tuple[Any, ...] = ()  # ControlNetModel

    def __call__(self, x_t: Tensor, t: float, condition: Condition) -> Tensor:
        if condition.text is None:
            raise ValueError("a Stable Diffusion network needs text")
        x = x_t
        if self.mask_channels:
            if condition.mask is None or condition.known is None:
                raise ValueError("a network with mask channels needs mask and known")
            # in this order: noisy latents, mask, latents of the masked picture
            x = torch.cat([x_t, *(part.expand(len(x_t), -1, -1, -1) for part in (condition.mask, condition.known))], 1)
        dtype = self.unet.dtype
        level = torch.full((len(x_t),), self.schedule.level(t), device=x_t.device)
        told = {"encoder_hidden_states": condition.text.to(dtype).expand(len(x_t), -1, -1)}
        added, timestep_cond = _added(condition, len(x_t), dtype), self._guidance(condition, len(x_t))
        residuals = self._residuals(x_t, level, told, added, condition)
        if condition.image is not None:
            added = added | {"image_embeds": [_repeated(condition.image, len(x_t)).to(dtype)]}
        return self.unet(
            x.to(dtype), level, **told, timestep_cond=timestep_cond, added_cond_kwargs=added or None, **residuals
        ).sample.float()

    def _guidance(self, condition: Condition, count: int) -> Tensor | None:
        """What a distilled network reads of w, (N, D); None for one that is not told."""
        width = self.unet.config.get("time_cond_proj_dim")
        if width is None:
            return None
        if condition.guidance is None:
            raise ValueError("a network that was distilled with guidance needs to be told it")
        return guidance_embedding(_repeated(condition.guidance, count), width).to(self.unet.dtype)

    def _residuals(
        self, x_t: Tensor, level: Tensor, told: dict[str, Tensor], added: dict[str, Tensor], condition: Condition
    ) -> dict[str, Any]:
        """What the ControlNets add to the U-Net's skip connections and to its middle, as its own arguments."""
        control, weights = condition.control, condition.control_weights
        if not self.controls or control is None or weights is None:
            return {}
        down: list[Tensor] = []
        middle: Tensor | None = None
        shown = _repeated(control, len(x_t)).chunk(len(self.controls), dim=1)
        for network, picture, weight in zip(self.controls, shown, weights[0].tolist(), strict=True):
            if weight == 0:
                continue
            # It never sees mask channels: it is a copy of the U-Net that reads noisy latents alone.
            more, more_middle = network(
                x_t.to(network.dtype), level, **told, controlnet_cond=picture.to(network.dtype),
                conditioning_scale=weight, added_cond_kwargs=added or None, return_dict=False,
            )  # fmt: skip
            down = [a + b for a, b in zip(down, more, strict=True)] if down else list(more)
            middle = more_middle if middle is None else middle + more_middle
        if middle is None:
            return {}
        return {"down_block_additional_residuals": tuple(down), "mid_block_additional_residual": middle}


def guidance_embedding(w: Tensor, width: int) -> Tensor:
    """(N,) -> (N, `width`): sines and cosines of 1000 (w - 1), as LCM was told it (Luo et al. 2023, 4.3)."""
    half = width // 2
    frequencies = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half, device=w.device))
    angles = 1000 * (w - 1)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _added(condition: Condition, count: int, dtype: torch.dtype) -> dict[str, Any]:
    """What SDXL reads besides the text (Podell et al. 2023, 2.2)."""
    if condition.pooled is None or condition.sizes is None:
        return {}
    pooled, sizes = _repeated(condition.pooled, count), _repeated(condition.sizes, count)
    return {"text_embeds": pooled.to(dtype), "time_ids": sizes.to(dtype)}


def _repeated(values: Tensor, count: int) -> Tensor:
    """`values` for a batch of `count`, of which it is one or all."""
    return values.expand(count, *values.shape[1:])
