"""The parts of a checkpoint's folder, each held against what its header says: in no time, and without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.models.bounds import check_network, check_scheduler, check_vocabulary
from paintdiff.models.families import Part, identify
from paintdiff.models.header import CONVERT, Header, read_header, read_object, spoken
from paintdiff.models.screening import PICKLES, check_files

NETWORKS = {
    "unet": Part.DENOISER, "transformer": Part.DENOISER, "vae": Part.VAE, "text_encoder": Part.TEXT_ENCODER,
    "text_encoder_2": Part.TEXT_ENCODER, "text_encoder_3": Part.TEXT_ENCODER, "safety_checker": Part.SAFETY_CHECKER,
}  # fmt: skip
FROM_DIFFUSERS = ("unet", "transformer", "vae")


def inspect(folder: Path, component: str, root: Path) -> Header | None:
    """Look at one part of a checkpoint in `folder`, of which nothing may lie outside `root`.

    Gives the header of its weights, None for a part without. Raises `UserError`.
    """
    check_files(folder, root)
    if component == "scheduler":
        check_scheduler(folder / "scheduler_config.json", read_object(folder / "scheduler_config.json"))
    if component not in NETWORKS:
        return None
    path = folder / "config.json"
    config = read_object(path)
    header = None
    for weights in find_weights(folder, component)[1]:
        header = read_header(weights)
        part = identify(header).part
        if part is not NETWORKS[component]:
            raise UserError(
                f"{spoken(weights)} is not a compatible model: a {component} should be a {NETWORKS[component].value}, "
                f"and this is {_called(part)}."
            )
        check_network(path, config, header)
    return header


def inspect_words(tokenizer: Path, config: dict[str, Any]) -> None:
    """Raise `UserError` where a tokenizer has words that the text encoder of `config` does not know."""
    words = config.get("vocab_size")
    if isinstance(words, int):
        check_vocabulary(tokenizer, words)


def find_weights(folder: Path, component: str) -> tuple[str | None, list[Path]]:
    """(variant, files): the plain weights, or those of the variant "fp16" where there are none but those.

    Raises `UserError` where there is no safetensors file.
    """
    stem = "diffusion_pytorch_model" if component in FROM_DIFFUSERS else "model"
    for variant in (None, "fp16"):
        plain = f"{stem}.{variant}.safetensors" if variant else f"{stem}.safetensors"
        sharded = f"{stem}.safetensors.index.{variant}.json" if variant else f"{stem}.safetensors.index.json"
        # Where both are there, which one is opened is up to the library: both must be sound.
        files = [folder / name for name in (plain, sharded) if (folder / name).exists()]
        if files:
            return variant, files
    if any(file.suffix in PICKLES for file in folder.iterdir()):
        raise UserError(
            f"The weights in {spoken(folder)} are pickles: {CONVERT}; where diffusers opens the whole model, "
            "pipeline.save_pretrained(folder, safe_serialization=True) does it."
        )
    raise UserError(f"The model has no weights: {spoken(folder / stem)}.safetensors is not there.")


def _called(part: Part) -> str:
    article = "an" if part is Part.VAE else "a"
    return "of a kind that is not known" if part is Part.UNKNOWN else f"{article} {part.value}"
