"""Picture sets that the model never learns from: what a recognizer of its pictures is trained on, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paintdiff.training.nouns import Noun, chosen_nouns, plain_code
from paintdiff.training.sources import PACKAGES, Sprite, _drawn, trimmed

# Two of them are share-alike: neither they nor what was learnt from them is ever shipped. OpenMoji and EmojiOne 1 are
# CC-BY-SA 4.0, EmojiOne 2 and Streamline CC-BY 4.0, FxEmoji Apache-2.0.
JUDGING_SETS = {
    "@iconify-json/openmoji": "1.2.29",
    "@iconify-json/emojione-v1": "1.2.3",
    "@iconify-json/emojione": "1.2.3",
    "@iconify-json/fxemoji": "1.2.2",
    "@iconify-json/streamline-emojis": "1.2.4",
}
NAMES = "emojibase-data"


def fetch_judging_sets(folder: Path) -> Path:
    """Install the pinned npm packages under `folder`; returns node_modules. Raises CalledProcessError if npm fails."""
    modules = folder / "npm" / "node_modules"
    wanted = JUDGING_SETS | {NAMES: PACKAGES[NAMES]}
    if not all((modules / name / "package.json").exists() for name in wanted):
        (folder / "npm").mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder / "npm")]
        names = [f"{name}@{version}" for name, version in wanted.items()]
        subprocess.run(["npm", "install", *options, *names], check=True, stdout=subprocess.DEVNULL)
    return modules


def judging_sprites(modules: Path) -> Iterator[Sprite]:
    """Every noun of the model's in every judging set that has it; `style` is the set's name.

    A set is left out once the model learns from it. Names are matched by code points where a set says them, else by
    the label of the code points, whatever its spaces and hyphens.
    """
    nouns = {noun.code: noun for noun in chosen_nouns(modules / NAMES)}
    labels = _labels(modules / NAMES)
    for package in JUDGING_SETS:
        if package in PACKAGES:
            continue
        icons = _read(modules / package / "icons.json")
        by_code = {plain_code(code): name for code, name in _read(modules / package / "chars.json").items()}
        by_name: dict[str, list[str]] = {}
        for name in icons["icons"]:
            by_name.setdefault(_squashed(name), []).append(name)
        for code, noun in nouns.items():
            own, label = by_code.get(code), _squashed(labels[code])
            named = by_name.get(label) or by_name.get(f"{label}face", [])
            for name in [own] if own is not None and own in icons["icons"] else named:
                yield from _sprite(noun, package, icons, name)


def _sprite(noun: Noun, package: str, icons: dict[str, Any], name: str) -> Iterator[Sprite]:
    pixels = trimmed(_drawn(icons["icons"][name], icons.get("width", 16), icons.get("height", 16)))
    if pixels is not None:
        yield Sprite(noun.name, noun.others, package.rpartition("/")[2], noun.code, pixels)


def _labels(emojibase: Path) -> dict[str, str]:
    return {plain_code(entry["hexcode"]): entry["label"] for entry in _read(emojibase / "en/data.json")}


def _squashed(name: str) -> str:
    """ "Alarm clock", "alarm-clock-2" and "alarmclock" -> "alarmclock"."""
    return re.sub(r"-\d+$|[^a-z0-9]", "", name.lower())


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
