"""Prompts that say one thing after another or several at once, in the words of A1111: [a:b:0.5], [a|b], AND."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import MOST_WEIGHT

_NUMBER = r"[+-]?(?:\d{1,9}\.?\d*|\.\d+)"
_WHEN = re.compile(rf"\s*({_NUMBER})\s*")
_AND = re.compile(r"\bAND\b")
_WEIGHT = re.compile(rf":\s*({_NUMBER})\s*$")
_TOKEN = re.compile(r"\\.|[\[\]()|:]|[^\\\[\]()|:]+|\\", re.DOTALL)
DEEPEST = 32  # brackets in brackets; what lies deeper is words
MOST_AT_ONCE = 8  # each costs as much as a whole run
_CLOSES = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class Part:
    """One of the prompts that rule together, and how strongly it does."""

    text: str
    weight: float = 1.0


def over_steps(prompt: str, steps: int) -> tuple[str, ...]:
    """What the prompt says in each of so many steps, one text a step, without the brackets that change it on the way.

    `[a:b:0.3]` says a in the first 30 % of the steps and b after them, `[b:0.3]` nothing before, `[a::0.3]` nothing
    after; a number from 1 up without a point counts steps. `[a|b|c]` says each of them in turn, step by step. They
    nest; `\\[`, `\\:` and `\\|` are the characters themselves, and `[word]` stays, which only weighs.
    """
    if "]" not in prompt:
        return (prompt,) * steps
    words = _Words(_TOKEN.findall(prompt))
    return tuple(words.said(0, len(words.tokens), step, steps) for step in range(steps))


def together(text: str) -> tuple[Part, ...]:
    """The prompts that AND joins, `a AND b:0.5`, with their weights. Raises `UserError` for too many, or no weight."""
    found = []
    for each in _AND.split(text):
        said = _WEIGHT.search(each)
        inside = said is not None and _depth(each[: said.start()]) > 0  # the number is that of a bracket
        weight = float(said[1]) if said and not inside else 1.0
        found.append(Part((each[: said.start()] if said and not inside else each).strip(), weight))
    if len(found) == 1:
        return (Part(text),)  # which may end in a number of its own
    heaviest = max(abs(part.weight) for part in found)
    if heaviest > MOST_WEIGHT:
        raise UserError(f"The weight {heaviest:g} behind AND is too much: at most {MOST_WEIGHT:g}.")
    if len(found) > MOST_AT_ONCE:
        raise UserError(f"AND joins {len(found)} prompts, and at most {MOST_AT_ONCE} can rule together.")
    if math.isclose(sum(part.weight for part in found), 0, abs_tol=1e-3):
        raise UserError("The weights of the prompts that AND joins add up to nothing.")
    return tuple(part for part in found if part.weight != 0)


class _Words:
    """A prompt in pieces: brackets, marks, and what stands between them."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self._end = _ends(tokens)

    def said(self, first: int, last: int, step: int, steps: int, depth: int = 0) -> str:
        """The pieces from `first` up to `last` as they are in one step."""
        out, i = [], first
        while i < last:
            end = self._end.get(i, last)
            if self.tokens[i] != "[" or end >= last or depth == DEEPEST:
                out.append(self.tokens[i])
                i += 1
                continue
            start, stop, weighs = self._chosen(i + 1, end, step, steps)
            inside = self.said(start, stop, step, steps, depth + 1)
            out.append(f"[{inside}]" if weighs else inside)
            i = end + 1
        return "".join(out)

    def _chosen(self, first: int, last: int, step: int, steps: int) -> tuple[int, int, bool]:
        """Which pieces of a bracket count in one step, and whether it is one that only weighs."""
        turns = self._split(first, last, "|")
        if len(turns) > 1:
            return *turns[step % len(turns)], False
        *texts, (start, stop) = self._split(first, last, ":")
        when = _WHEN.fullmatch("".join(self.tokens[start:stop]))
        if when is None or not 1 <= len(texts) <= 2:
            return first, last, True
        number = float(when[1])
        switch = int(number * steps) if number < 1 or "." in when[1] else int(number)
        before, after = texts if len(texts) == 2 else ((first, first), texts[0])
        return *(before if step < switch else after), False

    def _split(self, first: int, last: int, mark: str) -> list[tuple[int, int]]:
        """Where the pieces between marks that stand in no further bracket begin and end."""
        pieces, start, i = [], first, first
        while i < last:
            if self.tokens[i] == mark:
                pieces.append((start, i))
                start = i + 1
            i = self._end.get(i, i) + 1
        return [*pieces, (start, last)]


def _ends(tokens: list[str]) -> dict[int, int]:
    """Where the bracket that opens at i closes; what has no partner is left out."""
    waiting: list[int] = []
    ends: dict[int, int] = {}
    for i, token in enumerate(tokens):
        if token in _CLOSES:
            waiting.append(i)
        elif waiting and token == _CLOSES[tokens[waiting[-1]]]:
            ends[waiting.pop()] = i
    return ends


def _depth(text: str) -> int:
    """How many brackets are open at the end."""
    plain = re.sub(r"\\.", "", text)
    return sum(plain.count(mark) for mark in _CLOSES) - sum(plain.count(mark) for mark in _CLOSES.values())
