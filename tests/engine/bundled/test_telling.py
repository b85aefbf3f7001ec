"""What is said of words that there is no picture of."""

import pytest

from paintdiff.engine.bundled.mentions import Reader
from paintdiff.engine.bundled.telling import nearest, told

NAMES = (
    "cat", "dog", "skateboard", "ice skate", "lizard", "magic wand", "dragon", "elephant", "house", "apple", "boat",
)  # fmt: skip
READER = Reader(NAMES)


def said(prompt: str) -> str:
    return told(READER.read(prompt), NAMES, styles=("flat",))


@pytest.mark.parametrize(
    "prompt",
    [
        "", "a cat", "a fluffy white cat", "two apples and a dog", "a flat cat, highly detailed, 8k",
        "green hills under a blue sky", "a cat sitting on a house", "a beautiful small dog on a blue background",
        "a dog without a cat", "apple house", "a cat, fluffy", "red", "...",
    ],
)  # fmt: skip
def test_nothing_is_said_where_all_is_well(prompt: str) -> None:
    assert said(prompt) == ""


def test_an_unknown_thing_is_named_with_what_is_near_to_it() -> None:
    assert said("a wizard") == (
        "The model has no drawing of “wizard” (or of any people) and guesses; "
        "it knows “magic wand”, “dragon” and “lizard”."
    )
    assert said("a zxqv") == "The model has no drawing of “zxqv” and guesses."


def test_what_was_found_is_told_beside_what_was_not() -> None:
    assert said("my grandmother on a skateboard") == (
        "The model looked at drawings of “skateboard”, and has none of “grandmother” (or of any people)."
    )
    assert said("a cat and two dogs in a boat on the river") == (
        "The model looked at drawings of “cat”, “dogs” and “boat”, and has none of “river”."
    )


def test_a_slip_and_too_large_a_number_are_told() -> None:
    assert said("an elephent") == "“elephent” was read as “elephant”."
    assert said("12 cats") == "At most 5 of a kind are drawn."
    assert said("an elephent with a zxqv") == (
        "“elephent” was read as “elephant”; the model looked at drawings of “elephant”, and has none of “zxqv”."
    )


def test_a_pasted_novel_is_told_in_one_short_sentence() -> None:
    sentence = said("The quick brown fox jumps over the lazy turnip while nine gnomes and a kettle applaud. " * 40)
    assert len(sentence) < 200
    assert sentence.count(".") == 1


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("skate", ["ice skate", "skateboard"]), ("elefant", ["elephant"]), ("cats", ["cat"]), ("xyz", []),
        ("wizards", ["magic wand", "dragon", "lizard"]),
    ],
)  # fmt: skip
def test_names_are_near_by_meaning_by_a_word_and_by_spelling(word: str, near: list[str]) -> None:
    assert nearest(word, NAMES) == near
