"""Where things about models are kept on this machine: the user's settings, what is remembered, the hub's own cache."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from paintdiff.generation.errors import UserError


def config_folder() -> Path:
    """PaintDiff's folder for settings, beside those of the window: in XDG_CONFIG_HOME, on Windows in APPDATA."""
    return _home("APPDATA", "XDG_CONFIG_HOME", ".config") / "PaintDiff"


def cache_folder() -> Path:
    """PaintDiff's folder for what can be found out again: in XDG_CACHE_HOME, on Windows in LOCALAPPDATA."""
    return _home("LOCALAPPDATA", "XDG_CACHE_HOME", ".cache") / "PaintDiff"


def hub_cache() -> Path:
    """The hub's own cache, which other programs share; found as huggingface_hub finds it, without importing it."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return _expanded(os.environ[name])
    if os.environ.get("HF_HOME"):
        return _expanded(os.environ["HF_HOME"]) / "hub"
    # Theirs is ~/.cache on Windows too.
    base = os.environ.get("XDG_CACHE_HOME")
    return (_expanded(base) if base else Path.home() / ".cache") / "huggingface" / "hub"


def write_json(path: Path, values: Mapping[str, Any], mode: int = 0o666) -> None:
    """Write `path` whole or not at all, making its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(values, file, ensure_ascii=False, indent=1)
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def free_bytes(folder: Path) -> int:
    """How much room the disk has that holds `folder`, which need not exist yet. Raises `UserError`."""
    import shutil

    existing = next((each for each in (folder, *folder.parents) if each.exists()), None)
    try:
        return shutil.disk_usage(existing or folder).free
    except OSError as error:
        raise UserError(f"{folder} cannot be used: {error.strerror or error}.") from error


def _home(on_windows: str, variable: str, usual: str) -> Path:
    value = os.environ.get(on_windows if sys.platform == "win32" else variable)
    return _expanded(value) if value else Path.home() / usual


def _expanded(value: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(value)))
