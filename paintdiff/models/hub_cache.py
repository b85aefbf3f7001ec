"""What lies in the hub's cache already, read as it is kept there: models--owner--name/snapshots/commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from paintdiff.models.hub_name import FULL, HALF, HubName
from paintdiff.models.places import hub_cache
from paintdiff.models.walk import CONFIG, INDEX, WEIGHTS

_COMMIT = re.compile(r"[0-9a-f]{40}")
LONGEST_REF = 256


def repositories(cache: Path | None = None) -> Iterator[tuple[str, Path]]:
    """(owner/name, its folder) of each model repository in the cache, in the order of names."""
    try:
        folders = sorted((cache or hub_cache()).glob("models--*--*"))
    except OSError:
        return
    for folder in folders:
        if folder.name.count("--") == 2:
            yield folder.name.removeprefix("models--").replace("--", "/"), folder


def snapshots(folder: Path) -> dict[str, Path]:
    """The snapshots of one repository by the revision that names them: branches and tags, main first, then commits.

    A commit that a branch names is given once, by the branch.
    """
    found: dict[str, Path] = {}
    refs = folder / "refs"
    named = sorted(_files(refs), key=lambda file: (file.name != "main", str(file)))
    for file in named:
        commit = _commit(file)
        if commit and (folder / "snapshots" / commit).is_dir():
            found[file.relative_to(refs).as_posix()] = folder / "snapshots" / commit
    taken = set(found.values())
    for snapshot in _folders(folder / "snapshots"):
        if snapshot not in taken and _COMMIT.fullmatch(snapshot.name):
            found[snapshot.name] = snapshot
    return found


def find_cached(name: HubName, cache: Path | None = None) -> Path | None:
    """The folder or file of `name` in the cache, without asking the hub; None if it is not there.

    Without a revision that is main, else the only snapshot there is. A snapshot of nothing but one file is that file.
    """
    folder = (cache or hub_cache()) / f"models--{name.repo.replace('/', '--')}"
    there = snapshots(folder)
    snapshot = there.get(name.revision or "main")
    if snapshot is None and not name.revision and len(there) == 1:
        snapshot = next(iter(there.values()))
    if snapshot is None and name.revision:
        snapshot = next((each for each in there.values() if each.name == name.revision), None)
    if snapshot is None:
        return None
    place = snapshot / name.file if name.file else _only_file(snapshot)
    return place if place.exists() and not (name.variant == FULL and _is_half(place)) else None


def _only_file(snapshot: Path) -> Path:
    """The checkpoint of one file that a snapshot is, else the snapshot itself."""
    if any((snapshot / name).exists() for name in (INDEX, CONFIG)):
        return snapshot
    weights = [file for file in _files(snapshot) if file.suffix in WEIGHTS]
    return weights[0] if len(weights) == 1 else snapshot


def _is_half(place: Path) -> bool:
    """Whether the weights of a pipeline, or some of them, are there as fp16 alone."""
    halves = [file for file in place.glob(f"*/*.{HALF}.safetensors") if place.is_dir()]
    return any(not file.with_name(file.name.replace(f".{HALF}", "")).exists() for file in halves)


def _commit(ref: Path) -> str:
    try:
        with ref.open(encoding="ascii", errors="replace") as file:
            text = file.read(LONGEST_REF).strip()
    except OSError:
        return ""
    return text if _COMMIT.fullmatch(text) else ""


def _files(folder: Path) -> list[Path]:
    try:
        return [file for file in folder.rglob("*") if file.is_file()]
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir())
    except OSError:
        return []
