"""Looking through a folder for what may be models: bounded, without going round in circles, never failing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

MOST_ENTRIES = 100_000  # of one folder that was added, with all below it
DEEPEST = 8
WEIGHTS = (".safetensors", ".gguf")
NOT_OPENED = (".ckpt",)
# Endings of pickles that are used for a great many other things too.
VAGUE = (".pt", ".pth", ".bin")
INDEX = "model_index.json"
CONFIG = "config.json"
NETWORK = "diffusion_pytorch_model"
# What lies about in the folders of other programs and holds no models that open here.
SKIPPED = frozenset((
    "venv", "node_modules", "site-packages", "__pycache__", "outputs", "output", "temp", "tmp", "input", "web", "html",
    "upscale_models", "esrgan", "realesrgan", "gfpgan", "codeformer", "swinir", "ldsr", "scunet", "dat", "deepbooru",
    "torch_deepdanbooru", "clip", "text_encoders", "clip_vision", "hypernetworks", "animatediff_models", "facexlib",
    "insightface", "ultralytics", "image_encoder", "sams", "blip", "karlo", "vae_approx", "vae-approx", "custom_nodes",
    "wildcards",
))  # fmt: skip
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.(safetensors|gguf)$")


def walk(root: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Every folder and file below `root` that may be a model or an add-on, in the order of names.

    A diffusers folder is given as itself, and what lies in it is not. `seen` holds the (device, inode) of what was met,
    and what is in it is passed over, so that a link back or a folder that was added twice is no matter. Folders that
    cannot be read are passed over; at most `MOST_ENTRIES` entries are looked at, `DEEPEST` folders deep.
    """
    left = MOST_ENTRIES
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        if not _is_new(folder, seen):
            continue
        entries = _entries(folder, left)
        left -= len(entries)
        names = {entry.name for entry in entries}
        if INDEX in names or (CONFIG in names and any(_is_network(name) for name in names)):
            yield folder
            continue
        below = []
        for entry in entries:
            if _is_folder(entry):
                if depth < DEEPEST and not entry.name.startswith(".") and entry.name.lower() not in SKIPPED:
                    below.append((Path(entry.path), depth + 1))
            elif _may_hold_weights(entry.name) and _is_new(Path(entry.path), seen):
                yield Path(entry.path)
        waiting += reversed(below)


def _is_network(name: str) -> bool:
    """Whether a folder with a config and this file is one part of a diffusers model, or a bundled one."""
    return name == "tokenizer.json" or name.startswith(NETWORK)


def _may_hold_weights(name: str) -> bool:
    return name.lower().endswith(WEIGHTS + NOT_OPENED + VAGUE) and not name.startswith(".") and not _SHARD.search(name)


def _entries(folder: Path, most: int) -> list[os.DirEntry[str]]:
    entries: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if len(entries) >= most:
                    break
                entries.append(entry)
    except OSError:
        return []
    return sorted(entries, key=lambda entry: entry.name.lower())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    key = (status.st_dev, status.st_ino)
    if status.st_ino and key in seen:  # a file system without inodes gives 0
        return False
    seen.add(key)
    return True
