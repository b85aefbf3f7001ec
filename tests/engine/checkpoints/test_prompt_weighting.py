"""Weighted and long prompts: as compel reads them in diffusers, and plain ones as before."""

from dataclasses import replace

import pytest
import torch
from compel import Compel, ReturnedEmbeddingsType
from compel.embeddings_provider import SplitLongTextMode
from torch import Tensor

from paintdiff.engine.checkpoints.clip_text import ClipText
from paintdiff.engine.checkpoints.prompt_weighting import MOST_CHUNKS, TextReader
from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import fragments
from tests.tiny_checkpoints import tiny_text_encoder, tiny_tokenizer

LONG = "red car, " * 40
TOKENS = 75


@pytest.fixture(scope="module")
def text() -> ClipText:
    return ClipText((TextReader(tiny_tokenizer(), tiny_text_encoder().eval()),))


def compels(text: ClipText, prompt: str, kind=ReturnedEmbeddingsType.LAST_HIDDEN_STATES_NORMALIZED) -> Tensor:
    """What compel itself makes of a prompt in its own language."""
    compel = Compel(
        text.readers[0].tokenizer, text.readers[0].network, truncate_long_prompts=False, returned_embeddings_type=kind,
        split_long_text_mode=SplitLongTextMode.PHRASES | SplitLongTextMode.COPY_FIRST_CLS_TOKEN,
    )  # fmt: skip
    with torch.no_grad():
        return compel(prompt)


def plainly(text: ClipText, prompt: str) -> Tensor:
    """What the tokenizer and the network make of a prompt, and nothing else."""
    (reader,) = text.readers
    tokens = reader.tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return reader.network(tokens.input_ids).last_hidden_state


@pytest.mark.parametrize("prompt", ["", "a red apple", "smile :( or 12:30", "a" * 75])
def test_a_plain_prompt_is_read_as_it_always_was(text, prompt) -> None:
    assert torch.equal(text(prompt).text, plainly(text, prompt))


def test_escaped_brackets_are_read_as_brackets(text) -> None:
    assert torch.equal(text(r"a \(red\) \[apple\]").text, plainly(text, "a (red) [apple]"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a (red:1.3) apple", "a (red)1.3 apple"),
        ("a (red) apple", "a (red)1.1 apple"),
        ("a (red:0.5) apple", "a (red)0.5 apple"),
        ("(a (red:0.5) apple:1.4)", "(a (red)0.5 apple)1.4"),
        (LONG, LONG),
        (f"(blue:1.2), {LONG}", f"(blue)1.2, {LONG}"),
    ],
)
def test_weights_and_long_prompts_are_those_of_compel(text, ours, theirs) -> None:
    read = text(ours)
    expected = compels(text, theirs)
    assert read.text.shape == expected.shape
    assert read.text_mask.shape == read.text.shape[:2]
    torch.testing.assert_close(read.text, expected, rtol=1e-4, atol=1e-4)


def test_the_last_layer_but_one_is_weighed_where_the_checkpoint_wants_it(text) -> None:
    second = replace(text.readers[0], penultimate=True)
    expected = compels(text, "a (red)1.3 apple", ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED)
    with torch.no_grad():
        read, _ = second.read(fragments("a (red:1.3) apple"))
    torch.testing.assert_close(read, expected)
    assert not torch.allclose(expected, text("a (red:1.3) apple").text)


def test_a_weight_moves_the_words_that_it_is_for_and_more_the_stronger_it_is(text) -> None:
    plain = text("a red apple").text
    moves = [float((text(f"a (red:{w}) apple").text - plain).abs().sum()) for w in (0.8, 1.0, 1.1, 1.5)]
    assert moves[1] == 0 < moves[2] < moves[3]
    assert moves[0] > 0


@pytest.mark.parametrize(("count", "chunks"), [(75, 1), (76, 2), (150, 2), (151, 3)])
def test_a_prompt_takes_as_many_chunks_as_it_needs(text, count, chunks) -> None:
    assert text("q" * count).text.shape == (1, 77 * chunks, 12)


def test_a_prompt_beyond_all_measure_is_refused_in_a_sentence(text) -> None:
    with pytest.raises(UserError, match=f"at most {MOST_CHUNKS * TOKENS} are read"):
        text("q" * (MOST_CHUNKS * TOKENS + 1))
    with pytest.raises(UserError, match="30000 characters"):
        text("q" * 30_000)


@pytest.mark.parametrize(
    "prompt",
    ["(!:0.5)", "!" * 75 + "(!!a:0.5)", "( :1.2)a", "(<|endoftext|>:0.5) x", "(a:0)(b:-1)", "🍎(🍎:0.3)" * 30,
     "(\ud800:2)"],
)
def test_odd_prompts_give_numbers(text, prompt) -> None:
    assert text(prompt).text.isfinite().all()
