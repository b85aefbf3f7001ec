"""LoRAs in the networks of a loaded model: put in by diffusers' loaders or laid over, and taken out without a trace."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from paintdiff.engine.add_ons.overlays import Overlays
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.generation.add_ons import Lora
from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.families import Part, identify
from paintdiff.models.header import Header, read_header

UNETS = (Family.SD1, Family.SD2, Family.SDXL)
FAMILIES = (*UNETS, Family.SD3, Family.FLUX)
# What diffusers would read in part or not at all, and `Overlays` does in full; by what stands in the names.
_MORE_THAN_PLAIN = (
    ".hada_", ".lokr_", ".dora_scale", ".lora_magnitude_vector", ".lora_mid.", ".diff", "lycoris_", "lora_te3_",
)  # fmt: skip
_NOT_HERE = {
    ".oft_blocks": "an OFT", ".oft_diag": "an OFT", ".on_input": "an IA3", ".b1.weight": "a GLoRA",
    ".w_norm": "a LyCORIS file with changed norms", "query_norm.scale": "a control LoRA of FLUX",
    "lora_controlnet": "a Control-LoRA",
}  # fmt: skip
_PEFT_PREFIX = "base_model.model."  # of what peft itself saves, which is the denoiser's


@dataclass(frozen=True)
class _Target:
    """A network that LoRAs adapt, and what their files call it."""

    prefix: str
    network: Any


class Loras:
    """The LoRAs in a model's networks.

    A file is read once and kept as long as it is asked for; new weights cost nothing. Whatever goes wrong, the networks
    are left as they were without any.
    """

    def __init__(self, parts: Parts) -> None:
        self._family = parts.family
        encoders = [f"text_encoder{'' if i == 0 else f'_{i + 1}'}" for i in range(len(parts.text_encoders))]
        self._unet = _Target("unet", parts.denoiser)
        self._texts = [_Target(*each) for each in zip(encoders, parts.text_encoders, strict=True)]
        self._names: dict[tuple[str, int, int], str] = {}  # by path, time and size of the file
        self._overlays = Overlays(parts)
        self._numbered = 0

    @property
    def any(self) -> bool:
        return bool(self._names)

    def lacks(self, loras: Sequence[Lora]) -> bool:
        """Whether `put` would change which modules there are, not only their weights."""
        return {_key(lora.file) for lora in loras if lora.weight != 0} != set(self._names)

    def put(self, loras: Sequence[Lora]) -> list[str]:
        """Let exactly `loras` count, each with its weight; returns what there is to say about them, in sentences.

        Raises `UserError` for a file that is missing, damaged or no LoRA, or that is made for another model.
        """
        wanted = {_key(lora.file): lora for lora in loras if lora.weight != 0}
        try:
            self._forget([key for key in self._names if key not in wanted])
            notices = [note for key, lora in wanted.items() if key not in self._names for note in self._load(key, lora)]
            if wanted:
                self._activate([self._names[key] for key in wanted], [lora.weight for lora in wanted.values()])
        except BaseException:
            self.remove()
            raise
        return notices

    def remove(self) -> None:
        """Take all of them out: the networks are what they were before the first."""
        from diffusers.utils.peft_utils import recurse_remove_peft_layers

        for target in self._targets:
            recurse_remove_peft_layers(target.network)
            if getattr(target.network, "peft_config", None) is not None:
                del target.network.peft_config
            target.network._hf_peft_config_loaded = False
        for name in self._overlays.names:
            self._overlays.lift(name)
        self._names.clear()

    @property
    def _targets(self) -> list[_Target]:
        return [self._unet, *self._texts]

    def _forget(self, keys: Sequence[tuple[str, int, int]]) -> None:
        if not keys:
            return
        if len(keys) == len(self._names):
            self.remove()
            return
        from diffusers.utils.peft_utils import delete_adapter_layers

        for key in keys:
            name = self._names.pop(key)
            self._overlays.lift(name)
            for target in self._targets:
                if name in getattr(target.network, "peft_config", {}):
                    delete_adapter_layers(target.network, name)

    def _activate(self, names: list[str], weights: list[float]) -> None:
        from diffusers.utils.peft_utils import set_weights_and_activate_adapters

        for name, weight in zip(names, weights, strict=True):
            self._overlays.weigh(name, weight)
        for target in self._targets:
            own = getattr(target.network, "peft_config", {})
            here = [(name, weight) for name, weight in zip(names, weights, strict=True) if name in own]
            if here:
                set_weights_and_activate_adapters(
                    target.network, [name for name, _ in here], [weight for _, weight in here]
                )

    def _load(self, key: tuple[str, int, int], lora: Lora) -> list[str]:
        path = Path(lora.file)
        header = read_header(path)
        check_header(header, self._family)
        self._numbered += 1
        name = self._names[key] = f"lora_{self._numbered}"  # a file's own may hold dots, which peft takes for modules
        if self._family not in UNETS or any(mark in each for each in header.tensors for mark in _MORE_THAN_PLAIN):
            return self._overlays.lay(name, path)
        state, alphas, metadata = self._read(path)
        notices = self._check(path, state)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._inject(name, state, alphas, metadata)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError) as error:
            raise UserError(f"The LoRA {path.name} cannot be put into this model: {_first_line(error)}.") from error
        for target in self._targets:
            _settle(target.network, name)
        return notices

    def _inject(self, name: str, state: dict[str, Tensor], alphas: Any, metadata: Any) -> None:
        from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin as Loader

        said = {"network_alphas": alphas, "metadata": metadata, "adapter_name": name, "low_cpu_mem_usage": True}
        if _has(state, "unet"):
            Loader.load_lora_into_unet(dict(state), unet=self._unet.network, **said)
        for text in self._texts:
            if _has(state, text.prefix):
                Loader.load_lora_into_text_encoder(dict(state), text_encoder=text.network, prefix=text.prefix, **said)

    def _read(self, path: Path) -> tuple[dict[str, Tensor], Any, Any]:
        """The file in diffusers' own layout."""
        from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin as Loader
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            source: Any = str(path.resolve().parent)
            header = read_header(path)
            if any(key.startswith(_PEFT_PREFIX) for key in header.tensors):
                source = {f"unet.{key.removeprefix(_PEFT_PREFIX)}": x for key, x in load_file(path).items()}
            state, alphas, metadata = Loader.lora_state_dict(
                source, weight_name=path.resolve().name, use_safetensors=True, local_files_only=True,
                unet_config=self._unet.network.config, return_lora_metadata=True,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError, SafetensorError) as error:
            raise UserError(f"The LoRA {path.name} cannot be read: {_first_line(error)}.") from error
        if not all(bool(x.isfinite().all()) for x in state.values()):
            raise UserError(f"The LoRA {path.name} holds values that are not numbers; it is damaged.")
        return state, alphas, metadata

    def _check(self, path: Path, state: Mapping[str, Tensor]) -> list[str]:
        """What of the LoRA finds no place, as a notice. Raises `UserError` if it is made for another model."""
        fitting = missing = 0
        for target in self._targets:
            modules = dict(target.network.named_modules())
            for name, (down, up) in _pairs(state, target).items():
                module: Any = modules.get(name)
                base = getattr(getattr(module, "base_layer", module), "weight", None)
                if base is None:
                    missing += 1
                    continue
                if base.ndim != down.ndim or base.shape[:2] != (up.shape[0], down.shape[1]):
                    raise UserError(
                        f"The LoRA {path.name} was made for another model: {name} turns {down.shape[1]} numbers into "
                        f"{up.shape[0]} there, and {base.shape[1]} into {base.shape[0]} in this {self._family}."
                    )
                fitting += 1
        if fitting <= missing:
            raise UserError(
                f"The LoRA {path.name} was made for another model: {missing} of the {fitting + missing} layers that it "
                f"changes are not in this {self._family}."
            )
        if missing:
            return [f"{missing} of the {fitting + missing} layers that the LoRA {path.name} changes are not here."]
        return []


def check_header(header: Header, family: Family) -> None:
    """Raise `UserError` where the header alone says that the file is no LoRA for a model of `family`."""
    name = header.path.name
    if family not in FAMILIES:
        raise UserError(f"LoRAs go with Stable Diffusion and FLUX models; this model is {family}.")
    for mark, what in _NOT_HERE.items():
        if any(mark in key for key in header.tensors):
            raise UserError(f"{name} is {what}, which cannot be used here; LoRA, LoCon, LoHa, LoKr and DoRA can.")
    kind = identify(header)
    if kind.part is not Part.LORA:
        what = "of a kind that is not known" if kind.part is Part.UNKNOWN else f"a file of another kind ({kind.part})"
        raise UserError(f"{name} is no LoRA: it is {what}.")
    if kind.family not in (family, Family.UNKNOWN):
        raise UserError(f"The LoRA {name} was made for {kind.family}, and this model is {family}.")


def _pairs(state: Mapping[str, Tensor], target: _Target) -> dict[str, tuple[Tensor, Tensor]]:
    """Both halves of each layer's change, by the layer's name in the target's network."""
    from diffusers.utils.state_dict_utils import (
        convert_state_dict_to_diffusers,
        convert_state_dict_to_peft,
        convert_unet_state_dict_to_peft,
    )

    prefix = f"{target.prefix}."
    own = {key.removeprefix(prefix): x for key, x in state.items() if key.startswith(prefix)}
    if not own:
        return {}
    if target.prefix == "unet":
        own = convert_unet_state_dict_to_peft(own)
    else:
        own = convert_state_dict_to_peft(convert_state_dict_to_diffusers(own))
        if not hasattr(target.network, "text_model"):  # as transformers names them now
            own = {key.removeprefix("text_model."): x for key, x in own.items()}
    down = {key.partition(".lora_A")[0]: x for key, x in own.items() if ".lora_A." in key}
    up = {key.partition(".lora_B")[0]: x for key, x in own.items() if ".lora_B." in key and x.ndim > 1}
    return {name: (x, up[name]) for name, x in down.items() if name in up}


def _settle(network: Any, name: str) -> None:
    """Let the new layers of a LoRA be of the type that the network computes in, which is not always that of its
    weights, and let nothing in it be trained."""
    for path, parameter in network.named_parameters():
        if f".{name}." in path:
            parameter.data = parameter.data.to(network.device, network.dtype)
    network.requires_grad_(False).eval()


def _has(state: Mapping[str, Tensor], prefix: str) -> bool:
    return any(key.startswith(f"{prefix}.") for key in state)


def _key(file: str) -> tuple[str, int, int]:
    """What tells a file from others and from what it was before. Raises `UserError` for one that is not there."""
    path = Path(file)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"The LoRA {file} is not there.") from error
    if not path.is_file():
        raise UserError(f"The LoRA {file} is no file.")
    return str(path.resolve()), status.st_mtime_ns, status.st_size


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200].rstrip(".: ") if text else type(error).__name__
