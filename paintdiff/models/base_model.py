"""A whole model of the family of a U-Net alone, which lends it the autoencoder and the text encoders that it lacks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.families import Layout, Part, identify
from paintdiff.models.header import Header, read_header, read_object
from paintdiff.models.hub_cache import repositories, snapshots
from paintdiff.models.pipelines import STABLE_DIFFUSION, STABLE_DIFFUSION_XL, check_index
from paintdiff.models.preferences import model_folders
from paintdiff.models.walk import INDEX, walk

LENDING = (Family.SD1, Family.SD2, Family.SDXL)
MOST = 1000  # files and folders that are looked at
_CHECKPOINTS = ("checkpoints", "stable-diffusion")  # of ComfyUI and A1111


def find_base(header: Header, family: Family, folders: Iterable[Path] | None = None) -> Path | None:
    """A whole checkpoint, one file or a diffusers folder, of the `family` of the U-Net in `header`, and with its words.

    Near its file, in the user's `folders` (None: all that were added), in the hub's cache. None where there is none, or
    where the family lends nothing. Asks nobody.
    """
    words = words_of(header)
    if family not in LENDING or not words:
        return None
    candidates = islice(_candidates(header.path, model_folders() if folders is None else folders), MOST)
    return next((each for each in candidates if each != header.path and _is_base(each, family, words)), None)


def words_of(header: Header) -> int:
    """Numbers of a word that a U-Net reads, 0 for one that reads none."""
    shapes = (info.shape for name, info in header.tensors.items() if name.endswith("attn2.to_k.weight"))
    return next((shape[1] for shape in shapes if len(shape) == 2), 0)


def lone_sentence(path: Path) -> str:
    """What is said of a U-Net that there is no whole model for."""
    return (
        f"{path.name} holds only the denoiser, without an autoencoder and a text encoder: put a whole checkpoint of "
        "its family beside it, or add a folder with one (paintdiff models folder add)."
    )


def _candidates(path: Path, folders: Iterable[Path]) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    yield from sorted(path.parent.glob("*.safetensors"))
    for above in path.parents[:3]:
        with suppress(OSError):
            for each in sorted(above.iterdir()):
                if each.name.lower() in _CHECKPOINTS and each.is_dir():
                    yield from walk(each, seen)
    for folder in folders:
        yield from walk(Path(os.path.abspath(folder)), seen)
    for _, repository in repositories():
        for snapshot in snapshots(repository).values():
            yield snapshot
            yield from sorted(snapshot.glob("*.safetensors"))


def _is_base(path: Path, family: Family, words: int) -> bool:
    try:
        if path.is_dir():
            index = read_object(path / INDEX)
            check_index(index, path)
            known = index["_class_name"] in (STABLE_DIFFUSION_XL if family is Family.SDXL else STABLE_DIFFUSION)
            return known and read_object(path / "unet" / "config.json").get("cross_attention_dim") == words
        if path.suffix.lower() != ".safetensors":
            return False
        header = read_header(path)
    except UserError:
        return False
    kind = identify(header)
    return (kind.part, kind.layout, kind.family, words_of(header)) == (Part.WHOLE, Layout.LDM, family, words)
