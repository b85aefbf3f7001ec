"""A diffusers folder on disk: looked at and checked before anything that it names is imported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from paintdiff.engine.checkpoints.reading import read_tensors
from paintdiff.engine.checkpoints.weights import built, check_finite, check_fit
from paintdiff.generation.errors import UserError
from paintdiff.models.header import read_header, read_object, spoken
from paintdiff.models.inspection import NETWORKS, find_weights, inspect, inspect_words
from paintdiff.models.offline import keep_libraries_offline
from paintdiff.models.pipelines import NEEDED, PIXELS, check_index
from paintdiff.models.screening import check_inside, home
from paintdiff.models.walk import INDEX

# What is laid out anew for speed, and so is read into memory of its own. The others stay mapped from their files.
CONVOLUTIONS = ("UNet2DConditionModel", "UNet2DModel", "AutoencoderKL")
LONGEST_PROMPT = 77  # tokens that a tokenizer is tried with


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose model_index.json names only what we know: the pipeline's class and each component's."""

    folder: Path
    pipeline: str
    components: dict[str, str]
    index: dict[str, Any]

    @property
    def pipelines(self) -> tuple[str, ...]:
        """All pipelines of its architecture: a key of `NEEDED`."""
        return next(names for names in NEEDED if self.pipeline in names)

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
        return read_object(self.part(component) / file)

    def check_fit(self) -> None:
        """Raise `UserError` for weights of another network than their config describes; takes no memory for them.

        Imports diffusers and transformers, of which it builds the networks empty.
        """
        for component, name in self.components.items():
            if component in NETWORKS and (component in NEEDED[self.pipelines] or (self.folder / component).is_dir()):
                folder = self.part(component)
                for file in find_weights(folder, component)[1]:
                    check_fit(_class(name), folder, read_header(file))

    def load(self, component: str, kind: type, dtype: torch.dtype) -> Any:
        """The component as a `kind` of diffusers or transformers, with weights from safetensors of this folder alone.

        Raises `UserError` for weights that are missing, pickled, or not those of the config.
        """
        folder = self.part(component)
        variant, files = find_weights(folder, component)
        if kind.__name__ in CONVOLUTIONS:
            network = built(kind, folder, read_tensors(files[0], dtype))
            check_finite(network, folder)
            return network
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
        check_finite(network, folder)
        return network

    def tokenizer(self, component: str, kind: type) -> Any:
        """A CLIP tokenizer. Raises `UserError` for one without words: it would read every prompt as nothing."""
        folder = self.part(component)
        if not (folder / "tokenizer.json").is_file():
            for name in ("vocab.json", "merges.txt"):
                if not (folder / name).is_file():
                    raise UserError(f"The model's tokenizer is not whole: {folder / name} is not there.")
        words = int(self.config(component.replace("tokenizer", "text_encoder"))["vocab_size"])
        try:
            reader = kind.from_pretrained(str(folder.resolve()), local_files_only=True)  # type: ignore[attr-defined]
            longest = int(min(reader.model_max_length, LONGEST_PROMPT))
            ids = reader("a", padding="max_length", max_length=longest, truncation=True).input_ids
        except Exception as error:  # the library below raises bare ones
            raise UserError(f"{spoken(folder)} is not a valid model: {one_line(error)}.") from error
        if len(reader) > words or not all(0 <= number < words for number in ids):
            raise UserError(
                f"{spoken(folder)} is not a compatible model: it has words beyond the {words} that its text encoder "
                "knows."
            )
        return reader


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read a folder's model_index.json. Raises `UserError` for a pipeline or a component that we do not know."""
    index = read_object(folder / INDEX)
    components = check_index(index, folder)
    checkpoint = Checkpoint(folder, index["_class_name"], components, index)
    _inspect(checkpoint)
    return checkpoint


def _inspect(checkpoint: Checkpoint) -> None:
    """Raise `UserError` for a part that is unsound or not there, before anything of it is loaded."""
    root = home(checkpoint.folder)
    check_inside(checkpoint.folder / INDEX, root)
    needed = NEEDED[checkpoint.pipelines]
    for name in checkpoint.components:
        if name in needed or (checkpoint.folder / name).is_dir():
            inspect(checkpoint.part(name), name, root)
    for name in needed:
        if name.startswith("text_encoder"):
            words = name.replace("text_encoder", "tokenizer")
            inspect_words(checkpoint.part(words), checkpoint.config(name))


def _class(name: str) -> type:
    """The class of that name, which must be one of `ALLOWED`."""
    prepare_libraries()
    import diffusers
    import transformers
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    if name == StableDiffusionSafetyChecker.__name__:
        return StableDiffusionSafetyChecker
    library = transformers if name.startswith(("CLIP", "T5")) else diffusers
    return getattr(library, name)


def prepare_libraries() -> None:
    """Before diffusers or transformers is imported: no code from elsewhere, no network, no chatter on the terminal."""
    os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"
    keep_libraries_offline()
    import diffusers.utils.logging
    import transformers.utils.logging

    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def one_line(error: Exception) -> str:
    """What an exception of a library says, short enough for a sentence."""
    text = str(error).strip().splitlines()
    if not text:
        return type(error).__name__
    said = "".join(sign if sign.isprintable() else "?" for sign in text[0][:300])
    return f"{type(error).__name__}: {said.rstrip('.:')}"
