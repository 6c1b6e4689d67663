"""The declared tokenizer counts as it is declared."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from trivium.lab.tokens import count_text, directives, take


def test_single_letter_words_are_one_token_each() -> None:
    assert count_text("a b c") == 3
    assert count_text(" a b c") == 3


def test_long_words_cost_a_token_per_four_letters() -> None:
    assert count_text("abcde fgh") == 2 + 1
    assert count_text("hello\n") == 2 + 1


def test_a_directive_counts_nothing_and_is_read() -> None:
    text = "[[lab out=169 at=2026-04-15T00:00:19Z]] a b"
    assert count_text(text) == count_text(" a b") == 2
    assert directives(text) == {"out": "169", "at": "2026-04-15T00:00:19Z"}


def test_what_only_looks_like_a_directive_is_text() -> None:
    assert directives("[[lab out=169") == {}
    assert count_text("[[lab out=1") == 4  # "[[la" "b" " out=" "1"


@given(st.text(), st.integers(0, 50))
def test_a_beginning_has_the_tokens_asked_for(text: str, tokens: int) -> None:
    whole = len(re.findall(r" ?[^\s]{1,4}|\s", text))
    beginning = take(text, tokens)
    assert text.startswith(beginning)
    assert len(re.findall(r" ?[^\s]{1,4}|\s", beginning)) == min(tokens, whole)
