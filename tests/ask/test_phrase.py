"""Phrasing may change words and never add: numbers, days, claims, names and grades are held to the answer."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.catalog import Snapshot, load
from trivium.catalog.ask import Answer, added, ask, phrased, plain

NOW = date(2026, 11, 25)
SHIPPED = load()
QUESTION = "when does Sonnet 4.5 retire on foundry?"


def _answer() -> Answer:
    return ask(QUESTION, SHIPPED.snapshot(NOW), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "Sonnet 4.5 leaves Foundry on 2026-11-30.",
        "On 30 November 2026 Foundry stops serving claude-sonnet-4-5 (documented).",
        "It ends on November 30th, 2026 [cap.foundry.claude-sonnet-4-5.retirement].",
        "An unconfirmed source says 2026-10-19, and the documented one wins.",
    ],
)
def test_words_that_add_nothing_are_shown(text: str) -> None:
    assert phrased(_answer(), lambda _: text) == (text, ())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("It retires on 2026-12-01.", "2026-12-01"),
        ("It retires on 1 December 2026.", "1 december 2026"),
        ("It retires in December.", "december"),
        ("It costs 3 USD.", "3"),
        ("It costs three USD.", "three"),
        ("Opus 4.8 retires too.", "opus 4.8"),
        ("Claude Sonnet 5 retires too.", "sonnet 5"),
        ("claude-opus-5 retires too.", "claude-opus-5"),
        ("See cap.vertex.claude-sonnet-4-5.retirement.", "cap.vertex.claude-sonnet-4-5.retirement"),
        ("That is contracted.", "contracted"),
        ("It stays on bedrock.", "bedrock"),
        ("There are 1,234 users.", "1234"),
        ("A million users lose it.", "million"),
    ],
)
def test_words_that_add_something_are_not_shown(text: str, wrong: str) -> None:
    answer = _answer()
    shown, found = phrased(answer, lambda _: text)
    assert wrong in found
    assert shown == plain(answer)


def test_saying_nothing_shows_the_plain_answer() -> None:
    answer = _answer()
    assert phrased(answer, lambda _: "  ") == (plain(answer), ("nothing was said",))


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(["", "about ", "USD ", "-"]))
def test_any_number_that_the_answer_does_not_have_is_found(number: int, before: str) -> None:
    answer = _answer()
    if str(number) in plain(answer):
        return
    assert added(answer, f"It is {before}{number} in all.")


@pytest.mark.parametrize(
    "question", ["what is stale?", QUESTION, "price of opus 5 on vertex", "which platform for inference?"]
)
def test_an_answer_adds_nothing_to_itself(question: str, snapshot: Snapshot) -> None:
    answer = ask(question, snapshot, NOW)
    assert added(answer, plain(answer)) == ()
    assert added(answer, " ".join(answer.lines)) == ()
