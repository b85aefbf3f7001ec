"""What painters write into prompts besides words: tags that name LoRAs, and brackets that weigh words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from paintdiff.generation.errors import UserError

STRONGER = 1.1  # what one pair of ( ) multiplies a weight with, and [ ] divides it by
MOST_WEIGHT = 10.0
_TAG = re.compile(r"<(\w+):([^<>]*)>")
_LORA_TAGS = ("lora", "lyco")
_OTHER_TAGS = ("hypernet", "controlnet", "ti")
_ESCAPED = re.compile(r"\\([()\[\]\\])")
_TOKEN = re.compile(r"\\[()\[\]\\]|[()\[\]]|[^\\()\[\]]+|\\")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_WEIGHT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$")


@dataclass(frozen=True)
class LoraTag:
    """`<lora:name:0.8>`"""

    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Fragment:
    """A stretch of a prompt and how strongly it counts, 1 where nothing was said."""

    text: str
    weight: float = 1.0


def split_tags(prompt: str) -> tuple[str, tuple[LoraTag, ...]]:
    """The prompt without its LoRA tags, and the tags; a prompt without any stays as it is.

    The form is A1111's, `<lora:name:0.8>`; without a number the weight is 1. Raises `UserError` for a tag that says
    something else, and for the tags of networks that are no LoRAs.
    """
    tags = []
    for match in _TAG.finditer(prompt):
        kind = match[1].lower()
        if kind in _LORA_TAGS:
            tags.append(_lora_tag(match))
        elif kind in _OTHER_TAGS:
            raise UserError(f"{match[0]} in the prompt is not known here; only <lora:name:weight> is. Take it out.")
    if not tags:
        return prompt, ()
    text = _TAG.sub(lambda match: "" if match[1].lower() in _LORA_TAGS else match[0], prompt)
    text = re.sub(r"\s*,(\s*,)*", ",", text)  # what stood between commas leaves one of them
    return re.sub(r"[ \t]{2,}", " ", text).strip(" \t,"), tuple(tags)


def _lora_tag(match: re.Match[str]) -> LoraTag:
    name, *numbers = (part.strip() for part in match[2].split(":"))
    try:
        (weight,) = map(float, numbers) if numbers else (1.0,)
    except ValueError:
        weight = math.nan
    if not name or not math.isfinite(weight):
        raise UserError(f"{match[0]} in the prompt is no LoRA with a weight: write <lora:name:0.8>.")
    return LoraTag(name, weight)


def fragments(prompt: str) -> tuple[Fragment, ...]:
    r"""The prompt in stretches of one weight each; together, without the brackets that weigh, they are its text.

    `(words)` counts 1.1 times as much, `[words]` 1 / 1.1 times, `(words:1.3)` 1.3 times; brackets nest, and `\(`, `\)`,
    `\[`, `\]` and `\\` are the characters themselves. A bracket without a partner is a character too. Raises
    `UserError` for a weight beyond `MOST_WEIGHT`.
    """
    pieces = _TOKEN.findall(prompt)
    partner = _partners(pieces)
    stretches: list[Fragment] = []
    for text, weight in _weighed(pieces, partner):
        if abs(weight) > MOST_WEIGHT:
            raise UserError(f"The weight {weight:g} in the prompt is too much: at most {MOST_WEIGHT:g}.")
        if stretches and stretches[-1].weight == weight:
            stretches[-1] = Fragment(stretches[-1].text + text, weight)
        elif text:
            stretches.append(Fragment(text, weight))
    return tuple(stretches)


def chunks(parts: Sequence[Fragment]) -> tuple[tuple[Fragment, ...], ...]:
    """The stretches between one BREAK and the next, each to be read on its own; all of them where there is none."""
    found: list[list[Fragment]] = [[]]
    for part in parts:
        first, *others = _BREAK.split(part.text)
        for i, text in enumerate((first, *others)):
            if i > 0:
                found.append([])
            if text:
                found[-1].append(Fragment(text, part.weight))
    return tuple(tuple(each) for each in found if each) or ((),)


def unheard(prompts: Iterable[str], weights: bool, breaks: bool) -> tuple[str, ...]:
    """Sentences on what of the prompts a model does not hear, which may read no `weights` of words or no `breaks`."""
    texts = tuple(prompts)
    found = []
    if not weights and any(part.weight != 1 for text in texts for part in fragments(text)):
        found.append("This model reads every word at the same weight: the brackets in the prompt count for nothing.")
    if not breaks and any(_BREAK.search(text) for text in texts):
        found.append("This model reads a prompt in one piece: BREAK counts for nothing.")
    return tuple(found)


def words_alone(parts: Sequence[Fragment]) -> str:
    """The text without its weights, for what reads none; BREAK is but a space."""
    return _BREAK.sub(" ", "".join(part.text for part in parts))


def _partners(pieces: list[str]) -> dict[int, int]:
    """Where the bracket that opens at i closes, and the other way round."""
    closes = {"(": ")", "[": "]"}
    waiting: list[int] = []
    partner: dict[int, int] = {}
    for i, piece in enumerate(pieces):
        if piece in closes:
            waiting.append(i)
        elif piece in (")", "]"):
            opened = next((j for j in reversed(waiting) if closes[pieces[j]] == piece), None)
            if opened is not None:
                partner[opened], partner[i] = i, opened
                del waiting[waiting.index(opened):]  # what was opened within has no partner
    return partner


def _weighed(pieces: list[str], partner: dict[int, int]) -> Iterator[tuple[str, float]]:
    """Each piece of text with its weight, brackets that weigh left out."""
    factors = [1.0]
    for i, piece in enumerate(pieces):
        if i not in partner:
            # "word:1.3" right before its bracket: the number is the bracket's
            said = _WEIGHT.search(piece) if pieces[i + 1 : i + 2] == [")"] and i + 1 in partner else None
            text = piece[: said.start()] if said else piece
            yield _ESCAPED.sub(r"\1", text), round(math.prod(factors), 6)
        elif partner[i] < i:
            factors.pop()
        elif piece == "[":
            factors.append(1 / STRONGER)
        else:
            said = _WEIGHT.search(pieces[partner[i] - 1])
            factors.append(float(said[1]) if said and partner[i] - 1 > i else STRONGER)


def word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """What finds any of `words` in a text, whole and in any case, the longer before the shorter; group 1 is the word.

    ComfyUI's `embedding:word` is understood too. Without words nothing is found.
    """
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:embedding:)?({either})(?!\w)" if either else r"(?!)()", re.IGNORECASE)
