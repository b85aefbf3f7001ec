"""CLIP's tokenizer from the vocabulary that ships with PaintDiff, for checkpoints that bring none along."""

from __future__ import annotations

from typing import Any

from paintdiff.resource_files import resource

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
# What fills the rest of a prompt up: OpenAI's encoders were trained with one, OpenCLIP's with the other.
OPENAI_PAD, OPENCLIP_PAD = END, "!"


def clip_tokenizer(pad: str = OPENAI_PAD) -> Any:
    """The CLIPTokenizer of every Stable Diffusion model, padding with `pad`. Raises OSError without the file."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    lines = resource("clip", "merges.txt").read_text(encoding="utf-8").splitlines()
    merges: Any = [(left, right) for left, _, right in (line.partition(" ") for line in lines)]
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(
        vocab=vocabulary, merges=merges, model_max_length=LENGTH, bos_token=START, eos_token=END, unk_token=END,
        pad_token=pad,
    )  # fmt: skip
