"""What a prompt asks to see: which things, how many of each, in what colour, and how they stand to one another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from paintdiff.engine.bundled.colours import COLOURS
from paintdiff.engine.bundled.synonyms import COLOURS as OTHER_COLOURS
from paintdiff.engine.bundled.wording import COMMA, may_be_plural, one_slip_away, singular, tokens, words

MOST_OF_ONE = 5
LONGEST = 100  # words and commas of a prompt that are read: a pasted novel must not cost time
SEVERAL, SOME = 3, 2  # what a plural without a number means, alone and beside other things

# How one thing stands to the next one named. The longer words come first: "in front of" is no "in".
BESIDE, ABOVE, BELOW, LEFT, RIGHT, ON, IN, BEFORE, BEHIND, WEARING = (
    "beside", "above", "below", "left", "right", "on", "in", "before", "behind", "wearing"
)  # fmt: skip
RELATIONS: dict[tuple[str, ...], str] = {
    tuple(words.split()): relation
    for relation, listed in {
        BEFORE: "in front of|before",
        LEFT: "left of|to the left of",
        RIGHT: "right of|to the right of",
        ABOVE: "above|over|high above",
        BELOW: "under|below|beneath|underneath",
        ON: "on top of|on|atop|upon|onto|riding|rides",
        IN: "in|inside|into|within",
        BEHIND: "behind",
        WEARING: "wearing|wears",
        BESIDE: (
            "and|with|beside|besides|next to|near|by|at|,|holding|at the side of|around|between|to|from|or|against|"
            "through|across|along|toward|towards|after|off"
        ),
    }.items()
    for words in listed.split("|")
}
_LONGEST_RELATION = max(map(len, RELATIONS))
HATS = frozenset([
    "hat", "top hat", "party hat", "cowboy hat", "woolly hat", "winter hat", "sombrero", "baseball cap", "cap", "crown",
])  # fmt: skip
_NOT_SHOWN = {"without", "no", "not"}
_COMPARED = {"like", "as", "than", "for"}  # what comes behind them says something of what came before
_OF = "of"
_PICTURES = {("painting",)}  # of something: how it is painted, and no thing
# Pictures of a whole place: drawn where nothing else is named, and left to the words where something is.
_SCENES = {
    words(name) for name in (
        "desert", "sunset", "sunrise", "sunrise over mountains", "starry night", "city at dusk", "desert island",
        "camping", "beach with umbrella",
    )
}  # fmt: skip

NUMBERS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "pair": 2, "couple": 2, "both": 2, "twin": 2, "trio": 3,
}  # fmt: skip
VAGUE = {
    "some": SEVERAL, "few": SEVERAL, "several": SEVERAL, "many": MOST_OF_ONE, "lot": MOST_OF_ONE, "bunch": MOST_OF_ONE,
    "flock": MOST_OF_ONE, "herd": MOST_OF_ONE, "group": SEVERAL, "row": MOST_OF_ONE, "dozen": MOST_OF_ONE,
    "crowd": MOST_OF_ONE, "various": SEVERAL, "swarm": MOST_OF_ONE, "pack": SEVERAL, "more": SEVERAL,
    "hundred": MOST_OF_ONE,
}  # fmt: skip
ARTICLES = {
    "a", "an", "the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "one",
}  # fmt: skip
BREAKS = {
    "and", "or", "with", "but", "while", "is", "are", "there", "has", "have", "of", "for", "that", "which", "who",
}  # fmt: skip
GROUNDS = frozenset(words("""
    sky background ground hills hill field meadow grass lawn sea ocean water lake river pond beach sand snow night day
    clouds horizon wall floor stripes checks gradient desert sunset fog mist light shade darkness forest wood park
    garden space landscape scene scenery backdrop room
    """))  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """`count` of what is looked up under the words `key`, in `colour`, "" for its own. `typed` is how it was written.

    `plural` says that it was written so.
    """

    key: tuple[str, ...]
    typed: str
    count: int = 1
    colour: str = ""
    plural: bool = False


@dataclass(frozen=True)
class Asked:
    """The things of a prompt in order of mention, and how each but the last stands to the next.

    `tokens` are the prompt's, `spans` where in them anything is named, seen or not, `slips` what was read otherwise
    than typed. `more` says that a larger number of something was asked for.
    """

    things: tuple[Thing, ...] = ()
    relations: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    slips: Mapping[str, str] | None = None
    more: bool = False


    @property
    def several(self) -> bool:
        """Whether more than one thing, or more than one of a thing, is to be seen."""
        return len(self.things) > 1 or any(thing.count > 1 for thing in self.things)

    @property
    def ground(self) -> str:
        """What the prompt says of the ground alone, from its first word for it to the last, as "green hills under a
        blue sky"; "" for nothing."""
        named = {i for start, stop in self.spans for i in range(start, stop)}
        at = [i for i, token in enumerate(self.tokens) if i not in named and singular(token) in GROUNDS]
        if not at:
            return ""
        first = at[0]
        while first > 0 and first - 1 not in named and not divides(self.tokens[first - 1]):
            first -= 1
        return " ".join(self.tokens[i] for i in range(first, at[-1] + 1) if i not in named)


def divides(token: str) -> bool:
    """Whether a word does not belong to the thing that is named next."""
    return token in ARTICLES or token == COMMA or (token,) in RELATIONS or token in BREAKS


class Reader:
    """Reads prompts for the things that have `names`, raw as they are, and may take a word in `words` for no slip."""

    def __init__(self, names: Iterable[str], no_slips: Collection[str] = ()) -> None:
        self._raw = {tokens(name) for name in names}
        self._keys = {tuple(map(singular, raw)) for raw in self._raw} - {()}
        self._joined = {"".join(key): key for key in sorted(self._keys)}
        self._longest = max(map(len, self._keys), default=0)
        self._words = {word for key in self._keys for word in key}
        self._alone = sorted(key[0] for key in self._keys if len(key) == 1)
        self._no_slips = no_slips

    def read(self, prompt: str) -> Asked:
        """What `prompt` asks for. The same thing named twice is two."""
        typed = tokens(prompt)[:LONGEST]
        slips = self._slips(typed)
        forms = tuple(singular(slips.get(token, token)) for token in typed)
        spans = named = self._spans(forms)
        kept = [i for i in range(len(spans)) if self._counts(forms, spans, i)]
        spans = [spans[i] for i in kept]
        if not spans:
            return Asked(tokens=typed, slips={})
        things, more = [], False
        for i, (start, stop, key) in enumerate(spans):
            before = forms[spans[i - 1][1] if i else 0 : start]
            number = self._count(before, typed[start:stop], key, len(spans) > 1)
            more |= number > MOST_OF_ONE
            after = forms[stop : spans[i + 1][0] if i + 1 < len(spans) else len(forms)]
            things.append(Thing(
                key, " ".join(typed[start:stop]), min(number, MOST_OF_ONE), _colour(before, after),
                typed[start:stop] not in self._raw and may_be_plural(typed[stop - 1]),
            ))  # fmt: skip
        relations = self._relations(forms, spans)
        used = {word for start, stop, _ in spans for word in typed[start:stop]}
        return Asked(
            tuple(things), relations, typed, tuple((start, stop) for start, stop, _ in named),
            {word: meant for word, meant in slips.items() if word in used}, more,
        )  # fmt: skip

    def _slips(self, typed: Sequence[str]) -> dict[str, str]:
        """What words that nobody knows may have meant, where it can be but one."""
        found = {}
        for word in dict.fromkeys(typed):
            form = singular(word)
            if form in self._words or form in self._joined or form in self._no_slips or word in self._no_slips:
                continue
            near = one_slip_away(form, self._alone)
            if len(near) == 1:
                found[word] = near[0]
        return found

    def _spans(self, forms: Sequence[str]) -> list[tuple[int, int, tuple[str, ...]]]:
        """Where names stand, the longest first; one that is written apart or in one word is found too."""
        taken = [False] * len(forms)
        found = []
        for length in range(min(self._longest + 1, len(forms)), 0, -1):
            for start in range(len(forms) - length + 1):
                stop = start + length
                key = self._joined.get("".join(forms[start:stop]))
                if key is None or any(taken[start:stop]) or COMMA in forms[start:stop]:
                    continue
                taken[start:stop] = [True] * length
                found.append((start, stop, key))
        return sorted(found)

    def _counts(self, forms: Sequence[str], spans: Sequence[tuple[int, int, tuple[str, ...]]], i: int) -> bool:
        """Whether what span i names is to be seen, and does not only say something of another thing."""
        start, stop, key = spans[i]
        if key in _SCENES and any(other not in _SCENES for _, _, other in spans):
            return False
        before = forms[spans[i - 1][1] if i else 0 : start]
        if i + 1 < len(spans):
            until = forms[stop : spans[i + 1][0]]
            if not until:
                return False  # an apple tree is a tree, and an orange fish is no orange
            if key in _PICTURES and until[0] == _OF:
                return False
        own = set(before[_clause(before):])
        if own & _NOT_SHOWN or (i and own & _COMPARED):
            return False
        if i and before and before[0] == _OF and spans[i - 1][2] not in _PICTURES:
            return not all(word == _OF or word in ARTICLES or _is_colour(word) for word in before)
        return not (i and len(key) == 1 and _is_colour(key[0]) and tuple(before) == ("in",))

    def _count(self, before: Sequence[str], typed: Sequence[str], key: tuple[str, ...], others: bool) -> int:
        """How many are asked for."""
        named_so = tuple(typed) in self._raw
        for word in reversed(before):
            if word in NUMBERS or word.isdecimal():
                number = NUMBERS.get(word) or min(int(word[:3]), 99)
                paired = named_so and word == "pair"  # of scissors
                return 1 if paired else max(1, number)
            if word in VAGUE and not named_so and may_be_plural(typed[-1]):
                return VAGUE[word]
            if word != _OF and divides(word):
                break
        if named_so or not may_be_plural(typed[-1]):
            return 1
        return SOME if others else SEVERAL

    def _relations(self, forms: Sequence[str], spans: Sequence[tuple[int, int, tuple[str, ...]]]) -> tuple[str, ...]:
        """How each thing stands to the next: the last word between them that says so."""
        found = []
        lead = _last_relation(forms[: spans[0][0]])
        for (_, stop, _), (start, _, key) in pairwise(spans):
            relation = _by_sides(forms[stop:start]) or _last_relation(forms[stop:start])
            if lead not in ("", BESIDE) and relation in ("", BESIDE):
                relation = _TURNED.get(lead, relation)  # "under a rainbow, a boat"
            if " ".join(key) in HATS and (relation == IN or (relation == BESIDE and "with" in forms[stop:start])):
                relation = WEARING
            elif relation == ON and key == ("fire",):
                relation = BEHIND
            found.append(relation or BESIDE)
            lead = ""
        return tuple(found)


_TURNED = {ABOVE: BELOW, BELOW: ABOVE, BEFORE: BEHIND, BEHIND: BEFORE, LEFT: RIGHT, RIGHT: LEFT}


# "on the left", said of a thing: how it then stands to another
_SIDES = {"left": LEFT, "right": RIGHT, "top": ABOVE, "bottom": BELOW}


def _by_sides(between: Sequence[str]) -> str:
    """The relation of two things of which one is said to be on a side: "on the right and a dog"; "" for none."""
    divided = next((i for i, word in enumerate(between) if word in (COMMA, "and")), len(between))
    for i, word in enumerate(between):
        said = i > 0 and between[i - 1] in ("the", "on", "at") and between[i + 1 : i + 2] != (_OF,)
        if word in _SIDES and said:
            return _SIDES[word] if i < divided else _TURNED[_SIDES[word]]
    return ""


def _last_relation(between: Sequence[str]) -> str:
    for stop in range(len(between), 0, -1):
        for length in range(min(_LONGEST_RELATION, stop), 0, -1):
            relation = RELATIONS.get(tuple(between[stop - length : stop]))
            if relation:
                return relation
    return ""


def _clause(before: Sequence[str]) -> int:
    """Where what belongs to the next thing begins: behind the last comma or "and"."""
    return max((i + 1 for i, word in enumerate(before) if word in (COMMA, "and")), default=0)


def _is_colour(word: str) -> bool:
    return word in COLOURS or word in OTHER_COLOURS


def _colour(before: Sequence[str], after: Sequence[str]) -> str:
    """The colour word right before a thing, but for other words of it, or "in red" right behind it; "" for none."""
    for word in reversed(before):
        if _is_colour(word):
            return OTHER_COLOURS.get(word, word)
        if divides(word) or word in GROUNDS:
            break
    if len(after) > 1 and after[0] == "in" and _is_colour(after[1]) and after[2:3] in ((), (COMMA,), ("and",)):
        return OTHER_COLOURS.get(after[1], after[1])
    return ""
