"""Words that stand for vectors in a file, which a prompt names: textual inversion (Gal et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from paintdiff.engine.checkpoints.parts import Parts
from paintdiff.generation.add_ons import Word
from paintdiff.generation.errors import UserError
from paintdiff.models.families import Part, identify
from paintdiff.models.header import read_header

MOST_VECTORS = 75  # as many tokens as fit into one reading of a prompt


def read_words(words: Sequence[Word], parts: Parts) -> tuple[dict[str, Tensor], ...]:
    """The vectors (n, D) of each word, one mapping for each text encoder of the model.

    Raises `UserError` for a file that is missing, damaged, a pickle, no embedding, or made for another model.
    """
    widths = tuple(int(encoder.config.hidden_size) for encoder in parts.text_encoders)
    read = {word.word: _vectors(Path(word.file), widths, parts) for word in words}
    return tuple({word: vectors[i] for word, vectors in read.items()} for i in range(len(widths)))


def _vectors(path: Path, widths: tuple[int, ...], parts: Parts) -> list[Tensor]:
    if not path.is_file():
        raise UserError(f"The embedding {path} is not there.")
    if identify(read_header(path)).part is not Part.EMBEDDING:
        raise UserError(f"{path.name} is no embedding: it holds something else than vectors for a word.")
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"The embedding {path.name} cannot be read; it is damaged.") from error
    if "clip_l" in tensors and "clip_g" in tensors:
        found = [tensors["clip_l"], tensors["clip_g"]]
    else:
        found = [tensors["emb_params"]] if "emb_params" in tensors else list(tensors.values())[:1]
    vectors = [each.float().reshape(-1, each.shape[-1]) for each in found]
    theirs = tuple(each.shape[1] for each in vectors)
    if theirs != widths:
        raise UserError(
            f"The embedding {path.name} was made for another model: its vectors have {_numbers(theirs)} numbers, and "
            f"those of this {parts.family} model have {_numbers(widths)}. Leave the word out, or the file."
        )
    counts = {len(each) for each in vectors}
    if len(counts) != 1 or not 1 <= max(counts) <= MOST_VECTORS:
        raise UserError(f"The embedding {path.name} has {_numbers(tuple(counts))} vectors, which cannot be read.")
    if not all(bool(each.isfinite().all()) for each in vectors):
        raise UserError(f"The embedding {path.name} holds values that are not numbers; it is damaged.")
    return vectors


def _numbers(values: tuple[int, ...]) -> str:
    return " and ".join(map(str, values))
