"""Every model and add-on on this machine: what ships, what the hub's cache holds, what lies in the user's folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from paintdiff.generation.errors import UserError
from paintdiff.generation.model_card import Family, ModelCard, Place
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.base_model import lone_sentence
from paintdiff.models.companions import NEEDED, Companions
from paintdiff.models.describe import PARTIAL, Card, describe
from paintdiff.models.families import Part
from paintdiff.models.header import spoken
from paintdiff.models.hub_cache import find_cached, repositories, snapshots
from paintdiff.models.hub_name import HubName, read_hub_name
from paintdiff.models.preferences import model_folders
from paintdiff.models.remembered import Remembered
from paintdiff.models.screening import refuse_pickle
from paintdiff.models.walk import INDEX, WEIGHTS, walk
from paintdiff.resource_files import resource


def scan(folders: Iterable[Path] | None = None) -> Iterator[ModelCard]:
    """A card for each model: those that ship, then those in `folders` (None: the user's own), then the hub's cache.

    Cards come one by one as they are found, so call it on a background thread and drop the iterator to stop early.
    Only headers and configs are read, and those of files that have not changed since the last time not even those.
    Models that cannot be opened come with a `problem`. Never raises; folders that are gone or closed are passed over.
    """
    return (card for card in scan_all(folders) if isinstance(card, ModelCard))


def scan_add_ons(folders: Iterable[Path] | None = None) -> Iterator[AddOnCard]:
    """A card for each LoRA, autoencoder, embedding, ControlNet and IP-Adapter; otherwise like `scan`."""
    return (card for card in scan_all(folders) if isinstance(card, AddOnCard))


def scan_all(folders: Iterable[Path] | None = None) -> Iterator[Card]:
    """What `scan` and `scan_add_ons` give, in one go."""
    memory, seen = Remembered(), set[tuple[int, int]]()
    folders = tuple(model_folders() if folders is None else folders)
    companions = Companions(folders)
    for name in bundled_names():
        card = describe(resource("models", name), Place.BUNDLED)
        if card is not None:
            yield replace(card, source=name)
    try:
        for folder in folders:
            for path in walk(Path(os.path.abspath(folder)), seen):
                card = memory.describe(path, Place.FOLDER)
                if card is not None:
                    yield _completed(card, path, companions)
        yield from _scan_cache(memory, seen, companions)
    finally:
        memory.write()


def bundled_names() -> list[str]:
    """What ships, by the names that `--model` takes."""
    return sorted(config.parent.name for config in resource("models").glob("*/config.json"))


def look_at(source: str) -> Card:
    """The card of what `--model` could take: a bundled name, a folder, a file, or a hub name that is in the cache.

    Raises `UserError` where there is nothing of that name, or nothing that is a model or an add-on.
    """
    place, path = find_model(source)
    card = describe(path, place)
    if card is None:
        refuse_pickle(path)
        raise UserError(f"{source} is neither a model nor an add-on.")
    card = _completed(card, path, Companions())
    return replace(card, source=source, name=source if place is Place.CACHE else card.name)


def _completed(card: Card, path: Path, companions: Companions) -> Card:
    """The card of a file, with what else it needs and is not there: that can change while the file does not."""
    if isinstance(card, AddOnCard) or path.is_dir():
        return card
    if card.family in NEEDED and not card.problem:
        return replace(card, problem=companions.problem(path, card.family))
    if card.problem and card.problem == lone_sentence(path) and companions.lends(path, card.family):
        return replace(card, problem="")
    return card


def find_model(source: str) -> tuple[Place, Path]:
    """Where the weights of a model lie: what a bundled name, a path or a hub name in the cache stands for.

    A file or folder goes before a hub name. Asks nobody. Raises `UserError` for what is not on this machine.
    """
    if source and Path(source).name == source and source in bundled_names():
        return Place.BUNDLED, resource("models", source)
    path = Path(source).expanduser()
    if source and path.exists():
        return Place.FOLDER, path
    if source and path.is_symlink():
        raise UserError(f"{spoken(path)} is a link to what is not there.")
    name = read_hub_name(source)
    if name is None:
        raise UserError(
            f"No model is called {source!r}: give a name that paintdiff models lists, such as {bundled_names()[0]}, a "
            "folder, a .safetensors or .gguf file, or owner/name on the hub."
        )
    cached = find_cached(name)
    if cached is None:
        raise UserError(f"{source} is not on this machine; paintdiff models get {source} fetches it from the hub.")
    return Place.CACHE, cached


def source_of(name: str) -> str:
    """What `find_model` takes, for the name that a model has in the lists; anything else as it is.

    Letter case does not matter. Raises `UserError` where several models have that name, or it cannot be opened.
    """
    if not name or {"/", os.sep} & set(name) or name in bundled_names() or Path(name).exists():
        return name
    wanted = name.removesuffix(".safetensors").lower()
    there = [card for card in scan() if wanted == card.name.lower()]
    usable = [card.source for card in there if not card.problem]
    if len(usable) > 1:
        raise UserError(f"Several models are called {name}: {', '.join(usable)}. Give one of these.")
    if there and not usable:
        raise UserError(there[0].problem)
    return usable[0] if usable else name


def is_on_this_machine(source: str) -> bool:
    """Whether `find_model` finds it."""
    try:
        find_model(source)
    except UserError:
        return False
    return True


def find_add_on(name: str, part: Part, folders: Iterable[Path] | None = None) -> Path:
    """The file (or diffusers folder) of an add-on by the name a prompt gives it, as in <lora:name:0.8>, or by its path.

    Looks in `folders` (None: the user's own) and the hub's cache; letter case does not matter if only one fits.
    Raises `UserError` that names some that there are.
    """
    path = Path(name).expanduser()
    if (os.sep in name or path.suffix) and path.exists():
        return path
    wanted = name.removesuffix(".safetensors")
    there = [card for card in scan_add_ons(folders) if card.part is part]
    exact = [card for card in there if wanted == card.name or name == card.source]
    fitting = exact or [card for card in there if card.name.lower() == wanted.lower()]
    usable = [card for card in fitting if not card.problem]
    if usable:
        return _path_of(usable[0])
    if fitting:
        raise UserError(fitting[0].problem)
    known = sorted({card.name for card in there})[:8]
    others = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    if not known:
        others = "there is none in the folders that were added (paintdiff models folder add PATH)"
    raise UserError(f"No {part.value} is called {name!r}: {others}.")


def _path_of(card: AddOnCard) -> Path:
    name = None if Path(card.source).exists() else read_hub_name(card.source)
    return (find_cached(name) if name else None) or Path(card.source)


def _scan_cache(memory: Remembered, seen: set[tuple[int, int]], companions: Companions) -> Iterator[Card]:
    for repo, folder in repositories():
        shown = False
        for revision, snapshot in snapshots(folder).items():
            if shown and revision == snapshot.name:
                continue  # an older state of what was shown
            short = "" if revision == "main" else revision
            for path in _in_snapshot(snapshot, seen):
                card = memory.describe(path, Place.CACHE)
                if card is None or _is_foreign(card):
                    continue
                card, shown = _completed(card, path, companions), True
                inside = path.relative_to(snapshot).as_posix()
                if path != snapshot and path.is_dir():
                    yield replace(card, source=str(path), name=f"{repo}/{inside}")
                    continue
                name = str(HubName(repo, "" if path == snapshot else inside, short))
                yield replace(card, source=name, name=name if isinstance(card, ModelCard) else card.name)


def _in_snapshot(snapshot: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """The pipeline, and checkpoints of one file beside it; else whatever may be a model or an add-on."""
    if not (snapshot / INDEX).is_file():
        yield from walk(snapshot, seen)
        return
    yield snapshot
    files = (file for ending in WEIGHTS for file in snapshot.glob(f"*{ending}"))
    yield from sorted(file for file in files if not file.name.startswith("diffusion_pytorch"))


def _is_foreign(card: Card) -> bool:
    """Whether this is what other programs keep in the cache: language models and the like, or part of a model."""
    if isinstance(card, AddOnCard):
        return False
    return bool(card.problem) and (card.family is Family.UNKNOWN or card.problem.endswith(PARTIAL))
