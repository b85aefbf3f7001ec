"""From installed packages to sprites, on a package folder made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paintdiff.training.sources import PACKAGES, Sprite, fetch_packages, render_sprites
from paintdiff.training.vocabulary import corpus

pytest.importorskip("resvg_py")

APPLE = '<circle cx="18" cy="18" r="15" fill="#d22"/>'


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """node_modules with one apple in every set, and a flag that nobody asked for."""
    folder = tmp_path / "npm/node_modules"
    for name, version in PACKAGES.items():
        write(folder / name / "package.json", {"version": version})
    for package in ("noto", "twemoji", "fluent-emoji", "fluent-emoji-flat"):
        icons = {"red-apple": {"body": APPLE}, "flag-france": {"body": APPLE}}
        write(folder / "@iconify-json" / package / "icons.json", {"icons": icons, "width": 36, "height": 36})
        write(folder / "@iconify-json" / package / "chars.json", {"1f34e": "red-apple", "1f1eb-1f1f7": "flag-france"})
    write(folder / "emojibase-data/meta/groups.json", {"subgroups": {"42": "food-fruit", "98": "country-flag"}})
    entries = [
        {"label": "red apple", "hexcode": "1F34E", "subgroup": 42, "tags": ["fruit"]},
        {"label": "flag: France", "hexcode": "1F1EB-1F1F7", "subgroup": 98},
    ]
    write(folder / "emojibase-data/en/data.json", entries)
    write(folder / "emojilib/dist/emoji-en-US.json", {"x": ["red_apple", "mac"]})
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[5:35, 5:35] = (200, 30, 30, 255)
    assets = folder / "@lobehub/fluent-emoji-3d/assets"
    assets.mkdir(parents=True)
    Image.fromarray(picture).save(assets / "1f34e.webp", lossless=True)
    return folder


def test_each_set_gives_a_sprite_of_each_chosen_noun(modules: Path) -> None:
    sprites = list(render_sprites(modules))
    assert sorted(sprite.style for sprite in sprites) == ["", "3d", "flat", "glossy", "simple"]
    for sprite in sprites:
        assert sprite.name == "apple"
        red, green, _, alpha = sprite.pixels[36, 36]
        assert alpha == 255
        assert red > 150 > green


def test_packages_of_the_pinned_versions_are_not_fetched_again(modules: Path) -> None:
    assert fetch_packages(modules.parents[1]) == modules


def test_the_vocabulary_reads_names_and_keywords(modules: Path) -> None:
    texts = list(corpus(modules))
    assert {"red apple", "fruit", "mac"} <= set(texts)


def test_one_source_in_twenty_is_held_out_whatever_its_order() -> None:
    blank = np.zeros((144, 144, 4), np.uint8)
    held = [Sprite("x", (), style, f"{k:x}", blank).held_out for k in range(1000) for style in ("", "flat")]
    assert 0.03 < np.mean(held) < 0.07
