"""The one form under which words are looked up."""

import pytest

from paintdiff.engine.bundled.wording import one_slip_away, singular, tokens, words


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("apples", "apple"), ("cherries", "cherry"), ("wolves", "wolf"), ("foxes", "fox"), ("peaches", "peach"),
        ("tomatoes", "tomato"), ("mice", "mouse"), ("houses", "house"), ("cookies", "cookie"), ("pies", "pie"),
        ("octopuses", "octopus"), ("dresses", "dress"), ("knives", "knife"), ("buses", "bus"), ("shoes", "shoe"),
        ("pianos", "piano"), ("cacti", "cactus"),
    ],
)  # fmt: skip
def test_a_plural_is_looked_up_as_its_singular(several: str, one: str) -> None:
    assert singular(several) == singular(one)


def test_things_of_other_names_stay_apart() -> None:
    assert singular("glasses") != singular("glass")
    assert singular("bus") == "bus"


def test_hyphens_divide_words_and_commas_stay() -> None:
    assert tokens("A hot-air balloon, Tom's cat & a dog") == (
        "a", "hot", "air", "balloon", ",", "tom", "cat", "and", "a", "dog",
    )  # fmt: skip
    assert words("Apples, pears!") == ("apple", "pear")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("elefant", []), ("elephnat", ["elephant"]), ("elephan", ["elephant"]), ("elepphant", ["elephant"]),
        ("elephent", ["elephant"]), ("wizard", []), ("ca", []), ("hose", []), ("hoose", ["horse", "house"]),
    ],
)  # fmt: skip
def test_a_slip_is_one_letter_of_a_longer_word_and_never_the_first(typed: str, meant: list[str]) -> None:
    assert one_slip_away(typed, ["elephant", "lizard", "cat", "house", "horse"]) == meant
