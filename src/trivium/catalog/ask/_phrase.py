"""A hook for putting an answer into other words: it may phrase and never add, and a check holds it to that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from trivium.catalog._claim import STATUSES
from trivium.catalog._names import known_models
from trivium.catalog.ask._reading import days_in, word_set
from trivium.catalog.ask._values import Answer
from trivium.core import SURFACES

_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*")
_ID = re.compile(r"\b[a-z][\w-]*(?:[.:/][\w:;@+-]+)+", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][\w-]*-[\w.-]*\d[\w-]*")
_COUNTING = word_set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty fifty sixty"
    " seventy eighty ninety hundred thousand million billion trillion half third quarter dozen double twice triple"
    " first second percent january february march april may june july august september october november"
    " december"
)
_ORDINARY = word_set("one second may march first third")  # words with another sense of their own


class Phrase(Protocol):
    """Puts an answer into words. What it returns is shown only if `added` finds nothing in it."""

    def __call__(self, answer: Answer) -> str:
        """The answer in other words."""
        ...


def plain(answer: Answer) -> str:
    """The answer as plain text: lines, tables, conflicts, notes and evidence."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield from answer.lines
    for figures in answer.figures:
        yield figures.title
        yield " · ".join(figures.headers)
        for row in figures.rows:
            yield " · ".join(row)
    yield from answer.conflicts
    yield from answer.notes
    for one in answer.evidence:
        window = f"{one.valid_from or '…'} to {one.valid_until or '…'}"
        yield f"{one.claim_id}: {one.said}; {one.grade}, {one.state}; {window}; {one.note}"
        for source in one.sources:
            yield f"{source.title} {source.address} {source.date} {source.quote}"
    yield f"as of {answer.as_of}, seen on {answer.at}"


def added(answer: Answer, text: str) -> tuple[str, ...]:
    """What a text says that the answer does not: numbers, days, claim ids, surfaces, models, grades, counting words.

    It cannot judge the sense of words: a text that turns a no into a yes adds nothing by this check, which is why the
    plain answer and its claims are shown beside any phrasing.
    """
    whole = f"{answer.understood}\n{plain(answer)}"
    low, said = whole.casefold(), text.casefold()
    known = frozenset(_numbers(whole))
    days = frozenset(days_in(low))
    found: list[str] = []
    rest = said
    for day, spoken in days_in(said).items():
        if day not in days:
            found.append(spoken)
        rest = rest.replace(spoken, " ")
    ids = {one.group().rstrip(".:/").casefold() for one in _ID.finditer(whole)}
    names = {one.group().rstrip(".").casefold() for one in _NAME.finditer(whole)} | ids
    for pattern, allowed in ((_ID, ids), (_NAME, names)):
        for one in pattern.finditer(rest):
            name = one.group().rstrip(".:/")
            if name not in allowed:
                found.append(name)
    bare = _without_models(_NAME.sub(" ", _ID.sub(" ", rest)), low, found)
    found += [number for number in _numbers(bare) if number not in known]
    words, given = set(re.findall(r"[a-z-]+", said)), set(re.findall(r"[a-z-]+", low))
    told = (_COUNTING - _ORDINARY) | set(STATUSES) | set(SURFACES)
    found += sorted((words & told) - given - _spoken_months(said, days))
    return tuple(dict.fromkeys(found))


def _without_models(text: str, answer: str, found: list[str]) -> str:
    """The text without the names of models for people; those that the answer does not speak of are found."""
    spoken = {
        name.name.casefold().removeprefix("claude "): name.id
        for name in known_models().values()
        if name.family != "claude"  # `Claude 2` without its first word is a number
    }
    for name in sorted(spoken, key=len, reverse=True):
        pattern = re.compile(rf"\b(?:claude )?{re.escape(name)}(?![\w.]*\d)")
        if pattern.search(text):
            if not re.search(rf"{re.escape(spoken[name])}(?![\w-])", answer) and not pattern.search(answer):
                found.append(name)
            text = pattern.sub(" ", text)
    return text


def _spoken_months(text: str, days: frozenset[str]) -> set[str]:
    """Month names that stand in a spoken day which the answer has too."""
    return {word for day, spoken in days_in(text).items() if day in days for word in re.findall(r"[a-z]+", spoken)}


def _numbers(text: str) -> Iterator[str]:
    for one in _NUMBER.finditer(text):
        digits = one.group().replace(",", "")
        yield digits.rstrip("0").rstrip(".") if digits.count(".") == 1 else digits


def phrased(answer: Answer, phrase: Phrase) -> tuple[str, tuple[str, ...]]:
    """The text to show, and what was wrong with the phrasing: with anything added, the plain answer is the text."""
    text = phrase(answer).strip()
    wrong = added(answer, text) if text else ("nothing was said",)
    return (plain(answer), wrong) if wrong else (text, ())
