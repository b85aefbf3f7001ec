"""What a painter has said about models, for the window and the command line alike: folders to look in, and a token."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError
from paintdiff.models.places import config_folder, write_json

LONGEST_TOKEN = 512


def model_folders() -> tuple[Path, ...]:
    """The folders that the user added, in that order; some may not be there now, a disk being unplugged."""
    stored = _read().get("folders")
    return tuple(Path(each) for each in stored if isinstance(each, str)) if isinstance(stored, list) else ()


def add_folder(folder: Path) -> Path:
    """Add a folder to those that `catalogue.scan` looks in, and return it as it is kept.

    Raises `UserError` for one that cannot be looked into or that lies in an added one.
    """
    folder = Path(os.path.abspath(folder.expanduser()))
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise UserError(f"{folder} cannot be looked into: {error.strerror or error}.") from error
    kept = model_folders()
    for other in kept:
        if folder == other or other in folder.parents:
            raise UserError(f"{folder} is looked through already" + (f", with {other}." if folder != other else "."))
    _write(folders=[str(each) for each in kept if folder not in each.parents] + [str(folder)])
    return folder


def remove_folder(folder: Path) -> None:
    """Take a folder out again; its files stay. Raises `UserError` for one that was not added."""
    folder, kept = Path(os.path.abspath(folder.expanduser())), model_folders()
    if folder not in kept:
        known = ", ".join(map(str, kept)) or "there are none"
        raise UserError(f"{folder} is not among the folders that were added: {known}.")
    _write(folders=[str(each) for each in kept if each != folder])


def hub_token() -> str:
    """The token that the user gave for the hub: HF_TOKEN, else the one kept by `keep_hub_token`, else "".

    A token that another program stored is not taken. Never put it into a log, a recipe or a sentence.
    """
    stored = os.environ.get("HF_TOKEN") or _read().get("token", "")
    return stored.strip() if isinstance(stored, str) else ""


def keep_hub_token(token: str) -> None:
    """Keep a token in the settings, readable by the user alone; "" forgets it. Raises `UserError` for no token."""
    token = token.strip()
    if len(token) > LONGEST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise UserError("That is no token: one is a single word such as hf_… from the settings page of the hub.")
    _write(token=token)


def _file() -> Path:
    return config_folder() / "models.json"


def _read() -> dict[str, Any]:
    try:
        values = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _write(**changed: object) -> None:
    try:
        write_json(_file(), _read() | changed, mode=0o600)
    except OSError as error:
        raise UserError(f"The settings {_file()} cannot be written: {error.strerror or error}.") from error
