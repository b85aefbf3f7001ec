"""A diffusers folder on disk: looked at and checked before anything that it names is imported."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from paintdiff.generation.errors import UserError

INDEX = "model_index.json"
STABLE_DIFFUSION = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
PIXELS = ("DDPMPipeline", "DDIMPipeline", "PNDMPipeline", "RePaintPipeline", "ScoreSdeVePipeline")
_SCHEDULERS = (
    "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler",
    "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler", "LMSDiscreteScheduler",
    "PNDMScheduler", "RePaintScheduler", "ScoreSdeVeScheduler", "UniPCMultistepScheduler",
)  # fmt: skip
# What a component may be. Nothing else is ever looked up by the name that a file gives.
ALLOWED = {
    "unet": ("UNet2DConditionModel", "UNet2DModel"),
    "vae": ("AutoencoderKL",),
    "text_encoder": ("CLIPTextModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "scheduler": _SCHEDULERS,
    "safety_checker": ("StableDiffusionSafetyChecker",),
    "feature_extractor": ("CLIPFeatureExtractor", "CLIPImageProcessor"),
}
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose model_index.json names only what we know: the pipeline's class and each component's."""

    folder: Path
    pipeline: str
    components: dict[str, str]
    index: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def part(self, component: str) -> Path:
        """The component's own folder; a model of one network may keep it at the top. Raises `UserError` for none."""
        own = self.folder / component
        if own.is_dir():
            return own
        if self.pipeline in PIXELS:
            return self.folder
        raise UserError(f"The model in {self.folder} has no folder {component}.")

    def config(self, component: str) -> dict[str, Any]:
        """The component's config. Raises `UserError` for one that is missing or no JSON object."""
        file = "scheduler_config.json" if component == "scheduler" else "config.json"
        return read_json(self.part(component) / file)

    def load(self, component: str, kind: type, dtype: torch.dtype) -> Any:
        """The component as a `kind` of diffusers or transformers, with weights from safetensors of this folder alone.

        Raises `UserError` for weights that are missing, pickled, or not those of the config.
        """
        folder = self.part(component)
        variant = _variant(folder, component)
        option = "torch_dtype" if kind.__module__.startswith("diffusers") else "dtype"
        default = torch.get_default_dtype()
        try:
            network, report = kind.from_pretrained(  # type: ignore[attr-defined]
                str(folder.resolve()), use_safetensors=True, local_files_only=True, output_loading_info=True,
                variant=variant, **{option: dtype},
            )  # fmt: skip
        finally:
            torch.set_default_dtype(default)  # they change it meanwhile, and a failure leaves it changed
        wrong = [*report["missing_keys"], *report["mismatched_keys"]]
        if wrong:
            raise UserError(
                f"The weights in {folder} are not those of its config: {len(wrong)} are missing or of another shape."
            )
        return network


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read a folder's model_index.json. Raises `UserError` for a pipeline or a component that we do not know."""
    index = read_json(folder / INDEX)
    pipeline = index.get("_class_name")
    if pipeline not in STABLE_DIFFUSION + PIXELS:
        raise UserError(f"The model in {folder} is a {pipeline!r}, which this version cannot open.")
    components = {}
    for name, entry in index.items():
        if name.startswith("_") or not isinstance(entry, list) or entry == [None, None]:
            continue
        kind = entry[-1] if entry else None
        if kind not in ALLOWED.get(name, ()):
            raise UserError(f"The model in {folder} names {kind!r} as its {name}, which this version does not open.")
        components[name] = kind
    needed = ("unet", "scheduler") if pipeline in PIXELS else ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
    for name in needed:
        if name not in components:
            raise UserError(f"The model in {folder} has no {name}.")
    return Checkpoint(folder, pipeline, components, index)


def prepare_libraries() -> None:
    """Before diffusers or transformers is imported: no code from elsewhere, no network, no chatter on the terminal."""
    os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import diffusers.utils.logging
    import transformers.utils.logging

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def one_line(error: Exception) -> str:
    """What an exception of a library says, short enough for a sentence."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0].rstrip('.:')}" if text else type(error).__name__


def _variant(folder: Path, component: str) -> str | None:
    """None for the plain weights, "fp16" where there are none but those. Raises `UserError` if no safetensors file."""
    stem = "model" if component == "text_encoder" else "diffusion_pytorch_model"
    for variant in (None, "fp16"):
        plain = f"{stem}.{variant}.safetensors" if variant else f"{stem}.safetensors"
        sharded = f"{stem}.safetensors.index.{variant}.json" if variant else f"{stem}.safetensors.index.json"
        if (folder / plain).is_file() or (folder / sharded).is_file():
            return variant
    if any(file.suffix in PICKLES for file in folder.glob("*")):
        raise UserError(
            f"The weights in {folder} are pickles, which can run any program and are never opened; save the model "
            "again as safetensors (in diffusers: pipeline.save_pretrained(folder, safe_serialization=True))."
        )
    raise UserError(f"The model has no weights: {folder / stem}.safetensors is not there.")


def read_json(file: Path) -> dict[str, Any]:
    """A model's JSON file. Raises `UserError` for one that is missing or no JSON object."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"The model's {file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"The model's {file} cannot be read: {one_line(error)}.") from error
    if not isinstance(values, dict):
        raise UserError(f"The model's {file} is not a JSON object.")
    return values
