"""Regular expressions that match in bounded time."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core.model.bounded_regex import MAX_STATES, _Automaton, compile_bounded, parser

PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\S", "", "^", "$", "(?i:A)", "é", r"[a-c\d]"]),
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("|".join)
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{0,2}", "{2}", "{1,}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        )
        | inner.map("({})".format)
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("abA1é\n ", max_size=6))
@example("^a$", "a")
@example("(a|)*b", "b")
@example(r"$\s", "\n")
@example(r"(?:(.$|a*)){2}", " \n")
@example("(?s:.)a", "\na")
def test_the_automaton_agrees_with_python(pattern: str, text: str) -> None:
    matches = re.fullmatch(pattern, text) is not None

    assert _Automaton(parser.parse(pattern)).matches(text) is matches
    assert bool(compile_bounded(pattern)(text)) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*)*b",
        "a*a*a*a*a*a*b",
        "(a|a)" * 60 + "b",
        "(a?){40}b",
        "((a{1,9}){1,9}){1,9}b",
    ],
)
def test_a_pattern_that_would_take_exponential_time_answers(pattern: str) -> None:
    matches = compile_bounded(pattern)

    assert not matches("a" * 2000)
    assert not matches("c" * 2000)


def test_a_pattern_that_would_take_exponential_time_still_matches() -> None:
    assert compile_bounded("(a+)+b")("a" * 50_000 + "b")


@pytest.mark.parametrize("pattern", ["(a+)+(?=b)", r"(a*)*\1", r"(a*)*\bb", "(?>(a+)+)b(?m:$)(a*)*"])
def test_a_pattern_that_only_backtracking_can_match_is_refused_where_that_could_take_for_ever(pattern: str) -> None:
    with pytest.raises(ValueError, match="exponential time"):
        compile_bounded(pattern)


@pytest.mark.parametrize("pattern", ["(?!lo).*", r"\beth\d+\b", r"(a|b)\1", "(?m:^a$)"])
def test_what_needs_backtracking_and_little_of_it_keeps_working(pattern: str) -> None:
    assert bool(compile_bounded(pattern)("eth0")) is (re.fullmatch(pattern, "eth0") is not None)


def test_an_expression_that_repeats_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        compile_bounded(f"(a|bc){{{MAX_STATES}}}")


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(" * 5000 + ")" * 5000, "a{99999999999999999999}", "(?z)"])
def test_what_is_not_a_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        compile_bounded(pattern)
