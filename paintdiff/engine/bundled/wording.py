"""Words as painters type them, and the one form of each under which things are looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable

COMMA = ","
_TOKEN = re.compile(r"[^\W_]+|[,;.:!?/|\n]")
_IRREGULAR = {
    "axes": "axe", "buses": "bus", "cacti": "cactus", "calves": "calf", "dwarves": "dwarf", "feet": "foot",
    "geese": "goose", "halves": "half", "hooves": "hoof", "knives": "knife", "leaves": "leaf", "lice": "louse",
    "loaves": "loaf", "men": "man", "mice": "mouse", "octopi": "octopus", "oxen": "ox", "people": "person",
    "scarves": "scarf", "shelves": "shelf", "teeth": "tooth", "thieves": "thief", "wharves": "wharf", "wolves": "wolf",
    "women": "woman", "children": "child", "glasses": "glasse", "shoes": "shoe", "canoes": "canoe", "toes": "toe",
    "cookies": "cookie", "movies": "movie", "pies": "pie", "ties": "tie", "zombies": "zombie", "brownies": "brownie",
}  # fmt: skip
_WITHOUT_PLURAL = ("sheep", "fish", "deer", "goldfish", "jellyfish", "swine", "aircraft")
_LONG_ENOUGH = 5  # letters of a word in which a slip is one, and not another word


def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words, and a comma for whatever divides them; what belongs to someone is that thing's word."""
    text = re.sub(r"['’]s\b", "", text.lower()).replace("&", " and ").replace("+", " and ")
    return tuple(token if token.isalnum() else COMMA for token in _TOKEN.findall(text))


def words(text: str) -> tuple[str, ...]:
    """The words of `text` in the form under which things are looked up."""
    return tuple(singular(token) for token in tokens(text) if token != COMMA)


def singular(word: str) -> str:
    """`word` as it is looked up: without a plural's ending, where it looks like one."""
    if word in _IRREGULAR:
        word = _IRREGULAR[word]
    elif len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses", "oes")):
        return word[:-2]
    elif word.endswith("uses") and not word.endswith("ouses"):
        word = word[:-2]  # of one that ends in an s by itself
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def may_be_plural(word: str) -> bool:
    """Whether `word`, as typed, can mean several."""
    return word in _WITHOUT_PLURAL or (word not in _IRREGULAR.values() and singular(word) != word)


def one_slip_away(word: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that `word` may be a slip of the pen for.

    One letter more, less, another or two in each other's place, but not the first one, in five letters or more.
    """
    if len(word) < _LONG_ENOUGH:
        return []
    alike = (other for other in known if len(other) >= _LONG_ENOUGH and other[0] == word[0])
    return sorted(other for other in alike if _one_edit_apart(word, other))


def _one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter changed, left out, put in or exchanged with the next makes `one` into `other`."""
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[same:], other[same:]
    return one != other and (a[1:] in (b, b[1:]) or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:]))
