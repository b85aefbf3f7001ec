"""The bundled model's vocabulary: byte-level BPE learnt from the names and keywords of the picture sets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from paintdiff.engine.bundled import colours
from paintdiff.training import shapes


def learn_vocabulary(texts: Iterable[str], size: int = 4096) -> tokenizers.Tokenizer:
    """At most `size` tokens; 0 pads and 1 starts a prompt. Every byte is a token, so that no text is unknown."""
    bpe = tokenizers.Tokenizer(models.BPE())
    bpe.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=True)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "<start>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return bpe


def corpus(modules: Path) -> Iterator[str]:
    """All labels and keywords of the packages, not only of the nouns chosen today: the vocabulary outlives them."""
    for entry in json.loads((modules / "emojibase-data/en/data.json").read_text(encoding="utf-8")):
        yield from [entry["label"]] * 8
        yield from entry.get("tags", ())
    keywords = json.loads((modules / "emojilib/dist/emoji-en-US.json").read_text(encoding="utf-8"))
    for words in keywords.values():
        yield from (word.replace("_", " ") for word in words)
    yield from own_words()


def own_words() -> Iterator[str]:
    """The words of drawn shapes, colours and backgrounds, often enough to become single tokens."""
    names = " ".join([*shapes.SHAPES, *colours.HUED, "black white grey turquoise"])
    ground = "background stripes checks blue sky with clouds sunset night green hills desert under a an the on"
    yield from [f"{names} {ground} flat simple glossy 3d"] * 50
