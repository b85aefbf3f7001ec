"""Another autoencoder than the checkpoint's own: a folder as diffusers has it, or a .safetensors file in any layout."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from paintdiff.engine.checkpoints.autoencoder import KLAutoencoder
from paintdiff.engine.checkpoints.checkpoint import prepare_libraries
from paintdiff.engine.checkpoints.latent_space import LatentSpace
from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.stable_diffusion import vae_dtype
from paintdiff.engine.checkpoints.weights import check_finite, check_fit
from paintdiff.engine.hardware.caches import Encodings
from paintdiff.engine.model import Model
from paintdiff.generation.errors import UserError
from paintdiff.models.families import Layout, Part, identify
from paintdiff.models.header import Header, read_header, read_object

WEIGHTS = "diffusion_pytorch_model.safetensors"
INDEX = "model_index.json"
_LDM = "first_stage_model."  # where a whole checkpoint of one file keeps its own
_BLOCKS = {
    Layout.LDM: (r"encoder\.down\.(\d+)\.block\.(\d+)\.conv1\.weight", "encoder.down.{}.block.0.conv1.weight"),
    Layout.DIFFUSERS: (
        r"encoder\.down_blocks\.(\d+)\.resnets\.(\d+)\.conv1\.weight", "encoder.down_blocks.{}.resnets.0.conv1.weight"
    ),
}  # fmt: skip


def with_vae(model: Model, source: str) -> Model:
    """`model` with the autoencoder in `source`, which is not put anywhere else than into the new model.

    A file has no config: its scale is that of the model's own autoencoder, on which the network was trained. Raises
    `UserError` for what is missing, damaged or no autoencoder, and for one whose latents are not the model's.
    """
    space, parts = model.space, model.parts
    if parts is None or not isinstance(space, LatentSpace):
        raise UserError(f"The model {model.info.name} works on pixels and takes no other autoencoder.")
    path = Path(source).expanduser()
    if not path.exists():
        raise UserError(f"The autoencoder {source} is not there.")
    prepare_libraries()
    vae = _from_folder(path, parts) if path.is_dir() else _from_file(path, parts)
    own, other = KLAutoencoder(parts.vae), KLAutoencoder(vae)
    if (own.channels, own.factor) != (other.channels, other.factor):
        raise UserError(_other_latents(path, parts, other.channels, other.factor))
    if model.placement is None:
        vae.to(space.device)
    else:
        model.placement.autoencoder(vae)
    changed = replace(space, autoencoder=other, encodings=Encodings())
    return replace(model, space=changed, parts=replace(parts, vae=vae))


def weights_of(source: str) -> Path:
    """The file that holds the weights of the autoencoder in `source`."""
    path = Path(source).expanduser()
    return _folder(path) / WEIGHTS if path.is_dir() else path


def _folder(path: Path) -> Path:
    """An autoencoder's folder, or that within a whole pipeline's."""
    return path / "vae" if (path / INDEX).is_file() else path


def _from_folder(path: Path, parts: Parts) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    folder = _folder(path)
    config = read_object(folder / "config.json")
    if config.get("_class_name") != "AutoencoderKL":
        raise UserError(f"{folder} holds a {config.get('_class_name')}, and no autoencoder that goes with this model.")
    latents, widths = config.get("latent_channels", 4), config.get("block_out_channels", [64])
    _check_latents(path, parts, latents, 2 ** (len(widths) - 1))
    check_fit(AutoencoderKL, folder, read_header(folder / WEIGHTS))
    vae = AutoencoderKL.from_pretrained(
        str(folder.resolve()), use_safetensors=True, local_files_only=True,
        torch_dtype=vae_dtype(config, parts.denoiser.dtype),
    )  # fmt: skip
    check_finite(vae, folder)
    return vae


def _from_file(path: Path, parts: Parts) -> Any:
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    header = read_header(path)
    kind = identify(header)
    whole = kind.part is Part.WHOLE and kind.layout is Layout.LDM
    if kind.part is not Part.VAE and not whole:
        what = "nothing that is known" if kind.part is Part.UNKNOWN else f"a {kind.part}"
        raise UserError(f"{path.name} is no autoencoder: it holds {what}.")
    prefix = _LDM if any(name.startswith(_LDM) for name in header.tensors) else ""
    config = _config(header, prefix, kind.layout, parts)
    try:
        weights = read_tensors(path, vae_dtype(config, parts.denoiser.dtype), prefix)
        tensors = {name.removeprefix(prefix): weight for name, weight in weights.items()}
        if kind.layout is Layout.LDM:
            tensors = convert_ldm_vae_checkpoint(tensors, config)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"The autoencoder {path.name} cannot be read; it is damaged.") from error
    return _built(path, config, tensors, parts)


def _config(header: Header, prefix: str, layout: Layout, parts: Parts) -> dict[str, Any]:
    """The config of the model's own autoencoder, with what the shapes in the file say."""
    numbered, first = _BLOCKS[layout]
    blocks = [match for name in header.tensors if (match := re.match(re.escape(prefix) + numbered, name))]
    levels = len({match[1] for match in blocks})
    widths = [header.shape(prefix + first.format(i)) for i in range(levels)]
    latents = header.shape(f"{prefix}decoder.conv_in.weight")
    if not levels or not all(widths) or len(latents) != 4:
        raise UserError(f"The autoencoder {header.path.name} is built in an unknown way.")
    _check_latents(header.path, parts, latents[1], 2 ** (levels - 1))
    return dict(parts.vae.config) | {
        "block_out_channels": [width[0] for width in widths], "latent_channels": latents[1],
        "layers_per_block": len([match for match in blocks if match[1] == "0"]),
        "down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels,
    }  # fmt: skip


def _built(path: Path, config: dict[str, Any], tensors: dict[str, Tensor], parts: Parts) -> Any:
    from accelerate import init_empty_weights
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    with init_empty_weights(include_buffers=False):
        vae: Any = AutoencoderKL.from_config(config)
    needed = {name: tensor.shape for name, tensor in vae.state_dict().items()}
    wrong = [name for name, shape in needed.items() if name not in tensors or tensors[name].shape != shape]
    if wrong:
        raise UserError(
            f"The autoencoder {path.name} does not go with this {parts.family} model: {len(wrong)} of its "
            f"{len(needed)} weights are missing or of another shape, such as {wrong[0]}."
        )
    vae.load_state_dict({name: tensors[name] for name in needed}, assign=True)
    check_finite(vae, path)
    return vae


def _check_latents(path: Path, parts: Parts, channels: object, factor: int) -> None:
    own = KLAutoencoder(parts.vae)
    if (channels, factor) != (own.channels, own.factor):
        raise UserError(_other_latents(path, parts, channels, factor))


def _other_latents(path: Path, parts: Parts, channels: object, factor: int) -> str:
    own = KLAutoencoder(parts.vae)
    return (
        f"The autoencoder {path.name} does not go with this {parts.family} model: its latents have {channels} channels "
        f"and cells of {factor} pixels, and the model's {own.channels} and {own.factor}."
    )
