"""What a transformer alone lacks, text encoders and an autoencoder: in its file, beside it, or in another model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family
from paintdiff.models.base_model import find_base
from paintdiff.models.families import Part, identify
from paintdiff.models.flow_architecture import PATCH, transformer_config
from paintdiff.models.flow_names import rows_of
from paintdiff.models.gguf_header import SUFFIX, read_model_header
from paintdiff.models.header import Header, read_object, spoken
from paintdiff.models.hub_cache import repositories, snapshots
from paintdiff.models.pipelines import FLUX, STABLE_DIFFUSION_3, check_index
from paintdiff.models.preferences import model_folders
from paintdiff.models.storage import denoiser_of
from paintdiff.models.walk import INDEX, walk


class Role(StrEnum):
    """What a part is for; the values are words for a sentence."""

    VAE = "autoencoder"
    CLIP_L = "CLIP-L text encoder"
    CLIP_G = "CLIP-G text encoder"
    T5 = "T5 text encoder"


NEEDED = {Family.SD3: (Role.VAE, Role.CLIP_L, Role.CLIP_G), Family.FLUX: (Role.VAE, Role.CLIP_L, Role.T5)}
# What each part is called in a diffusers folder; SD 3 also paints without T5.
COMPONENTS = {
    Family.SD3: {
        Role.VAE: "vae", Role.CLIP_L: "text_encoder", Role.CLIP_G: "text_encoder_2", Role.T5: "text_encoder_3",
    },
    Family.FLUX: {Role.VAE: "vae", Role.CLIP_L: "text_encoder", Role.T5: "text_encoder_2"},
}  # fmt: skip
_PIPELINES = {Family.SD3: STABLE_DIFFUSION_3, Family.FLUX: FLUX}
_INSIDE = {
    Role.VAE: ("first_stage_model.", "vae."), Role.CLIP_L: ("text_encoders.clip_l.transformer.",),
    Role.CLIP_G: ("text_encoders.clip_g.transformer.",), Role.T5: ("text_encoders.t5xxl.transformer.",),
}  # fmt: skip
_VAE_FILES = {Family.SD3: "sd3_vae.safetensors", Family.FLUX: "ae.safetensors"}
_FILES = {
    Role.CLIP_L: "clip_l.safetensors", Role.CLIP_G: "clip_g.safetensors", Role.T5: "t5xxl_fp16.safetensors",
}  # fmt: skip
_KEPT_IN = ("text_encoders", "text_encoder", "clip", "vae")  # by ComfyUI and A1111, in any letters
_LIKELY = re.compile(r"t5|clip|vae|text_?enc|(^|[^a-z])ae([^a-z]|$)", re.IGNORECASE)
# SD 3 and FLUX have autoencoders of the same shapes: only names tell which one a file is.
_NAMED = {
    Family.FLUX: re.compile(r"flux|(^|[^a-z])ae([^a-z]|$)", re.IGNORECASE),
    Family.SD3: re.compile(r"sd_?3|stable-?diffusion-?3", re.IGNORECASE),
}
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
MOST_FILES = 300  # of one folder


@dataclass(frozen=True)
class Reads:
    """What a transformer reads: numbers of a word of T5, numbers of a whole prompt, and channels of its input."""

    family: Family
    words: int
    pooled: int
    channels: int

    @classmethod
    def of(cls, family: Family, config: Mapping[str, Any]) -> Reads:
        return cls(family, config["joint_attention_dim"], config["pooled_projection_dim"], config["in_channels"])


@dataclass(frozen=True)
class Found:
    """Where a part lies: in a file, whose tensors of it `header` has, or as `component` of a diffusers `folder`."""

    header: Header | None = None
    folder: Path | None = None
    component: str = ""

    @property
    def where(self) -> Path:
        return self.folder / self.component if self.folder else self.header.path if self.header else Path()


class Companions:
    """Looks for parts on this machine, and remembers what it saw as long as it lives. Never asks the network."""

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self._roots = tuple(model_folders() if folders is None else folders)
        self._headers: dict[Path, Header | None] = {}
        self._pipelines: list[Path] | None = None

    def find(self, header: Header, reads: Reads) -> dict[Role, Found]:
        """The parts that go with the transformer in `header`: its own, else files beside it, else another model's."""
        found = {role: Found(own) for role, own in inside(header).items() if role in COMPONENTS[reads.family]}
        loose: list[Header] | None = None
        for role in COMPONENTS[reads.family]:
            if role not in found:
                loose = list(self._loose(header.path)) if loose is None else loose
                fitting = [each for each in loose if _fits(each, role, reads)]
                fitting.sort(key=lambda each: _preference(each, role, reads.family))
                found |= {role: Found(fitting[0])} if fitting else {}
        if any(role not in found for role in NEEDED[reads.family]):
            for role, each in self._in_pipelines(reads).items():
                found.setdefault(role, each)
        return found

    def problem(self, path: Path, family: Family) -> str:
        """Why a file with a transformer of `family` does not open as far as its other parts go, or "". Never raises."""
        try:
            header = read_model_header(path)
            own = denoiser_of(header)
            config = transformer_config(own, rows_of(own, family), family, 1)
            return missing_sentence(path, family, self.find(header, Reads.of(family, config)))
        except UserError as error:
            return str(error)
        except (IndexError, ValueError, ZeroDivisionError):
            return f"{spoken(path)} is not a compatible model: some of its parts are missing."

    def lends(self, path: Path, family: Family) -> bool:
        """Whether a whole model is there that a U-Net of `family`, alone in its file, can borrow from. Never raises."""
        with suppress(UserError):
            return find_base(read_model_header(path), family, self._roots) is not None
        return False

    @staticmethod
    def is_text_encoder(path: Path) -> bool:
        """Whether a file is one that a transformer alone may need. Never raises."""
        with suppress(UserError):
            return identify(read_model_header(path)).part is Part.TEXT_ENCODER
        return False

    def _loose(self, path: Path) -> Iterator[Header]:
        """The headers of all files that may hold one part, those beside `path` first; each file once."""
        seen: set[Path] = set()
        for file in self._files(path):
            if file in seen or file == path:
                continue
            seen.add(file)
            if file not in self._headers:
                self._headers[file] = None
                with suppress(UserError):
                    self._headers[file] = read_model_header(file)
            header = self._headers[file]
            if header is not None:
                yield header

    def _files(self, path: Path) -> Iterator[Path]:
        yield from (file for file in _weights(path.parent) if _LIKELY.search(file.name))
        places = [*path.parents[:3], *(place for root in self._roots for place in (root, root / "models"))]
        for place in places:
            for folder in _folders(place):
                if folder.name.lower() in _KEPT_IN:
                    yield from _weights(folder)
                    for below in _folders(folder):
                        yield from _weights(below)
        for _, repository in repositories():
            for snapshot in snapshots(repository).values():
                if not (snapshot / INDEX).exists():
                    yield from (file for file in _weights(snapshot) if _LIKELY.search(file.name))

    def _in_pipelines(self, reads: Reads) -> dict[Role, Found]:
        """The parts of the first diffusers folder of the family whose encoders and autoencoder go with it."""
        if self._pipelines is None:
            seen: set[tuple[int, int]] = set()
            here = [path for root in self._roots for path in walk(Path(os.path.abspath(root)), seen)]
            cached = [place for _, folder in repositories() for place in snapshots(folder).values()]
            self._pipelines = [path for path in (*here, *cached) if (path / INDEX).is_file()]
        for folder in self._pipelines:
            with suppress(UserError):
                index = read_object(folder / INDEX)
                named = check_index(index, folder)
                if index["_class_name"] in _PIPELINES[reads.family] and _folder_fits(folder, reads):
                    parts = COMPONENTS[reads.family].items()
                    return {role: Found(folder=folder, component=name) for role, name in parts if name in named}
        return {}


def inside(header: Header) -> dict[Role, Header]:
    """The parts that lie in a checkpoint's own file, each with the names of its own."""
    found = {}
    for role, prefixes in _INSIDE.items():
        for prefix in prefixes:
            part = header.under(prefix)
            if part.tensors and role not in found:
                found[role] = part
    return found


def missing_sentence(path: Path, family: Family, found: Mapping[Role, Found]) -> str:
    """What a transformer still needs and where to put it; "" where nothing is missing."""
    missing = [role for role in NEEDED[family] if role not in found]
    if not missing:
        return ""
    said = [f"the {role.value} ({_FILES.get(role, _VAE_FILES[family])})" for role in missing]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return (
        f"{spoken(path)} holds the denoiser, and {listed} {'is' if len(said) == 1 else 'are'} not on this machine: put "
        f"{'it' if len(said) == 1 else 'them'} beside it, or into the folders text_encoders and vae, or add a folder "
        f"with a whole {family.value} model."
    )


def _fits(header: Header, role: Role, reads: Reads) -> bool:
    """Whether a file of one part is this part of a model, by its shapes."""
    if role is Role.VAE:
        other = next(pattern for family, pattern in _NAMED.items() if family is not reads.family)
        named = f"{header.path.parent.name}/{header.path.stem}"
        latents = header.shape("decoder.conv_in.weight")
        foreign = other.search(named) and not _NAMED[reads.family].search(named)
        return len(latents) == 4 and not foreign and _takes(reads, latents[1], _vae_factor(header))
    if role is Role.T5:
        words = header.shape("shared.weight") or header.shape("token_embd.weight")
        return len(words) == 2 and words[1] == reads.words and not _is_gguf_of_another(header)
    words = header.shape("text_model.embeddings.token_embedding.weight")
    if len(words) != 2 or header.path.suffix.lower() == SUFFIX:
        return False
    if reads.family is Family.FLUX:
        return words[1] == reads.pooled
    # SD 3 reads both of CLIP's encoders, of 768 and 1280 numbers: the large one has more than half of the sum
    return words[1] < reads.pooled and (2 * words[1] < reads.pooled) == (role is Role.CLIP_L)


def _is_gguf_of_another(header: Header) -> bool:
    return header.path.suffix.lower() == SUFFIX and "enc.blk.0.attn_q.weight" not in header.tensors


def _takes(reads: Reads, latents: int, factor: int) -> bool:
    if reads.family is Family.SD3:
        return reads.channels == latents
    return reads.channels in (PATCH**2 * latents, PATCH**2 * (2 * latents + factor**2))


def _vae_factor(header: Header) -> int:
    ldm = {match[1] for name in header.tensors if (match := re.match(r"encoder\.down(?:_blocks)?\.(\d+)\.", name))}
    return 2 ** max(len(ldm) - 1, 0)


def _preference(header: Header, role: Role, family: Family) -> tuple[int, int]:
    """Smaller is better: an autoencoder that names its family, then the weights that were rounded least."""
    named = role is Role.VAE and _NAMED[family].search(f"{header.path.parent.name}/{header.path.stem}") is None
    return int(named), -header.size


def _folder_fits(folder: Path, reads: Reads) -> bool:
    vae = read_object(folder / "vae" / "config.json")
    latents, widths = vae.get("latent_channels"), vae.get("block_out_channels")
    if type(latents) is not int or not isinstance(widths, list):
        return False
    names = COMPONENTS[reads.family]
    t5 = folder / names[Role.T5] / "config.json"
    if t5.is_file() and read_object(t5).get("d_model") != reads.words:
        return False
    clips = [name for role, name in names.items() if role in (Role.CLIP_L, Role.CLIP_G)]
    key = "hidden_size" if len(clips) == 1 else "projection_dim"
    sums = [read_object(folder / name / "config.json").get(key) for name in clips]
    counts = [number for number in sums if type(number) is int]
    return sum(counts) == reads.pooled and _takes(reads, latents, 2 ** (len(widths) - 1))


def _weights(folder: Path) -> list[Path]:
    with suppress(OSError):
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in islice(entries, 10 * MOST_FILES))
        files = [folder / name for name in names if name.lower().endswith((".safetensors", SUFFIX))]
        return [file for file in files if not _SHARD.search(file.name) and not file.name.startswith(".")][:MOST_FILES]
    return []


def _folders(place: Path) -> list[Path]:
    with suppress(OSError), os.scandir(place) as entries:
        return sorted(Path(entry.path) for entry in islice(entries, 10 * MOST_FILES) if entry.is_dir())
    return []
