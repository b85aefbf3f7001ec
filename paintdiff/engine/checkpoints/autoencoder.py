"""The autoencoder of a latent model: pixels to latents of about unit variance and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from paintdiff.generation.errors import UserError

Half = Callable[[Tensor], Tensor]


class Autoencoder(Protocol):
    """Pixels (N, 3, S, S) in [-1, 1] to latents (N, `channels`, S / `factor`, S / `factor`) and back, differentiable.

    float32 outside, whatever it computes in.
    """

    @property
    def factor(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def scaling(self) -> float:
        """What the network's latents are multiplied with for the diffusion; it tells the families of latents apart."""
        ...

    def encode(self, pixels: Tensor) -> Tensor: ...

    def decode(self, latents: Tensor) -> Tensor: ...


class KLAutoencoder:
    """A diffusers AutoencoderKL, scaled as its diffusion was trained (Rombach et al. 2022, 3.1 and appendix G).

    The latent of a picture is the mode of its posterior, not a sample: the same picture has the same latent, and the
    kept part of it is not blurred by noise that nobody asked for. A result that is not finite is computed again in
    float32, and so is everything after it. Raises `UserError` when that does not help.
    """

    def __init__(self, network: Any) -> None:
        config = network.config
        self._network = network.requires_grad_(False).eval()
        for module in network.modules():
            if isinstance(module, nn.GroupNorm) and _plain_for_forward_mode not in module._forward_pre_hooks.values():
                module.register_forward_pre_hook(_plain_for_forward_mode)
        self._mean = _per_channel(config.get("latents_mean"), config.get("shift_factor") or 0.0)
        self.scaling = float(config.get("scaling_factor") or 1.0)
        self._deviation = _per_channel(config.get("latents_std"), 1.0) / self.scaling
        self.channels = int(config["latent_channels"])
        self.factor = 2 ** (len(config["block_out_channels"]) - 1)

    def encode(self, pixels: Tensor) -> Tensor:
        latents = self._finite(lambda x: self._network.encode(x).latent_dist.mode(), pixels)
        return (latents - self._mean.to(latents)) / self._deviation.to(latents)

    def decode(self, latents: Tensor) -> Tensor:
        unscaled = latents * self._deviation.to(latents) + self._mean.to(latents)
        return self._finite(lambda z: self._network.decode(z).sample, unscaled)

    def _finite(self, half: Half, values: Tensor) -> Tensor:
        out = half(values.to(self._network.dtype)).float()
        if self._network.dtype != torch.float32 and not out.isfinite().all():
            self._network.float()
            out = half(values.float())
        if not out.isfinite().all():
            raise UserError("The model's autoencoder gives values that are not numbers; its weights may be damaged.")
        return out


def _plain_for_forward_mode(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """torch cannot differentiate a GroupNorm forwards where channels come last, as they do for speed."""
    return None if forward_ad._current_level < 0 else tuple(each.contiguous() for each in arguments)


def _per_channel(values: Sequence[float] | None, otherwise: float) -> Tensor:
    """(1, C, 1, 1), or (1, 1, 1, 1) where the config has one number for all channels."""
    return torch.tensor([otherwise] if values is None else list(values)).view(1, -1, 1, 1)
