"""Which files a request names: LoRAs by the tags in its prompt, embeddings by their words, any add-on by its name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from paintdiff.generation.add_ons import AddOns, Lora, Word
from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import LoraTag, split_tags, word_pattern
from paintdiff.generation.request import Request
from paintdiff.generation.sampling import Sampling
from paintdiff.models.add_on import AddOnCard
from paintdiff.models.catalogue import find_add_on, scan_add_ons
from paintdiff.models.families import Part

TEXTS = ("prompt", "negative", "then", "source")
LASTS = 20.0  # seconds that a look for embeddings is good for


class PromptNames:
    """Finds what requests name in the user's folders and the hub's cache; `scan` looks there."""

    def __init__(self, scan: Callable[[], Iterable[AddOnCard]] = scan_add_ons) -> None:
        self._scan = scan
        self._embeddings: list[AddOnCard] = []
        self._looked = -LASTS

    def settled(self, request: Request, words: bool) -> Request:
        """The request with files in place of names, and without tags in its prompts.

        A tag counts in place of what the request says of the same LoRA elsewhere. With `words`, embeddings are looked
        for that its prompts name. Raises `UserError` for a name that nothing has, and for a tag outside the prompt: a
        LoRA works on the whole run.
        """
        sampling, tags = _without_tags(request.sampling)
        loras = [replace(each, file=_found(each.file, Part.LORA)) for each in request.add_ons.loras]
        tagged = [_tagged(tag) for tag in tags]
        files = {each.file for each in tagged}
        add_ons = replace(
            request.add_ons, loras=_added([each for each in loras if each.file not in files], tagged),
            vae=_found(request.add_ons.vae, Part.VAE),
            words=self._words(sampling, request.add_ons) if words else request.add_ons.words,
        )  # fmt: skip
        return replace(request, sampling=sampling, add_ons=add_ons)

    def _words(self, sampling: Sampling, add_ons: AddOns) -> tuple[Word, ...]:
        """The words of the prompts that stand for vectors: those that were said, and those that a file is called."""
        text = "\n".join(getattr(sampling, name) for name in TEXTS)
        said = [each for each in add_ons.words if word_pattern([each.word]).search(text)]
        known = {each.word.lower() for each in said}
        there: dict[str, AddOnCard] = {}
        for card in self._cards() if text.strip() else ():
            lowered = card.name.lower()
            if lowered not in known and (lowered not in there or there[lowered].problem):
                there[lowered] = card
        found = {match[1].lower(): there[match[1].lower()] for match in word_pattern(there).finditer(text)}
        for card in found.values():
            if card.problem:
                raise UserError(card.problem)
        return (*said, *(Word(card.name, _found(card.source, Part.EMBEDDING)) for card in found.values()))

    def _cards(self) -> list[AddOnCard]:
        if time.monotonic() - self._looked >= LASTS:
            self._embeddings = [card for card in self._scan() if card.part is Part.EMBEDDING]
            self._looked = time.monotonic()
        return self._embeddings


def _without_tags(sampling: Sampling) -> tuple[Sampling, tuple[LoraTag, ...]]:
    """The sampling with plain prompts, and the tags of the first; another may repeat them but add none."""
    text, tags = split_tags(sampling.prompt)
    plain: dict[str, Any] = {"prompt": text}
    for name in TEXTS[1:]:
        plain[name], more = split_tags(getattr(sampling, name))
        if not set(more) <= set(tags):
            raise UserError("A LoRA works on the whole run: put its tag into the first prompt.")
    return (replace(sampling, **plain), tags) if tags else (sampling, ())


def _tagged(tag: LoraTag) -> Lora:
    return Lora(_found(tag.name, Part.LORA), tag.weight)


def _added(loras: Iterable[Lora], tagged: Iterable[Lora]) -> tuple[Lora, ...]:
    """All of them, a file that is named twice with the sum of its weights."""
    together: dict[str, Lora] = {}
    for each in (*loras, *tagged):
        before = together.get(each.file)
        together[each.file] = each if before is None else replace(each, weight=before.weight + each.weight)
    return tuple(together.values())


def _found(name: str, part: Part) -> str:
    """The file or folder that `name` stands for; a whole path is itself, there or not."""
    if not name or Path(name).is_absolute():
        return name
    return str(find_add_on(name, part).absolute())
