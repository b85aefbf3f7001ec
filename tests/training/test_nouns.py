"""The choice of things and the words for them."""

from __future__ import annotations

import json
from pathlib import Path

from paintdiff.training.nouns import chosen_nouns, noun_of, plain_code


def test_a_colour_is_split_from_its_noun() -> None:
    assert noun_of("red apple", "1F34E").name == "apple"
    assert noun_of("orange", "1F34A").name == "orange"


def test_a_face_is_the_animal_and_keeps_its_longer_name() -> None:
    noun = noun_of("dog face", "1F436")
    assert (noun.name, noun.others) == ("dog", ("dog face",))


def test_painters_words_are_added() -> None:
    assert "car" in noun_of("automobile", "1F697").others


def test_code_points_lose_the_variation_selector() -> None:
    assert plain_code("2600-FE0F") == "2600"


def test_people_flags_and_signs_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "en").mkdir()
    (tmp_path / "meta/groups.json").write_text(json.dumps({"subgroups": {"1": "food-fruit", "2": "country-flag"}}))
    entries = [
        {"label": "red apple", "hexcode": "1F34E", "subgroup": 1},
        {"label": "flag: France", "hexcode": "1F1EB-1F1F7", "subgroup": 2},
        {"label": "regional indicator A", "hexcode": "1F1E6"},
        {"label": "ghost", "hexcode": "1F47B", "subgroup": 2},
    ]
    (tmp_path / "en/data.json").write_text(json.dumps(entries))
    assert [noun.name for noun in chosen_nouns(tmp_path)] == ["apple", "ghost"]
