"""Clip art as sprites: named by hand, cut out, and left out where it cannot be had."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from paintdiff.training.clip_art import STYLE, chosen_clip_art, clip_art_sprites
from paintdiff.training.nouns import COMMON


def test_the_table_names_each_drawing_once_in_plain_words() -> None:
    chosen = chosen_clip_art()
    assert len({art.file for art in chosen}) == len(chosen) > 600
    for art in chosen:
        for name in (art.name, *art.others):
            assert re.fullmatch(r"[a-z]+( [a-z]+)*", name), name
        assert art.name not in art.others


def test_what_painters_ask_for_first_is_among_it_and_what_nobody_should_see_is_not() -> None:
    names = {art.name for art in chosen_clip_art()}
    assert len(names & COMMON) > 75
    folders = {art.file.rsplit("/", 1)[0] for art in chosen_clip_art()}
    assert not [folder for folder in folders if re.search("flags|cards|arrows|icons|logos|stickmen|roadsigns", folder)]


def test_a_drawing_becomes_a_sprite_and_a_missing_one_is_left_out(tmp_path: Path) -> None:
    art = next(art for art in chosen_clip_art() if art.name == "apple")
    drawing = np.zeros((1200, 800, 4), np.uint8)
    drawing[100:500, 200:400] = (200, 30, 40, 255)
    (tmp_path / art.file).parent.mkdir(parents=True)
    Image.fromarray(drawing).save(tmp_path / art.file)
    (sprite,) = clip_art_sprites(tmp_path, offline=True)
    assert (sprite.name, sprite.others, sprite.style) == ("apple", art.others, STYLE)
    assert sprite.pixels.shape == (144, 144, 4)
    filled = sprite.pixels[..., 3] > 200
    assert (filled.any(1).sum(), filled.any(0).sum()) in [(144, 72), (144, 71), (144, 73)]
    assert np.abs(sprite.pixels[72, 72].astype(int) - (200, 30, 40, 255)).max() <= 2


def test_every_drawing_has_a_code_of_its_own_so_that_some_are_held_out() -> None:
    codes = {Path(art.file).stem for art in chosen_clip_art()}
    assert len(codes) == len(chosen_clip_art())
