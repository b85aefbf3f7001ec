"""What a painter is told of words that no picture was found for, or that were read otherwise than typed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from paintdiff.engine.bundled.colours import COLOURS
from paintdiff.engine.bundled.mentions import MOST_OF_ONE, NUMBERS, VAGUE, Asked, divides
from paintdiff.engine.bundled.synonyms import COLOURS as OTHER_COLOURS
from paintdiff.engine.bundled.synonyms import KINDRED, PEOPLE, QUIET
from paintdiff.engine.bundled.wording import COMMA, singular

NEAREST = 3  # names that are offered instead of an unknown word
_MENTIONED = 3  # unknown words, of a long prompt
_CLOSE = 0.72  # of difflib's ratio, from which on two words look alike
_ADJECTIVES = ("y", "ed", "ful", "ous", "ish", "ic", "ive", "less", "ly", "est")
_NO_VERBS = {"building", "wedding", "evening", "morning", "ceiling", "viking", "darling", "clothing", "earring"}


def told(asked: Asked, names: Sequence[str], styles: Sequence[str] = ()) -> str:
    """One sentence on how `asked` was understood, "" where there is nothing to say. `names` are what can be drawn."""
    unknown = _unknown(asked, styles)
    said = [f"“{typed}” was read as “{meant}”" for typed, meant in (asked.slips or {}).items()]
    if asked.more:
        said.append(f"at most {MOST_OF_ONE} of a kind are drawn")
    if unknown:
        people = any(singular(word) in PEOPLE for word in unknown)
        lacks = _quoted(unknown, "or") + " (or of any people)" * people
        if asked.things:
            said.append(f"the model looked at drawings of {_quoted(_typed(asked), 'and')}, and has none of {lacks}")
        else:
            said.append(f"the model has no drawing of {lacks} and guesses{_instead(unknown, names)}")
    sentence = "; ".join(said)
    return sentence[:1].upper() + sentence[1:] + "." if sentence else ""


def nearest(word: str, names: Sequence[str]) -> list[str]:
    """Up to three of `names` that are near to `word`: by meaning, by a word that they share, or by spelling."""
    form = singular(word)
    kindred = [name for name in KINDRED.get(form, ()) if name in names]
    sharing = [name for name in names if form in map(singular, name.split())]
    within = [name for name in names if min(len(form), len(name)) > 4 and (form in name or name in form)]
    alike = get_close_matches(word, names, NEAREST, _CLOSE)
    return list(dict.fromkeys([*kindred, *sharing, *within, *alike]))[:NEAREST]


def _instead(unknown: Sequence[str], names: Sequence[str]) -> str:
    near = list(dict.fromkeys(name for word in unknown for name in nearest(word, names)))[:NEAREST]
    return f"; it knows {_quoted(near, 'and')}" if near else ""


def _unknown(asked: Asked, styles: Sequence[str]) -> list[str]:
    """The chief word of each part of the prompt in which nothing is named that there is a picture of."""
    named = {i for start, stop in asked.spans for i in range(start, stop)}
    found: list[str] = []
    part: list[str] = []
    known, led = False, True  # whether the part names something, and is more than a word between commas
    for i, token in enumerate((*asked.tokens, COMMA)):
        if not _divides(token) or i in named:
            known |= i in named
            part.append(token)
            continue
        word = "" if known else _chief(part, styles)
        if word and (led or not asked.things or not word.endswith(_ADJECTIVES)):
            found.append(word)
        part, known, led = [], False, token != COMMA
    return list(dict.fromkeys(found))[:_MENTIONED]


def _divides(token: str) -> bool:
    if divides(token) or token in NUMBERS or token in VAGUE or token.isdecimal():
        return True
    return len(token) > 5 and token.endswith("ing") and token not in _NO_VERBS


def _chief(part: Sequence[str], styles: Sequence[str]) -> str:
    """The last word of a part, which the others describe; "" where it says only how things look, or where they are."""
    heard = {*COLOURS, *OTHER_COLOURS, *styles}
    words = [word for word in part if len(word) > 2 and word not in heard]
    return "" if not words or singular(words[-1]) in QUIET or words[-1] in QUIET else words[-1]


def _typed(asked: Asked) -> list[str]:
    """The things, as they were written or meant."""
    meant = asked.slips or {}
    read = (" ".join(meant.get(word, word) for word in thing.typed.split()) for thing in asked.things)
    return list(dict.fromkeys(read))


def _quoted(words: Sequence[str], last: str) -> str:
    """The words as “one”, “two” and “three”, with `last` before the last of them."""
    *others, end = (f"“{word}”" for word in words)
    return f"{', '.join(others)} {last} {end}" if others else end
