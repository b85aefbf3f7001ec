"""A1111's words for prompts that change on the way and that rule together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paintdiff.generation.errors import UserError
from paintdiff.generation.prompt_schedule import Part, over_steps, together


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a [red:blue:0.5] car", ["a red car", "a red car", "a blue car", "a blue car"]),
        ("a [red:blue:1] car", ["a red car", "a blue car", "a blue car", "a blue car"]),
        ("a [red:blue:3] car", ["a red car", "a red car", "a red car", "a blue car"]),
        ("a [red:0.75] car", ["a  car", "a  car", "a  car", "a red car"]),
        ("a [red::0.25] car", ["a red car", "a  car", "a  car", "a  car"]),
        ("a [red|blue] car", ["a red car", "a blue car", "a red car", "a blue car"]),
        ("[a|b|]", ["a", "b", "", "a"]),
        ("[a:[b|c]:0.5]", ["a", "a", "b", "c"]),
        ("[(a:1.2):b:0.5]", ["(a:1.2)", "(a:1.2)", "b", "b"]),
        ("[(a|b):c:1.0]", ["(a|b)"] * 4),
        ("([a:b:.5]:1.3)", ["(a:1.3)", "(a:1.3)", "(b:1.3)", "(b:1.3)"]),
        ("[[a:b:0.5]]", ["[a]", "[a]", "[b]", "[b]"]),
        ("[a:b:0]", ["b"] * 4),
        ("[a:b:9]", ["a"] * 4),
    ],
)
def test_what_a_prompt_says_in_each_step(prompt, said) -> None:
    assert list(over_steps(prompt, 4)) == said


@pytest.mark.parametrize(
    "prompt",
    ["a [word] b", "((a)) [[b]]", r"\[a:b:0.5\]", "[a:b]", "[a", "a:b:0.5]", "(a|b)", "[a:b:c:0.5]", r"\(a\|b\)", "",
     "a\\", "[" * 50 + "]" * 50],
)
def test_what_is_no_change_on_the_way_stays_as_it_is(prompt) -> None:
    assert set(over_steps(prompt, 3)) == {prompt}


@given(st.text(alphabet="ab[]():|\\0.5 ", max_size=30), st.integers(1, 5))
def test_any_text_says_something_in_every_step(prompt, steps) -> None:
    assert len(over_steps(prompt, steps)) == steps


@pytest.mark.parametrize("prompt", ["[" * 20_000, "[" * 10_000 + "]" * 10_000, "[a:b:0.5]" * 2_000, "[a|b" * 5_000])
def test_a_pasted_wall_of_brackets_ends(prompt) -> None:
    assert len(over_steps(prompt, 20)) == 20


def test_prompts_that_rule_together_have_weights() -> None:
    assert together("a cat AND a (dog:1.2) :0.5 AND :2") == (Part("a cat"), Part("a (dog:1.2)", 0.5), Part("", 2))
    assert together("a cat AND (a dog:1.2)") == (Part("a cat"), Part("(a dog:1.2)"))
    assert together("a cat:2") == (Part("a cat:2"),)
    assert together("sand and BRAND") == (Part("sand and BRAND"),)
    assert together("a AND b:0") == (Part("a"),)


def test_too_many_at_once_and_weights_of_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="at most 8 can rule together"):
        together(" AND ".join("abcdefghi"))
    with pytest.raises(UserError, match="add up to nothing"):
        together("a AND b:-1")
