"""Prompts that plain reading cannot take: words of different weight, more of them than fit, and words from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import Fragment, fragments, word_pattern

_LONGEST = 20_000  # characters: a pasted novel is refused before it costs time
MOST_CHUNKS = 12  # of 75 tokens; the network attends to all of them in every step
_MARKS = 3  # ids of ours after the vocabulary: start, end, padding; the vectors of words from files come after them
_STAND_IN = 0  # the id that stands where such a vector is put


def read_parts(prompt: str) -> tuple[Fragment, ...]:
    """The prompt's stretches of one weight each. Raises `UserError` for a prompt that is no prompt."""
    if len(prompt) > _LONGEST:
        raise UserError(f"The prompt is too long: it has {len(prompt)} characters, and at most {_LONGEST} are read.")
    return fragments(prompt.encode("utf-8", "replace").decode("utf-8"))


@dataclass(frozen=True, eq=False)
class TextReader:
    """A CLIP tokenizer and the text network that reads its tokens.

    `penultimate`: what a prompt becomes is the last layer but one, as it is (SDXL), not the last one, normalized.
    `words` are those that stand for vectors of their own, (n, D) each.
    """

    tokenizer: Any  # CLIPTokenizer
    network: Any  # CLIPTextModel or CLIPTextModelWithProjection
    penultimate: bool = False
    words: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many tokens the network takes at once, with those that mark start and end."""
        return int(min(self.tokenizer.model_max_length, self.network.config.max_position_embeddings))

    def read(self, parts: Sequence[Fragment], pooled: bool = False) -> tuple[Tensor, Tensor | None]:
        """(1, n x `length`, D) float32, and (1, P) float32 if it is to be `pooled`: the prompt in one vector.

        A prompt that fits and has neither weights nor words from files is what the tokenizer and the network make of
        it. Otherwise the weights are compel's: above 1 a token moves away from the empty prompt's, below 1 the whole
        prompt moves towards the one without it; long prompts are read in chunks that end between phrases, each as if it
        stood alone. The one vector is of the first chunk, and weights do not count in it.
        Raises `UserError` for more than `MOST_CHUNKS` times what fits.
        """
        tokens = _Tokens(self)
        parts = [part for part in parts if tokens.spell(part.text)]
        if len(parts) < 2 and all(part.weight == 1 for part in parts):
            text = parts[0].text if parts else ""
            if not tokens.vectors_in(text) and len(tokens.spell(text)) <= self.length - 2:
                return self._plainly(text, pooled)
        count = sum(len(tokens.spell(part.text)) for part in parts)
        most = MOST_CHUNKS * (self.length - 2)
        if count > most:
            raise UserError(f"The prompt is too long: it has {count} tokens, and at most {most} are read.")
        return self._weighed(parts, tokens), self._first_chunk(parts, tokens) if pooled else None

    def _plainly(self, text: str, pooled: bool) -> tuple[Tensor, Tensor | None]:
        tokens = self.tokenizer(
            text, padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        ids = tokens.input_ids.to(self.network.device)
        attend = tokens.attention_mask.to(ids) if self._masks_padding else None
        out = self.network(ids, attention_mask=attend, **self._options)
        return self._layer(out), out.text_embeds.float() if pooled else None

    def _weighed(self, parts: Sequence[Fragment], tokens: _Tokens) -> Tensor:
        # Imported here: with it come all pipelines.
        from compel.embeddings_provider import (  # type: ignore[import-untyped]
            EmbeddingsProvider,
            SplitLongTextMode,
        )

        provider = EmbeddingsProvider(
            tokens, _Bridge(self, tokens), truncate=False, padding_attention_mask_value=0 if self._masks_padding else 1,
            split_long_text_mode=SplitLongTextMode.PHRASES | SplitLongTextMode.COPY_FIRST_CLS_TOKEN,
        )  # fmt: skip
        text = provider.get_embeddings_for_weighted_prompt_fragments(
            [[part.text for part in parts]], [[part.weight for part in parts]], device=self.network.device
        )
        assert isinstance(text, Tensor)
        return text

    def _first_chunk(self, parts: Sequence[Fragment], tokens: _Tokens) -> Tensor:
        """The first chunk in one vector, (1, P) float32."""
        ids = [token for part in parts for token in tokens.spell(part.text)][: self.length - 2]
        padding = [tokens.pad_token_id] * (self.length - 2 - len(ids))
        whole = torch.tensor([[tokens.bos_token_id, *ids, tokens.eos_token_id, *padding]])
        attend = (whole != tokens.pad_token_id).long() if self._masks_padding else None
        embeds = _Bridge(self, tokens).run(whole, attend).text_embeds
        assert isinstance(embeds, Tensor)
        return embeds.float()

    @property
    def _options(self) -> dict[str, bool]:
        return {"output_hidden_states": True} if self.penultimate else {}

    def _layer(self, out: Any) -> Tensor:
        """Of the network's answer the layer that the denoiser was trained with, as float32."""
        layer = out.hidden_states[-2] if self.penultimate else out.last_hidden_state
        assert isinstance(layer, Tensor)
        return layer.float()

    @property
    def _masks_padding(self) -> bool:
        return bool(getattr(self.network.config, "use_attention_mask", False))

    def _spell(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


class _Tokens:
    """What compel asks of a tokenizer, in ids of ours where theirs can be mistaken for each other.

    Many a tokenizer pads with a token that also ends the text, or with "!", and compel looks for places by token.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._pattern = word_pattern(reader.words)
        vocabulary = int(reader.network.config.vocab_size)
        self.bos_token_id, self.eos_token_id, self.pad_token_id = range(vocabulary, vocabulary + _MARKS)
        self.model_max_length = reader.length
        self.vectors: list[Tensor] = []
        self._ids: dict[str, list[int]] = {}
        for word, vectors in reader.words.items():
            first = vocabulary + _MARKS + len(self.vectors)
            self._ids[word.lower()] = list(range(first, first + len(vectors)))
            self.vectors.extend(vectors)

    def __call__(self, texts: list[str], **_options: object) -> dict[str, list[list[int]]]:
        return {"input_ids": [self.spell(text) for text in texts]}

    def spell(self, text: str) -> list[int]:
        """The tokens of a text, a word from a file as one for each of its vectors."""
        ids, at = [], 0
        for match in self._pattern.finditer(text):
            ids += self._reader._spell(text[at : match.start()]) + self._ids[match[1].lower()]
            at = match.end()
        return ids + self._reader._spell(text[at:])

    def vectors_in(self, text: str) -> bool:
        """Whether a word from a file stands in it."""
        return self._pattern.search(text) is not None

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        known = self.bos_token_id
        return [self._reader.tokenizer.convert_ids_to_tokens(each) if each < known else "" for each in ids]


class _Bridge:
    """What compel asks of a text network: it gives the layer that the checkpoint wants, whatever transformers calls it,
    and puts the vectors of words from files where they belong."""

    def __init__(self, reader: TextReader, tokens: _Tokens) -> None:
        self._reader, self._tokens = reader, tokens
        self.device, self.dtype = reader.network.device, torch.float32

    def __call__(self, ids: Tensor, mask: Tensor | None, **_options: object) -> SimpleNamespace:
        out = self.run(ids, None if mask is None or bool(mask.all()) else mask)
        return SimpleNamespace(last_hidden_state=self._reader._layer(out))

    def run(self, ids: Tensor, mask: Tensor | None) -> Any:
        """The network's answer to ids of ours."""
        network, tokens = self._reader.network, self._tokens
        ids, first = ids.to(network.device), tokens.bos_token_id
        theirs = self._reader.tokenizer
        marks = (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id)
        real = torch.where(ids < first + _MARKS, ids, _STAND_IN)
        for ours, mark in enumerate(marks):
            real = torch.where(ids == first + ours, mark, real)
        options = self._reader._options | {"attention_mask": None if mask is None else mask.to(network.device)}
        own = ids >= first + _MARKS
        if not bool(own.any()):
            return network(real, **options)
        vectors = torch.stack(tokens.vectors)
        chosen = vectors.to(network.device)[(ids - first - _MARKS).clamp(min=0)]

        def put(_module: object, _given: object, embedded: Tensor) -> Tensor:
            return torch.where(own[..., None], chosen.to(embedded), embedded)

        hook = network.get_input_embeddings().register_forward_hook(put)
        try:
            return network(real, **options)
        finally:
            hook.remove()

