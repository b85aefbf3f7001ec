"""The bundled model's tokenizer and text transformer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paintdiff.engine.bundled.text import PAD, START, TextTransformer, Tokenizer
from paintdiff.training.vocabulary import learn_vocabulary, own_words


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    learn_vocabulary(own_words(), size=800).save(str(path))
    return Tokenizer.from_file(path)


def test_a_prompt_starts_with_the_start_token_and_is_padded(tokenizer: Tokenizer) -> None:
    (row,) = tokenizer.encode(["red apple"])
    assert row[0] == START
    assert (row[1:3] > START).all()
    assert (row[3:] == PAD).all()


def test_the_empty_prompt_is_the_start_token_alone(tokenizer: Tokenizer) -> None:
    rows = tokenizer.encode(["", "   \n\t "])
    assert rows.tolist() == [[START] + [PAD] * (tokenizer.length - 1)] * 2


def test_case_and_spaces_do_not_matter(tokenizer: Tokenizer) -> None:
    plain, loud = tokenizer.encode(["a red apple", "  A  RED\nApple "])
    assert torch.equal(plain, loud)


@pytest.mark.parametrize(
    "prompt",
    ["🍎🏽🚀🇫🇷", "תפוח אדום", "تفاحة حمراء", "苹果", "\ud800 half a pair", "\x00\x07", "apple " * 2000, "x" * 10_000],
)
def test_unusual_prompts_have_tokens_and_the_fixed_length(tokenizer: Tokenizer, prompt: str) -> None:
    (row,) = tokenizer.encode([prompt])
    assert row.shape == (tokenizer.length,)
    assert row[0] == START
    assert row[1] > START
    assert row.max() < tokenizer.vocabulary_size


@settings(max_examples=60, deadline=None)
@given(prompt=st.text(st.characters(), max_size=60))
def test_no_text_fails(tokenizer: Tokenizer, prompt: str) -> None:
    (row,) = tokenizer.encode([prompt])
    assert row.min() >= 0
    assert row.max() < tokenizer.vocabulary_size


def test_a_damaged_tokenizer_file_is_named_in_the_error(tmp_path: Path) -> None:
    broken = tmp_path / "tokenizer.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Tokenizer.from_file(broken)


def test_padding_does_not_change_what_a_word_means() -> None:
    torch.manual_seed(0)
    text = TextTransformer(vocabulary=10, length=6, width=16, depth=2, heads=2)
    short = text(torch.tensor([[1, 5, 7]]))
    long = text(torch.tensor([[1, 5, 7, PAD, PAD, PAD]]))
    torch.testing.assert_close(short, long[:, :3])
