"""Names and days that a question gives and the catalogue does not know: refused by name, never left out in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches

from trivium.catalog._snapshot import Snapshot
from trivium.catalog.ask._reading import Reading, begins_with_a_name, days_of, known_places, word_set
from trivium.core import UserError

_BEFORE_PLACES = frozenset({"on", "via", "through"})
_BEFORE_DAYS = re.compile(r"\b(?:since|after|before|until|from)\s+(\S+(?:\s+\S+){0,3})")
_AS_DAY = re.compile(r"\b(?:20\d\d-\d{1,2}(?:-\d{1,2})?|\d{1,4}[./]\d{1,2}[./]\d{2,4}|20\d\d-?\d{4})\b")
_YEAR_ALONE = re.compile(r"\b(?:since|in|from|after|of)\s+(20\d\d)\b(?![-./]?\d)")
_ARTICLES = word_set("the a an")
# What stands after `on` or `in` and names no place: which of them is meant, or how a price is told.
_NO_NAME = word_set(
    "any all each every either both which what whatever my our your their his her its one another other others more"
    " most average total general practice production principle short detail details usd dollars euros tokens batch fast"
    " standard platform platforms cloud clouds surface surfaces region regions scope demand it them this that these"
    " those there here and or for with to of time date day month months year years list price prices use advance bulk"
    " top case cases terms force effect future past addition"
)
_DAY_HELP = "give a day such as 2026-11-01, yesterday, or 3 days ago"
_SHOWN = 3


def check_places(reading: Reading, snapshot: Snapshot, *, scopes: bool) -> None:
    """UserError for a name after `on`, or `in` where `scopes` are asked for, that is no platform, scope or day."""
    words = reading.words
    before = _BEFORE_PLACES | ({"in"} if scopes else frozenset())
    for number, word in enumerate(words[:-1]):
        rest = words[number + 1 :]
        if word not in before or begins_with_a_name(rest, snapshot):
            continue
        rest = rest[1:] if rest[0] in _ARTICLES else rest
        if not rest or rest[0] in _NO_NAME or rest[0][0].isdigit() or begins_with_a_name(rest, snapshot):
            continue
        if _is_day(rest):
            continue
        raise UserError("question", rest[0], f"name a platform, scope or day that claims know{_near(rest[0])}")


def _is_day(words: Sequence[str]) -> bool:
    """Whether the first words are a day in words, and not merely followed by one."""
    spans = (words[:length] for length in range(1, 4))
    return any(days_of(" ".join(span), date.max) and not days_of(" ".join(span[1:]), date.max) for span in spans)


def check_days(reading: Reading, *, since: bool) -> None:
    """UserError for what is written as a day and is none; `since`: what follows `since` must be one too."""
    for found in _AS_DAY.findall(reading.text):
        if not days_of(found, date.max):
            raise UserError("question", found, _DAY_HELP)
    if reading.days or reading.has("article"):
        return
    if found := _YEAR_ALONE.search(reading.text):
        raise UserError("question", found[1], _DAY_HELP)
    if not since:
        return
    if found := _BEFORE_DAYS.search(reading.text):
        raise UserError("question", found[1].rstrip("?!. "), _DAY_HELP)


def unknown_words(words: Sequence[str], said: frozenset[str], snapshot: Snapshot) -> tuple[str, ...]:
    """Words of a question that are none of its kind's own and name nothing."""
    return tuple(
        word
        for number, word in enumerate(words)
        if word not in said
        and word not in _NO_NAME
        and word not in _ARTICLES
        and not word[0].isdigit()
        and not begins_with_a_name(words[number:], snapshot)
    )


def _near(word: str) -> str:
    known = known_places()
    near = get_close_matches(word, known, _SHOWN, 0.6)
    return (
        f": did you mean {' or '.join(near)}?" if near else f", such as {', '.join(n for n in known if ' ' not in n)}"
    )
