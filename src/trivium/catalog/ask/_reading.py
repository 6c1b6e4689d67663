"""What a question says: its words, and the models, places, days, claims and things that its words name."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from trivium.catalog._claim import Claim
from trivium.catalog._names import known_models, model_id, surface_id
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._tables import read_table
from trivium.catalog.ask._derive import sums
from trivium.core import SURFACES, AmbiguousName, NoClaim

HERE = Path(__file__).parent
_WORD = re.compile(r"[a-z0-9][a-z0-9._:/@+-]*")
_DAY = re.compile(r"\b(20\d\d)-(\d\d)(?:-(\d\d))?\b")
_SPOKEN_DAY = re.compile(
    r"\b(?:(\d{1,2})(?:st|nd|rd|th)?\s+)?([a-z]{3,9})\.?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(20\d\d)\b"
)
_LAST = re.compile(r"\b(?:last|past)\s+(?:(\d{1,3})\s+)?(day|week|month|year)s?\b")
_AGO = re.compile(r"\b(\d{1,4}|an?|one)\s+(day|week|month|year)s?\s+ago\b")
_WEEKDAY = re.compile(rf"\b({'|'.join(calendar.day_name).lower()})\b")
_SUM = re.compile(r"(?<![\w.-])(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)(?![\w/.-]*[\w/-])")
_ARTICLE_ID = re.compile(r"[sdi]\d{2,3}")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
}
_MODEL_WORDS_MAX = 4
_PHRASE_WORDS_MAX = 4


@dataclass(frozen=True)
class Reading:
    """A question as read; `slots` holds what it names, by kind of thing, in the order of the question."""

    text: str
    words: tuple[str, ...]
    days: tuple[date, ...]
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def has(self, slot: str) -> bool:
        """Whether the question fills a slot."""
        return bool(self.days) if slot == "date" else bool(self.slots.get(slot))

    def named(self, slot: str) -> tuple[str, ...]:
        """What the question names for a slot."""
        return self.slots.get(slot, ())

    def says(self, phrase: str) -> bool:
        """Whether a phrase stands in the question; a star ends a word that may go on."""
        wanted = phrase.split()
        return any(
            all(_fits(word, want) for word, want in zip(self.words[start:], wanted, strict=False))
            for start in range(len(self.words) - len(wanted) + 1)
        )


def _fits(word: str, wanted: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted


def read(question: str, snapshot: Snapshot, at: date) -> Reading:
    """A question as words and named things."""
    text = " ".join(question.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    words = tuple(
        stripped
        for word in _WORD.findall(text.replace("'s ", " ").replace("'", ""))
        if (stripped := word.strip(".:/-"))
    )
    claims = _claim_ids(question, snapshot)
    models, notes = _models(words)
    slots: dict[str, tuple[str, ...]] = {"claim": claims, "model": models}
    for slot, phrases in _phrases().items():
        if found := _named(words, phrases):
            slots[slot] = found
    slots["place"] = tuple(dict.fromkeys((*slots.get("place", ()), *_surfaces(words))))
    slots["capability"] = tuple(dict.fromkeys((*slots.get("capability", ()), *_capabilities(words, snapshot))))
    slots["party"] = tuple(party for party in _parties(snapshot) if _says_party(words, party))
    slots["sum"] = tuple(_sums(text, words, snapshot))
    return Reading(text, words, tuple(_days(text, at)), slots, notes)


def _claim_ids(question: str, snapshot: Snapshot) -> tuple[str, ...]:
    known = {claim.id.casefold(): claim.id for claim in snapshot.claims}
    found = []
    for raw in question.split():
        word = raw.strip("?!,;()'\"").rstrip(".").casefold()
        if word in known and not word.isalpha():
            found.append(known[word])
        elif _ARTICLE_ID.fullmatch(word) and f"article.{word}" in known:
            found.append(known[f"article.{word}"])
    return tuple(found)


def _models(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Models by any name, longest names first; a family alone means all its models."""
    found: list[str] = []
    notes: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_MODEL_WORDS_MAX, len(words) - at), 0, -1):
            name = " ".join(words[at : at + length])
            if not any(letter.isalpha() for letter in name):
                continue  # `claude-1` without its first word is a number
            try:
                found.append(model_id(name))
            except AmbiguousName as error:
                notes.append(str(error))
            except NoClaim:
                continue
            at += length
            break
        else:
            found += _family(words[at])
            at += 1
    return tuple(dict.fromkeys(found)), tuple(notes)


@lru_cache(maxsize=256)
def _family(word: str) -> tuple[str, ...]:
    names = {word, word.removesuffix("s")} - {"claude"}
    return tuple(model.id for model in known_models().values() if model.family in names)


@lru_cache(maxsize=1)
def _phrases() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By slot: phrase → what it means."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in read_table(HERE / "words.csv", ("slot", "phrase", "means")):
        found.setdefault(row["slot"], {})[row["phrase"]] = tuple(row["means"].split())
    return found


def _named(words: Sequence[str], phrases: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What the longest phrases in a question mean, left to right, no word counted twice."""
    found: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(_PHRASE_WORDS_MAX, len(words) - at), 0, -1):
            means = phrases.get(" ".join(words[at : at + length]))
            if means is not None:
                found += means
                at += length
                break
        else:
            at += 1
    return tuple(dict.fromkeys(found))


def _surfaces(words: Sequence[str]) -> Iterator[str]:
    """Surfaces by their ids and aliases, where one word names them (`claude-aws`, `vertex_ai`)."""
    for word in words:
        if "-" in word or "_" in word or ":" in word:
            try:
                yield surface_id(word)
            except NoClaim:
                continue


def _capabilities(words: Sequence[str], snapshot: Snapshot) -> Iterator[str]:
    """Predicates of capability claims whose own words stand in the question, in sequence."""
    text = f" {' '.join(words)} "
    for name in _predicates(snapshot):
        if f" {name.replace('_', ' ')} " in text or f" {name} " in text:
            yield name


def _predicates(snapshot: Snapshot) -> tuple[str, ...]:
    generic = {"available", "commitment", "compliance", "integration", "region", "retention", "retirement", "suspended"}
    return snapshot.remembered(
        ("ask.predicates",),
        lambda: tuple(
            sorted({claim.predicate for claim in snapshot.current if claim.topic == "capabilities"} - generic)
        ),
    )


def parties_of(claim: Claim) -> tuple[str, str]:
    """Who gives and who gets, in a claim about a deal."""
    giver, _, getter = claim.subject.partition(" -> ")
    return giver, getter


def _parties(snapshot: Snapshot) -> tuple[str, ...]:
    return snapshot.remembered(
        ("ask.parties",),
        lambda: tuple(
            sorted(
                {party for claim in snapshot.claims if claim.topic == "deals" for party in parties_of(claim) if party}
            )
        ),
    )


def _says_party(words: Sequence[str], party: str) -> bool:
    names = [name.casefold() for name in party.split("/")] if " " not in party else [party.casefold()]
    text = f" {' '.join(words)} "
    return any(f" {name} " in text for name in names)


def _days(text: str, at: date) -> Iterator[date]:
    """Days in ISO form, months, spoken days, today, and so many days ago."""
    for year, month, day in _DAY.findall(text):
        yield from _day(int(year), int(month), int(day or 1))
    for before, name, after, year in _SPOKEN_DAY.findall(text):
        if name in _MONTHS:
            yield from _day(int(year), _MONTHS[name], int(before or after or 1))
    for count, unit in _LAST.findall(text) + _AGO.findall(text):
        ago = int(count) if count.isdecimal() else 1
        yield max(at, date.min + timedelta(days=ago * _DAYS[unit])) - timedelta(days=ago * _DAYS[unit])
    for name in _WEEKDAY.findall(text):  # the last one, a week ago if it is today's
        weekday = list(calendar.day_name).index(name.title())
        yield at - timedelta(days=(at.weekday() - weekday - 1) % 7 + 1)
    if re.search(r"\byesterday\b", text):
        yield at - timedelta(days=1)
    if re.search(r"\b(today|now)\b", text):
        yield at


def days_of(text: str, at: date) -> tuple[date, ...]:
    """The days that a text in lower case names."""
    return tuple(_days(text, at))


def begins_with_a_name(words: Sequence[str], snapshot: Snapshot) -> bool:
    """Whether the first words name something: a platform, a scope, a model, a capability, a party to a deal."""
    for length in range(min(_PHRASE_WORDS_MAX, len(words)), 0, -1):
        name = " ".join(words[:length])
        if any(name in phrases for phrases in _phrases().values()) or _models(words[:length])[0]:
            return True
        if any(_capabilities(words[:length], snapshot)) or any(
            _says_party(words[:length], p) for p in _parties(snapshot)
        ):
            return True
    return any(_surfaces(words[:1])) or bool(_models(words[:1])[1])


def known_places() -> tuple[str, ...]:
    """The names by which platforms and scopes are known."""
    return tuple(dict.fromkeys((*_phrases()["place"], *SURFACES, *_phrases()["scope"])))


def _sums(text: str, words: Sequence[str], snapshot: Snapshot) -> Iterator[str]:
    """Quotients such as 30/19: those of the article; alone in a question, any."""
    for top, under in _SUM.findall(text):
        found = f"{top} / {under}"
        if any(one.holds(found) for one in sums(snapshot)) or not any(w[0].isalpha() for w in words):
            yield found


def days_in(text: str) -> Mapping[str, str]:
    """The days that a text in lower case names, in ISO form, each with its words."""
    found: dict[str, str] = {}
    for one in _DAY.finditer(text):
        if one[3]:
            found[one.group()] = one.group()
    for one in _SPOKEN_DAY.finditer(text):
        before, name, after, year = one.groups()
        if name in _MONTHS and (before or after):
            for day in _day(int(year), _MONTHS[name], int(before or after)):
                found[day.isoformat()] = one.group()
    return found


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())


def _day(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return
