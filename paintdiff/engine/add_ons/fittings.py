"""What a painter puts on top of a loaded model, and how it comes off again: LoRAs, words, another autoencoder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from paintdiff.engine.add_ons.embeddings import read_words
from paintdiff.engine.add_ons.lora import Loras
from paintdiff.engine.hardware.placement import Placement, lifted
from paintdiff.engine.model import Model
from paintdiff.generation.add_ons import AddOns, Lora, Word
from paintdiff.generation.errors import UserError

Words = tuple[dict[str, Tensor], ...]


class Fittings:
    """A loaded model, and what it wears now.

    LoRAs sit in its networks; words and another autoencoder are in a copy of it that shares everything else. What was
    read from files stays as long as it is asked for.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loras = None if model.parts is None else Loras(model.parts)
        self._words: tuple[tuple[Word, ...], Words] | None = None
        self._vae: tuple[tuple[str, str], Model] | None = None
        self._placed: Placement | None = None  # of the networks since they were last changed
        self.notices: list[str] = []

    def fit(self, add_ons: AddOns) -> Model:
        """The model with exactly these add-ons; `notices` are what there is to say about them.

        Raises `UserError` for a file that is missing, damaged, or made for another model; then it wears no LoRA.
        """
        self.notices = []
        if self._loras is None:
            if add_ons.loras or add_ons.vae:
                raise UserError(
                    f"The model {self._model.info.name} takes no LoRA and no other autoencoder: those go with models "
                    "of the Stable Diffusion family."
                )
            return self._worded(self._model, add_ons.words)
        if self._loras.any or add_ons.loras:
            self._put(self._loras, add_ons.loras)
        model = self._worded(self._model, add_ons.words)
        return self._with_vae(model, add_ons.vae, add_ons.vae_sha256)

    def _put(self, loras: Loras, wanted: tuple[Lora, ...]) -> None:
        placement, parts = self._model.placement, self._model.parts
        assert parts is not None
        if placement is None or not loras.lacks(wanted):
            self.notices += loras.put(wanted)
            return
        networks = (parts.denoiser, *parts.text_encoders)
        for network in networks:  # layers that come and go cannot be changed on the way
            lifted(network)
        try:
            self.notices += loras.put(wanted)
        finally:
            # Kept, since the files that weights come from live as long as it; narrow ones are so already, and stay so.
            self._placed = replace(placement, float8=False)
            self._placed.network(parts.denoiser)
            for network in parts.text_encoders:
                self._placed.text(network)

    def _worded(self, model: Model, words: tuple[Word, ...]) -> Model:
        if not words:
            return model
        reader: Any = model.encode_text
        if model.parts is None or not hasattr(reader, "with_words"):  # a file may be called like any word
            names = ", ".join(each.word for each in words)
            self.notices.append(f"The model {model.info.name} takes no embeddings: it reads {names} as it is written.")
            return model
        if self._words is None or self._words[0] != words:
            self._words = words, read_words(words, model.parts)
        return replace(model, encode_text=reader.with_words(self._words[1]))

    def _with_vae(self, model: Model, source: str, sha256: str) -> Model:
        if not source:
            self._vae = None
            return model
        from paintdiff.engine.add_ons.other_vae import with_vae  # imports diffusers, as the model has by now

        if self._vae is None or self._vae[0] != (source, sha256):
            self._vae = None
            self._vae = (source, sha256), with_vae(self._model, source)
        other = self._vae[1]
        return replace(model, space=other.space, parts=other.parts)


def identified(add_ons: AddOns) -> tuple[AddOns, list[str]]:
    """The add-ons with the SHA-256 of each file, and sentences on those that are others than was said.

    Raises `UserError` that names a file which is not there.
    """
    notices: list[str] = []

    def found(what: str, file: Path, said: str) -> str:
        sha256 = digest_of(what, file)
        if said and sha256 != said:
            notices.append(f"The {what} {file.name} is not the file that it was, so the result is another too.")
        return sha256

    from paintdiff.engine.add_ons.other_vae import weights_of

    loras = tuple(replace(each, sha256=found("LoRA", Path(each.file), each.sha256)) for each in add_ons.loras)
    words = tuple(replace(each, sha256=found("embedding", Path(each.file), each.sha256)) for each in add_ons.words)
    vae = found("autoencoder", weights_of(add_ons.vae), add_ons.vae_sha256) if add_ons.vae else ""
    return replace(add_ons, loras=loras, words=words, vae_sha256=vae), notices


def digest_of(what: str, file: Path) -> str:
    """SHA-256 of a file's bytes, in hex, once for each state of it. Raises `UserError` if it cannot be read."""
    try:
        status = file.stat()
        return _digest(str(file.resolve()), status.st_mtime_ns, status.st_size)
    except (OSError, ValueError) as error:
        raise UserError(f"The {what} {file} is not there, or cannot be read.") from error


@lru_cache(maxsize=256)
def _digest(file: str, _time: int, _size: int) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
