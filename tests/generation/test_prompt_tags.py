"""Tags and brackets in prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_tags import Fragment, LoraTag, fragments, split_tags, word_pattern


@pytest.mark.parametrize(
    ("prompt", "text", "tags"),
    [
        ("a cat", "a cat", ()),
        ("a cat <lora:ink:0.8>", "a cat", (LoraTag("ink", 0.8),)),
        ("<lora:ink>, a cat", "a cat", (LoraTag("ink", 1.0),)),
        ("a cat, <lora:ink:-.5>, at night", "a cat, at night", (LoraTag("ink", -0.5),)),
        ("a <LoRA:My Style v2: 1 > cat <lyco:b:0.25>", "a cat", (LoraTag("My Style v2", 1.0), LoraTag("b", 0.25))),
        ("a <3 > b, <i>x</i>, <b:c>", "a <3 > b, <i>x</i>, <b:c>", ()),
        ("two  spaces , ,stay", "two  spaces , ,stay", ()),
    ],
)
def test_tags_are_read_and_taken_out_of_the_text(prompt, text, tags) -> None:
    assert split_tags(prompt) == (text, tags)


@pytest.mark.parametrize("prompt", ["<lora:ink:much>", "<lora::1>", "<lora:ink:nan>", "<lora:ink:1:0.5>", "<lora:>"])
def test_a_tag_that_says_something_else_is_refused_with_its_words(prompt) -> None:
    with pytest.raises(UserError, match=r"write <lora:name:0\.8>"):
        split_tags(f"a cat {prompt}")


def test_the_tag_of_another_kind_of_network_is_refused() -> None:
    with pytest.raises(UserError, match="<hypernet:x:1>"):
        split_tags("a cat <hypernet:x:1>")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red cat", [("a red cat", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("a ((red)) cat", [("a ", 1.0), ("red", 1.21), (" cat", 1.0)]),
        ("a [red] cat", [("a ", 1.0), ("red", 0.909091), (" cat", 1.0)]),
        ("a (red:1.3) cat", [("a ", 1.0), ("red", 1.3), (" cat", 1.0)]),
        ("(a (red:1.5) cat:0.5)", [("a ", 0.5), ("red", 0.75), (" cat", 0.5)]),
        ("(red: .5 )(blue:-1)", [("red", 0.5), ("blue", -1.0)]),
        ("[(red)]", [("red", 1.0)]),
        (r"a \(red\) cat", [("a (red) cat", 1.0)]),
        (r"(a \[b\]:1.2)", [("a [b]", 1.2)]),
        (r"back\\slash \n", [("back\\slash \\n", 1.0)]),
        ("a cat :( and )", [("a cat :", 1.0), (" and ", 1.1)]),
        ("smile :( sad", [("smile :( sad", 1.0)]),
        ("(open [more", [("(open [more", 1.0)]),
        ("12:30 (at noon)", [("12:30 ", 1.0), ("at noon", 1.1)]),
        ("a:1.2", [("a:1.2", 1.0)]),
        ("", []),
        ("()", []),
        ("(:1.2)", []),
    ],
)
def test_brackets_weigh_what_they_hold(prompt, expected) -> None:
    assert fragments(prompt) == tuple(Fragment(*each) for each in expected)


def test_a_weight_beyond_all_measure_is_refused() -> None:
    with pytest.raises(UserError, match="1000"):
        fragments("(red:1000)")


@given(st.text(alphabet="ab ()[]\\:.1", max_size=30))
def test_any_text_is_read_and_keeps_its_letters(prompt) -> None:
    try:
        read = fragments(prompt)
    except UserError:
        return
    letters = [letter for letter in prompt if letter in "ab"]
    assert [letter for each in read for letter in each.text if letter in "ab"] == letters


@given(st.text(max_size=40))
def test_escaped_text_is_read_as_it_was(text) -> None:
    escaped = "".join(f"\\{letter}" if letter in "()[]\\" else letter for letter in text)
    assert fragments(escaped) == ((Fragment(text),) if text else ())


@given(st.text(alphabet="ab ,", max_size=30))
def test_a_prompt_without_tags_stays_as_it_is(prompt) -> None:
    assert split_tags(prompt) == (prompt, ())


def test_words_are_found_whole_and_in_any_case_the_longer_before_the_shorter() -> None:
    pattern = word_pattern(["bad-hands", "bad-hands-5", "CAT"])
    text = "a Cat, category, embedding:bad-hands-5 and (bad-hands)"
    assert [match[1] for match in pattern.finditer(text)] == ["Cat", "bad-hands-5", "bad-hands"]
    assert pattern.sub("X", text) == "a X, category, X and (X)"
    assert not word_pattern([]).search(text)
