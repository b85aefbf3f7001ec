"""Where a model's weights lie: the memory ladder, from all on the device down to one layer at a time."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.hardware.device import layout
from paintdiff.engine.hardware.sturdy import ran_out
from paintdiff.generation.errors import UserError
from paintdiff.generation.placing import ALL, AUTO, GROUP, SEQUENTIAL, TEXT_OFF, Placing, rung_below
from paintdiff.models.fitting import TILE, Needs, work

CPU = torch.device("cpu")
LISTS = (nn.ModuleList, nn.Sequential)
GROUP_HOOK = "group_offloading"
COMPILING = ("cuda", "xpu")
# The blocks that these networks repeat: one is compiled for all. ControlNets and SD 3 do not name theirs.
REPEATED = ("BasicTransformerBlock", "JointTransformerBlock", "FluxTransformerBlock", "FluxSingleTransformerBlock")


@dataclass(frozen=True, eq=False)
class Placement:
    """A rung of the ladder on `device`, and what puts modules where it says.

    Off the device means main memory, and a folder on the disk for devices that share it. `float8`: the network's
    weights are kept in float8 and widened for each layer. `compiled`: its repeated blocks are.
    Whoever adds modules to a model or replaces them puts them in place with the method for what they do.
    """

    device: torch.device
    rung: str = ALL
    float8: bool = False
    compiled: bool = False

    @property
    def hooked(self) -> bool:
        """Whether the network's weights come and go while it computes, or change their type."""
        return self.float8 or self.rung in (GROUP, SEQUENTIAL)

    def place(self, parts: Parts) -> None:
        """Put every part where the rung says. Raises torch.OutOfMemoryError where it does not fit."""
        self.network(parts.denoiser)
        for module in parts.text_encoders:
            self.text(module)
        self.autoencoder(parts.vae)

    def network(self, module: Any) -> None:
        """A network that every step asks: the denoiser's own, or one that it is led by."""
        if self.float8:
            _narrow(module)
        if self.rung == SEQUENTIAL and is_quantized(module):
            self._in_groups(module, "leaf_level")  # the other way makes its weights anew, as plain ones
        elif self.rung == SEQUENTIAL:
            self._layer_by_layer(module)
        elif self.rung == GROUP:
            self._in_groups(module, "block_level")
        else:
            module.to(self.device).to(memory_format=layout(self.device))
        if self.compiled and not self.hooked:
            for block in module.modules():
                if type(block).__name__ in REPEATED:
                    block.compile()

    def text(self, module: nn.Module) -> None:
        """A text encoder, asked once for each new prompt."""
        if self.rung == ALL:
            module.to(self.device)
        else:
            self._in_groups(module, "leaf_level")

    def autoencoder(self, module: Any) -> None:
        """An autoencoder, asked before and after a run."""
        if self.rung not in (ALL, TEXT_OFF) and hasattr(module, "enable_tiling"):
            module.enable_tiling()
            module.tile_sample_min_size = TILE
            module.tile_latent_min_size = TILE // 2 ** (len(module.config["block_out_channels"]) - 1)
        if self.rung in (GROUP, SEQUENTIAL) and next(module.parameters()).dtype == torch.float16:
            module.float()  # many overflow in float16, and these could not be cast once they come and go
        if self.rung == SEQUENTIAL:
            self._layer_by_layer(module)
        elif self.rung == GROUP:
            self._in_groups(module, "leaf_level")
        else:
            module.to(self.device).to(memory_format=layout(self.device))

    @property
    def _shares_memory(self) -> bool:
        return self.device.type in ("cpu", "mps")

    def _folder(self) -> str:
        """A new folder for the weights of one module; it lives as long as this placement."""
        folder = tempfile.mkdtemp(prefix="paintdiff-weights-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _in_groups(self, module: nn.Module, kind: str) -> None:
        from diffusers.hooks.group_offloading import apply_group_offloading

        disk = self._folder() if self._shares_memory else None
        if disk is not None:
            _join_tied(module)
            module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # as files keep it
        apply_group_offloading(module, self.device, CPU, kind, num_blocks_per_group=1, offload_to_disk_path=disk)

    def _layer_by_layer(self, module: nn.Module) -> None:
        from accelerate import cpu_offload, disk_offload

        if self._shares_memory:
            disk_offload(module, self._folder(), self.device)
        else:
            cpu_offload(module, self.device)


def lifted(module: nn.Module) -> nn.Module:
    """`module` whole in main memory again, with nothing of a placement attached: ready to be changed, placed anew."""
    from accelerate.hooks import remove_hook_from_module

    remove_hook_from_module(module, recurse=True)
    for each in module.modules():
        registry = getattr(each, "_diffusers_hook", None)
        hook = None if registry is None else registry.get_hook(GROUP_HOOK)
        if registry is not None and hook is not None:
            hook.group.onload_()
            registry.remove_hook(GROUP_HOOK, recurse=False)
    return module.to(CPU)


def is_quantized(module: nn.Module) -> bool:
    """Whether weights of it are blocks of numbers, which are widened for each use and cannot be cast."""
    return any(hasattr(weight, "quant_type") for weight in module.parameters())


def needs_of_parts(parts: Parts, side: int) -> Needs:
    """Bytes on each rung for a model of `side` pixels, counted from the weights themselves."""
    network: nn.Module = parts.denoiser
    layer = max(size(module, recurse=False) for module in network.modules())
    width = max(p.element_size() for p in network.parameters())
    text = sum(size(module) for module in parts.text_encoders)
    return Needs(size(network), text, size(parts.vae), _block(network), layer, *work(side, width))


def place_as_fits(parts: Parts, side: int, device: torch.device, placing: Placing, free: int) -> Placement:
    """Put the parts of a model of `side` pixels on the rung that `placing` asks for, or on the highest for which
    `free` bytes of the device are enough; on one below where even that runs out of memory.

    Raises `UserError` for a device that cannot do it.
    """
    if placing.compile and device.type not in COMPILING:
        raise UserError(f"Compiling makes nothing faster on the device {device.type}: it is for graphics cards.")
    if placing.compile and find_spec("triton") is None:
        raise UserError("Compiling needs the package triton, which is not installed; install it, or do not compile.")
    float8 = placing.precision == "float8" and not parts.quantized
    if float8:
        _narrow(parts.denoiser)  # before it is counted
    rung = placing.memory if placing.memory != AUTO else needs_of_parts(parts, side).rung(free) or SEQUENTIAL
    while True:
        placement = Placement(device, rung, float8, placing.compile)
        try:
            placement.place(parts)
            return placement
        except (RuntimeError, MemoryError) as error:
            below = rung_below(rung)
            if not ran_out(error) or below is None or placement.hooked:
                raise
        rung = below
        for module in (*parts.text_encoders, parts.vae, parts.denoiser):
            lifted(module)


def from_compiler(error: RuntimeError) -> bool:
    """Whether torch's compiler raised it: there is no C compiler, say, or Triton does not know the card."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def size(module: nn.Module, recurse: bool = True) -> int:
    """Bytes of the module's weights."""
    values = [*module.parameters(recurse), *module.buffers(recurse)]
    return sum(value.numel() * value.element_size() for value in values)


def _join_tied(module: nn.Module) -> None:
    """Make embeddings of the same weights one module, as T5 has two.

    Each is written to the disk by itself, and the second would be written when the weights are gone already.
    """
    first: dict[int, nn.Module] = {}
    for parent in module.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Embedding):
                setattr(parent, name, first.setdefault(id(child.weight), child))


def _narrow(module: Any) -> None:
    """Keep the module's weights in float8, where it can widen them for each layer and does not yet."""
    narrow = any(p.dtype == torch.float8_e4m3fn for p in module.parameters())
    if hasattr(module, "enable_layerwise_casting") and not narrow:
        module.enable_layerwise_casting(torch.float8_e4m3fn, module.dtype)


def _block(network: nn.Module) -> int:
    """Bytes of the largest block of a list of blocks, and of all that is in no list."""
    blocks = [block for child in network.children() if isinstance(child, LISTS) for block in child]
    inside = sum(map(size, blocks))
    return max(map(size, blocks), default=0) + size(network) - inside
