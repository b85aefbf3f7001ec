"""From a file or folder to its card: headers and configs are read, weights are not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.add_on import ADD_ONS, AddOnCard
from paintdiff.models.base_model import lone_sentence
from paintdiff.models.companions import NEEDED
from paintdiff.models.families import Part, few_steps, identify
from paintdiff.models.gguf_header import SUFFIX, read_model_header
from paintdiff.models.header import CONVERT, Header, read_object
from paintdiff.models.pipelines import check_index
from paintdiff.models.storage import denoiser_of, held_bytes, stored_as
from paintdiff.models.walk import CONFIG, INDEX, NETWORK, NOT_OPENED, WEIGHTS

Card = ModelCard | AddOnCard
# Folders of A1111 and ComfyUI, by what a file in them is that does not say so itself.
_KEPT_IN = {
    "stable-diffusion": Part.WHOLE, "checkpoints": Part.WHOLE, "diffusion_models": Part.DENOISER,
    "unet": Part.DENOISER, "lora": Part.LORA, "loras": Part.LORA, "lycoris": Part.LORA, "vae": Part.VAE,
    "embeddings": Part.EMBEDDING, "controlnet": Part.CONTROLNET, "ipadapter": Part.IP_ADAPTER,
    "ip-adapter": Part.IP_ADAPTER, "sd-webui-controlnet": Part.CONTROLNET,
}  # fmt: skip
_PIPELINE_FAMILIES = (
    ("StableDiffusionXL", Family.SDXL), ("StableDiffusion3", Family.SD3), ("Flux", Family.FLUX),
)  # fmt: skip
_NETWORKS = {
    "ControlNetModel": Part.CONTROLNET, "ControlNetUnionModel": Part.CONTROLNET,
    "SD3ControlNetModel": Part.CONTROLNET, "FluxControlNetModel": Part.CONTROLNET,
    "AutoencoderKL": Part.VAE, "AutoencoderTiny": Part.TINY_VAE,
}  # fmt: skip
_BY_WORDS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL}
_FRONT_MATTER = 64 * 1024
PARTIAL = "holds no weights, or not all of them: there is no complete set of .safetensors files."


def describe(path: Path, place: Place = Place.FOLDER) -> Card | None:
    """The card of a .safetensors or .gguf file, a pickle or a diffusers folder; None for no model and no add-on.

    Never raises: what is wrong with it stands in the card's `problem`. Reads headers and configs only.
    """
    if path.is_dir():
        return _folder(path, place)
    if path.suffix.lower() in WEIGHTS:
        try:
            return _file(read_model_header(path), place)
        except UserError as error:
            return _by_folder(path, place, str(error))
    return _unopened(path, place)


def kept_as(path: Path) -> Part | None:
    """What a file is by the folder that it lies in, where A1111 or ComfyUI keep such files; None elsewhere."""
    return next((_KEPT_IN[each.name.lower()] for each in path.parents if each.name.lower() in _KEPT_IN), None)


def _file(header: Header, place: Place) -> Card | None:
    path, kind = header.path, identify(header)
    licence = _short(header.metadata.get("modelspec.license", ""))
    if kind.part in ADD_ONS:
        words = _short(header.metadata.get("modelspec.trigger_phrase", ""))
        return AddOnCard(str(path), path.stem, kind.part, kind.family, header.size, words, licence)
    if kind.part is Part.TEXT_ENCODER:
        return None
    if kind.part is Part.UNKNOWN and path.suffix.lower() == SUFFIX and kept_as(path) is None:
        return None  # a language model, most likely
    if kind.part is Part.UNKNOWN:
        return _by_folder(path, place, f"{path} is not a compatible model: nothing in it tells what it is.")
    problem = ""
    if kind.part is Part.REFINER:
        problem = f"{path.name} is a refiner, which only works after another model: open that one."
    elif kind.part is Part.DENOISER and kind.family not in NEEDED:
        problem = lone_sentence(path)
    denoiser = denoiser_of(header)
    return ModelCard(
        str(path), path.stem, kind.family, place, header.size, kind.side, kind.inpaints, kind.few_steps, licence,
        problem, stored_as(denoiser) if kind.family in NEEDED else "", held_bytes(denoiser),
    )  # fmt: skip


def _unopened(path: Path, place: Place) -> Card | None:
    """The card of a file that is never opened, where it is likely a model."""
    if kept_as(path) is None and path.suffix.lower() not in NOT_OPENED:
        return None
    return _by_folder(path, place, f"{path.name} is a pickle: {CONVERT}.")


def _by_folder(path: Path, place: Place, problem: str) -> Card:
    """The card of a file that cannot be used: a model's, or that of an add-on where such are kept."""
    size, part = _size(path), kept_as(path)
    if part in ADD_ONS:
        return AddOnCard(str(path), path.stem, part, size_bytes=size, problem=problem)
    return ModelCard(str(path), path.stem, Family.UNKNOWN, place, size, problem=problem)


def _folder(folder: Path, place: Place) -> Card | None:
    try:
        if (folder / INDEX).is_file():
            return _pipeline(folder, place)
        config = read_object(folder / CONFIG)
    except UserError as error:
        return ModelCard(str(folder), folder_name(folder), Family.UNKNOWN, place, problem=str(error))
    if config.get("kind") == "fill":
        name, side, licence = str(config.get("name", folder.name)), _number(config, "size"), config.get("licence", "")
        size = _size(folder / str(config.get("weights", "model.safetensors")))
        return ModelCard(str(folder), name, Family.BUNDLED, place, size, side, True, licence=_short(licence))
    part = _NETWORKS.get(str(config.get("_class_name")))
    if part is None:
        return None
    weights = network_weights(folder)
    problem = "" if weights else _no_weights(folder)
    family = _BY_WORDS.get(_number(config, "cross_attention_dim"), Family.UNKNOWN)
    size = sum(map(_size, weights))
    return AddOnCard(str(folder), folder_name(folder), part, family, size, "", licence_of(folder), problem)


def _pipeline(folder: Path, place: Place) -> ModelCard:
    index = read_object(folder / INDEX)
    pipeline = str(index.get("_class_name"))
    components = [name for name, entry in index.items() if isinstance(entry, list) and entry and entry[-1]]
    denoiser = next((name for name in ("unet", "transformer") if name in components), "unet")
    own = folder / denoiser if (folder / denoiser).is_dir() else folder  # a model of one network may keep it at the top
    config = read_object(own / CONFIG)
    family = _pipeline_family(pipeline, denoiser, config)
    size, problem = 0, _refusal(index, folder)
    for name in components:
        part = folder / name if (folder / name).is_dir() else folder
        weights = component_weights(part, name)
        size += sum(map(_size, weights or []))
        if weights == [] and name != "safety_checker":
            problem = problem or _no_weights(part)
    name = folder_name(folder)
    return ModelCard(
        str(folder), name, family, place, size, _side(folder, denoiser, config, family), _fills(config),
        _few_steps(f"{name} {index.get('scheduler')}", config), licence_of(folder), problem,
    )  # fmt: skip


def _refusal(index: dict[str, Any], folder: Path) -> str:
    try:
        check_index(index, folder)
    except UserError as error:
        return str(error)
    return ""


def component_weights(folder: Path, component: str) -> list[Path] | None:
    """The weight files of one component as it is loaded, [] if they are missing; None for one that has none."""
    if component.startswith(("tokenizer", "scheduler", "feature_extractor")):
        return None
    return network_weights(folder, "model" if component.startswith(("text_encoder", "safety")) else NETWORK)


def network_weights(folder: Path, stem: str = NETWORK) -> list[Path]:
    """The plain weights of one network, else those of fp16; [] where some are missing or damaged."""
    for variant in ("", ".fp16"):
        plain = folder / f"{stem}{variant}.safetensors"
        if plain.is_file():
            return [plain]
        index = folder / f"{stem}.safetensors.index{variant}.json"
        if index.is_file():
            names = read_object(index).get("weight_map")
            files = [folder / name for name in sorted(set(map(str, names.values())))] if isinstance(names, dict) else []
            return files if all(file.is_file() for file in files) else []
    return []


def licence_of(folder: Path) -> str:
    """The licence that a model's README gives in its front matter, else ""."""
    readme = folder / "README.md"
    if not readme.is_file():  # a pipe would keep us waiting
        return ""
    try:
        with readme.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_FRONT_MATTER)
    except OSError:
        return ""
    front = re.match(r"\ufeff?---\s*\n(.*?)\n---", text, re.DOTALL)
    if front is None:
        return ""
    said = dict(re.findall(r"^(license|license_name)[ \t]*:[ \t]*[\"']?([^\n\"'#]+)", front[1], re.MULTILINE))
    licence = said.get("license", "").strip()
    return _short(said.get("license_name", licence) if licence in ("other", "") else licence)


def folder_name(folder: Path) -> str:
    """What a painter calls the model in a folder: its name, or owner/name in a hub cache."""
    for each in (folder, *folder.parents):
        if each.name.startswith("models--") and each.name.count("--") >= 2:
            return each.name.removeprefix("models--").replace("--", "/")
    return folder.name or str(folder)


def _pipeline_family(pipeline: str, denoiser: str, config: dict[str, Any]) -> Family:
    for start, family in _PIPELINE_FAMILIES:
        if pipeline.startswith(start):
            return family
    if denoiser == "unet" and "cross_attention_dim" in config and config.get("_class_name") != "UNet2DModel":
        return _BY_WORDS.get(_number(config, "cross_attention_dim"), Family.SD1)
    return Family.PIXELS if config.get("_class_name") == "UNet2DModel" else Family.UNKNOWN


def _side(folder: Path, denoiser: str, config: dict[str, Any], family: Family) -> int:
    cells = _number(config, "sample_size")
    if family is Family.PIXELS or not cells:
        return cells or {Family.FLUX: 1024}.get(family, 0)
    vae = folder / "vae" / CONFIG
    levels = read_object(vae).get("block_out_channels") if vae.is_file() else None
    return cells * 2 ** (len(levels) - 1 if isinstance(levels, list) else 3)


def _fills(config: dict[str, Any]) -> bool:
    """Whether a denoiser reads a mask and the masked picture besides: 9 channels for 4, in FLUX Fill 384 for 64."""
    inputs = _number(config, "in_channels")
    outputs = _number(config, "out_channels") or (64 if inputs == 384 else inputs)
    return inputs == 2 * outputs + 1 or (inputs == 384 and outputs == 64)


def _few_steps(words: str, config: dict[str, Any]) -> str:
    return few_steps(words) or ("LCM" if config.get("time_cond_proj_dim") else "")


def _no_weights(folder: Path) -> str:
    if any(file.suffix in (".bin", ".ckpt", ".pt", ".pth") for file in folder.glob("*")):
        return f"The weights in {folder} are pickles: {CONVERT}."
    return f"{folder} {PARTIAL}"


def _number(config: dict[str, Any], key: str) -> int:
    value = config.get(key)
    if isinstance(value, list) and value:
        value = value[0]
    return value if type(value) is int and 0 < value < 2**20 else 0


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0


def _short(text: object) -> str:
    """One line of a file's words, without what a screen would obey."""
    line = " ".join(str(text).split())[:120]
    return line if line.isprintable() else ""
