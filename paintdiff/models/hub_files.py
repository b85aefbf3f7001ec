"""Which files of a repository on the hub make a model: weights as safetensors, configs and texts, never pickles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.models.header import CONVERT, is_plain
from paintdiff.models.hub_name import FULL, HALF, HubName
from paintdiff.models.screening import LARGEST, PICKLES
from paintdiff.models.walk import INDEX, NETWORK, WEIGHTS

README = "README.md"
_TEXTS = (".json", ".txt")
_SHARD = r"(?:-\d{5}-of-\d{5})?"
# <stem>[.variant][-00001-of-00002][.variant].safetensors: both places are in use.
_WEIGHTS = re.compile(rf"(?P<stem>\w+?)(?:\.(?P<before>\w+))?{_SHARD}(?:\.(?P<after>\w+))?\.safetensors")
_WEIGHTS_INDEX = re.compile(r"(?P<stem>\w+)\.safetensors\.index(?:\.(?P<variant>\w+))?\.json")
_WITHOUT_WEIGHTS = ("tokenizer", "scheduler", "feature_extractor")
_OPTIONAL = ("safety_checker", "image_encoder")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its path there, bytes, and the name under which the cache keeps it.

    `digest` is its SHA-256 in hex, or for small files the SHA-1 that git gives a blob.
    """

    path: str
    size: int
    digest: str


class SeveralCheckpoints(UserError):
    """A repository holds several checkpoints of one file; `choices` are they, and the user is to name one."""

    def __init__(self, name: HubName, choices: Sequence[HubFile]) -> None:
        self.choices = tuple(choices)
        listed = ", ".join(f"{file.path} ({_size(file.size)})" for file in choices[:8])
        more = f" and {len(choices) - 8} more" if len(choices) > 8 else ""
        super().__init__(
            f"{name.repo} holds {len(choices)} checkpoints: {listed}{more}. Name one of them, as in "
            f"{replace(name, file=choices[0].path)}."
        )


def choose(name: HubName, files: Sequence[HubFile], index: dict[str, Any] | None) -> list[HubFile]:
    """The files to fetch for `name`; `index` is the repository's model_index.json, None where there is none.

    Raises `UserError` where nothing there opens, and `SeveralCheckpoints` where the user has to say which.
    """
    there = {file.path: file for file in files if _is_sound(file)}
    if name.file:
        if name.file not in there:
            raise UserError(f"{name.repo} has no file {name.file}.")
        chosen = [name.file]
    elif index is not None:
        chosen = _pipeline(name, there, index)
    elif "config.json" in there and any(path.startswith(NETWORK) for path in there):
        chosen = [path for path in there if "/" not in path and path.endswith(_TEXTS) and not _is_index(path)]
        chosen += _network(name, "", there) or _without_safetensors(name, there, "")
    else:
        chosen = _single(name, there)
    return [there[path] for path in dict.fromkeys([*chosen, *({README} & set(there))])]


def _pipeline(name: HubName, there: dict[str, HubFile], index: dict[str, Any]) -> list[str]:
    chosen, found = [INDEX], set[str]()
    for component, entry in index.items():
        if component.startswith("_") or not isinstance(entry, list) or not entry or not entry[-1]:
            continue
        if not is_plain(component):
            raise UserError(f"{name.repo} is not a valid model: its {INDEX} names {component!r} as a part.")
        # A model of one network may keep it at the top.
        place = f"{component}/" if any(path.startswith(f"{component}/") for path in there) else ""
        texts = [path for path in there if _lies_in(path, place) and path.endswith(_TEXTS) and not _is_index(path)]
        chosen += [path for path in texts if place or path.endswith("config.json")]
        if component.startswith(_WITHOUT_WEIGHTS):
            continue
        weights = _network(name, place, there)
        if weights:
            chosen += weights
            found |= {_variant(path) for path in weights}
        elif component not in _OPTIONAL:
            chosen += _without_safetensors(name, there, place)
    if name.variant == HALF and HALF not in found:
        raise UserError(f"{name.repo} does not offer its weights as fp16.")
    return chosen


def _network(name: HubName, place: str, there: dict[str, HubFile]) -> list[str]:
    """The weights of the network in the folder `place` ("" is the top), with the index of its shards; [] for none."""
    by_variant: dict[str, list[str]] = {}
    for path in there:
        if _lies_in(path, place) and (_is_index(path) or _WEIGHTS.fullmatch(_base(path))):
            by_variant.setdefault(_variant(path), []).append(path)
    for variant in ("", HALF) if name.variant == FULL else (HALF, ""):
        paths = by_variant.get(variant, [])
        for stem in (NETWORK, "model"):
            weights = [path for path in paths if re.match(rf"{stem}[.-]", _base(path))]
            whole = [path for path in weights if _base(path).count(".") == 1 + bool(variant) and "-of-" not in path]
            if any(path.endswith(".safetensors") for path in weights):
                return whole or weights  # in one piece where there is one
    return []


def _single(name: HubName, there: dict[str, HubFile]) -> list[str]:
    choices = [file for path, file in there.items() if path.endswith(WEIGHTS) and "-of-" not in path]
    if not choices:
        return _without_safetensors(name, there, "")
    if len(choices) > 1:
        raise SeveralCheckpoints(name, sorted(choices, key=lambda file: -file.size))
    return [choices[0].path]


def _without_safetensors(name: HubName, there: dict[str, HubFile], place: str) -> list[str]:
    """Raises `UserError`: why there are no weights to fetch."""
    where = f"{name.repo}/{place}".rstrip("/")
    if any(path.startswith(place) and path.endswith(PICKLES) for path in there):
        raise UserError(f"{where} offers its weights as pickles only: {CONVERT}.")
    raise UserError(f"{where} has no weights in .safetensors files, so there is nothing that PaintDiff could open.")


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _is_sound(file: HubFile) -> bool:
    """Whether a file has a path that stays inside, a digest that can name it, and a size that it may have."""
    text = file.path.endswith(_TEXTS) or file.path == README
    return (
        all(is_plain(part) and part != ".." for part in file.path.split("/"))
        and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", file.digest) is not None
        and 0 <= file.size <= (LARGEST if text else 2**50)
    )


def _lies_in(path: str, place: str) -> bool:
    return path.startswith(place) and "/" not in path[len(place) :]


def _is_index(path: str) -> bool:
    return _WEIGHTS_INDEX.fullmatch(_base(path)) is not None


def _variant(path: str) -> str:
    index, weights = _WEIGHTS_INDEX.fullmatch(_base(path)), _WEIGHTS.fullmatch(_base(path))
    if index is not None:
        return index["variant"] or ""
    return "" if weights is None else weights["before"] or weights["after"] or ""


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]
