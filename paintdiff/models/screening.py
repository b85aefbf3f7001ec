"""What lies in a checkpoint's folder: looked at before any library is let near it."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from paintdiff.generation.errors import UserError
from paintdiff.models.header import CONVERT, spoken

MOST_ENTRIES = 1000
LARGEST = 8 * 2**20  # bytes of a config, a vocabulary or an index; the largest there is, of T5, takes 3
SMALL = (".json", ".txt", ".model", ".jinja", ".jsonl", ".py")
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle")
# Files by which a library would leave the folder for the place that they name.
LEADING_AWAY = ("adapter_config.json",)


def home(folder: Path) -> Path:
    """The folder that nothing in `folder` may lead out of, resolved: itself, or its repository in a hub cache.

    There every file is a link from snapshots/<revision> to blobs, both in models--<owner>--<name>.
    """
    whole = folder.resolve()
    for snapshot in (whole, *whole.parents[:2]):
        if snapshot.parent.name == "snapshots" and snapshot.parent.parent.name.startswith("models--"):
            return snapshot.parent.parent
    return whole


def check_inside(path: Path, root: Path) -> None:
    """Raise `UserError` where a link of `path` leads out of `root`, which is resolved."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{spoken(path)} is not a valid model: it is not there, or a link to nothing.") from error
    if not target.is_relative_to(root):
        raise UserError(f"{spoken(path)} is not a valid model: it is a link that leads out of the model's folder.")


def check_files(folder: Path, root: Path) -> None:
    """Raise `UserError` unless `folder` holds only files that may be read: of its own, regular, and not too large."""
    check_inside(folder, root)
    with os.scandir(folder) as listing:
        entries = list(islice(listing, MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise UserError(f"{spoken(folder)} is not a valid model: it holds more than {MOST_ENTRIES} files.")
    for entry in entries:
        path = folder / entry.name
        check_inside(path, root)
        seen = entry.stat()
        if not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
            raise UserError(f"{spoken(path)} is not a valid model: it is not a regular file.")
        if entry.name in LEADING_AWAY:
            raise UserError(f"{spoken(path)} is not a valid model: it sends whoever reads it to another place.")
        if path.suffix in SMALL and seen.st_size > LARGEST:
            raise UserError(
                f"{spoken(path)} is not a valid model: it takes {seen.st_size / 2**20:.0f} MiB, where "
                f"{LARGEST // 2**20} are the most that is read."
            )


def refuse_pickle(path: Path) -> None:
    """Raise `UserError`, which says how to convert it, if `path` is a pickle by its name."""
    if path.suffix.lower() in PICKLES:
        raise UserError(f"{spoken(path)} is not a valid model: it is a pickle: {CONVERT}.")
