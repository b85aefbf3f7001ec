"""LoRA files of any kind over a model's networks: hooks on its layers, and nothing left when they go."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from paintdiff.engine.add_ons.changes import Change, LayerChange, Overlay, by_layer, is_whole, split_name
from paintdiff.engine.add_ons.layer_names import LayerNames, Place
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family

_SAID_BY_PEFT = "lora_adapter_metadata"  # how diffusers names the settings that it saves with a LoRA
FIRST = "x_embedder"
_XLABS = "processor"  # in the names of one trainer of FLUX, whose layout diffusers knows


class Overlays:
    """The files that lie over a model's networks, each under a name.

    Each layer that a file changes gets a hook that adds to its answer; the tensors for it stand in a module of the
    network, so that they go wherever its weights go.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._files: dict[str, list[tuple[Any, Change]]] = {}  # the layer and its change
        self._over: dict[int, Overlay] = {}  # by the layer's id

    @property
    def names(self) -> set[str]:
        return set(self._files)

    def lay(self, name: str, path: Path) -> list[str]:
        """Put the file over the networks, at strength 1, while they are whole in memory; returns what there is to say.

        Raises `UserError` for one that is damaged, of a kind that is not known or made for another model; then nothing
        has changed.
        """
        found, notices = self._found(path)
        kept = [(change.place, change.made()) for change in found]
        holders: dict[int, nn.Module] = {}
        for place, change in kept:
            network, layer = place.network, place.layer
            if id(network) not in holders:
                holders[id(network)] = nn.Module()
                network.add_module(name, holders[id(network)])
            holder = holders[id(network)]
            holder.add_module(str(len(holder._modules)), change)
            if id(layer) not in self._over:
                self._over[id(layer)] = Overlay(layer)
            self._over[id(layer)].changes.append(change)
        self._files[name] = [(place.layer, change) for place, change in kept]
        return notices

    def weigh(self, name: str, strength: float) -> None:
        for _, change in self._files.get(name, ()):
            change.strength = strength

    def lift(self, name: str) -> None:
        """Take the file of that name away, if there is one."""
        for layer, change in self._files.pop(name, ()):
            over = self._over[id(layer)]
            over.changes.remove(change)
            if not over.changes:
                over.removed()
                del self._over[id(layer)]
        for network in (self._parts.denoiser, *self._parts.text_encoders):
            if name in network._modules:
                del network._modules[name]

    def _found(self, path: Path) -> tuple[list[LayerChange], list[str]]:
        """Every change that finds its layer, and a sentence on those that do not."""
        tensors, said = _read(path, self._parts.family)
        names = LayerNames(self._parts)
        tensors = names.renamed(tensors)
        unknown = sorted({key for key in tensors if not split_name(key)[1]})
        if unknown:
            raise UserError(f"{path.name} changes a model in a way that is not known here: it holds {unknown[0]}.")
        found: list[LayerChange] = []
        layers, missing = by_layer(tensors), 0
        for name, own in layers.items():
            if not is_whole(own):
                raise UserError(f"The LoRA {path.name} cannot be read: a part of what it says of {name} is missing.")
            places = names.places(name)
            missing += not places
            for place in places:
                change = LayerChange(place, _widened(place, own | said.alpha(name, own)))
                if not change.fits:
                    raise UserError(
                        f"The LoRA {path.name} was made for another model: what it adds to {name} has another shape "
                        f"than in this {self._parts.family}."
                    )
                found.append(change)
        if len(layers) <= 2 * missing:
            raise UserError(
                f"The LoRA {path.name} was made for another model: {missing} of the {len(layers)} layers that it "
                f"changes are not in this {self._parts.family}."
            )
        if missing:
            return found, [f"{missing} of the {len(layers)} layers that the LoRA {path.name} changes are not here."]
        return found, []


def _widened(place: Place, own: dict[str, Tensor]) -> dict[str, Tensor]:
    """For FLUX Fill, whose first layer reads the mask behind what others read: a change of the others' alone."""
    layer = place.layer
    if place.name != FIRST or "down" not in own or not isinstance(layer, nn.Linear):
        return own
    return own | {"down": F.pad(own["down"], (0, max(0, layer.in_features - own["down"].shape[-1])))}


class _Said:
    """What the file's own notes say of alpha, where no tensor does: peft's settings, by the part of the model."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    def alpha(self, layer: str, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The layer's "alpha", or nothing. Raises `UserError` for settings that make no sense."""
        if "alpha" in own or "down" not in own or not self._settings:
            return {}
        from peft.utils.other import get_pattern_key

        part, _, inside = layer.partition(".")
        alpha = self._settings.get(f"{part}.lora_alpha")
        patterns = self._settings.get(f"{part}.alpha_pattern") or {}
        if isinstance(patterns, dict):
            alpha = patterns.get(get_pattern_key(list(patterns), inside), alpha)
        if not isinstance(alpha, int | float) or not math.isfinite(alpha):
            return {}
        rank = own["down"].shape[0]
        return {"alpha": torch.tensor(alpha * (math.sqrt(rank) if self._settings.get(f"{part}.use_rslora") else 1.0))}


def _read(path: Path, family: Family) -> tuple[dict[str, Tensor], _Said]:
    """The file's tensors by their names, and what it says of them. Raises `UserError` for a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dictionary)
            notes = (file.metadata() or {}).get(_SAID_BY_PEFT, "{}")
        if family is Family.FLUX and any(_XLABS in name and "_lora" in name for name in tensors):
            from diffusers.loaders.lora_pipeline import FluxLoraLoaderMixin

            tensors = FluxLoraLoaderMixin.lora_state_dict(tensors)
        settings = json.loads(notes)
    except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise UserError(f"The LoRA {path.name} cannot be read; it is damaged.") from error
    if not all(bool(x.float().isfinite().all()) for x in tensors.values()):
        raise UserError(f"The LoRA {path.name} holds values that are not numbers; it is damaged.")
    return tensors, _Said(settings if isinstance(settings, dict) else {})
