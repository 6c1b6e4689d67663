"""From a question to its answer: read, take the kind that scores best, answer from claims, or say what can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from difflib import SequenceMatcher

from trivium.catalog._snapshot import Snapshot
from trivium.catalog.ask import _article, _faq, _platforms, _prices, _record
from trivium.catalog.ask._grammar import Kind, grammar
from trivium.catalog.ask._reading import Reading, read
from trivium.catalog.ask._unknown import check_days, check_places, unknown_words
from trivium.catalog.ask._values import Answer, Draft
from trivium.core import UserError

_ANSWERS: Mapping[str, Callable[[Draft, Reading], None]] = {
    "claim": _record.answer_claim,
    "faq-leaving-aws": _faq.answer_leaving_aws,
    "faq-performance": _faq.answer_performance,
    "faq-circular": _faq.answer_circular,
    "faq-aws-benefits": _faq.answer_aws_benefits,
    "faq-openai": _faq.answer_openai,
    "platform-for-type": _platforms.answer_platform_for_type,
    "article-derivations": _article.answer_derivations,
    "article-inconsistencies": _article.answer_inconsistencies,
    "article": _article.answer_article,
    "price": _prices.answer_price,
    "changes": _record.answer_changes,
    "stale": _record.answer_stale,
    "conflicts": _record.answer_conflicts,
    "finance": _record.answer_finance,
    "retirement": _platforms.answer_retirement,
    "attestation": _platforms.answer_attestation,
    "capability": _platforms.answer_capability,
    "availability": _platforms.answer_availability,
    "quota": _platforms.answer_quota,
    "search": _record.answer_search,
}
_DATED = frozenset({"price", "changes"})
_SLOT_WORDS = {
    "model": "a model",
    "type": "customisation, inference or workflow",
    "capability": "a capability",
    "attestation": "an attestation",
    "claim": "a claim's id",
}


def ask(question: str, snapshot: Snapshot, at: date) -> Answer:
    """Answer a question in words from what had been announced by the snapshot's day, windows decided by `at`.

    Deterministic and without a language model. `answered` is False if no claim answers, or if the question was not
    understood: then `others` are the questions that can be answered, the nearest first. UserError names a platform or a
    day that the question gives and the catalogue does not know.
    """
    if not question.strip():
        raise UserError("question", question, "ask something; `trivium ask --list` shows what can be asked")
    reading = read(question, snapshot, at)
    score, kind = grammar().ranked(reading)[0]
    others = _nearest(reading)
    if score < grammar().least:
        draft = _search(reading, snapshot, at)
        if not draft.answered:
            draft = Draft("none", "", snapshot, at, answered=False, others=others)
            draft.lines.append("No kind of question that the claims answer is understood here.")
    else:
        if "place" in (slots := _slots_of(kind)):
            check_places(reading, snapshot, scopes="scope" in slots)
        if kind.name in _DATED:
            check_days(reading, since=kind.name == "changes")
        draft = Draft(kind.name, _understood(kind, reading), snapshot, at)
        if missing := kind.missing(reading):
            draft.answered = False
            named = " and ".join(_SLOT_WORDS[slot] for slot in missing)
            unread = unknown_words(reading.words, kind.said, snapshot)
            told = f" ({', '.join(unread)} is none)" if unread else ""
            draft.lines.append(
                f"The question names no {' nor '.join(missing)} that the catalogue knows{told}: give {named}."
            )
        else:
            _ANSWERS[kind.name](draft, reading)
        if not draft.answered:
            draft.others = others
    draft.notes += reading.notes
    return draft.done()


def _search(reading: Reading, snapshot: Snapshot, at: date) -> Draft:
    """A question of no kind, taken as a search for its words."""
    draft = Draft("search", f"What do claims say about: {reading.text.rstrip('?')}?", snapshot, at)
    _record.answer_search(draft, reading)
    return draft


def questions() -> tuple[tuple[str, str], ...]:
    """The kinds of questions that can be asked: name and how each is put."""
    return tuple((kind.name, kind.question) for kind in grammar().kinds)


def _understood(kind: Kind, reading: Reading) -> str:
    """The question as it is taken, with what it was found to name."""
    named = [f"{slot}: {', '.join(reading.named(slot))}" for slot in _slots_of(kind) if reading.named(slot)]
    if reading.days and kind.name in _DATED:
        named.append(f"days: {', '.join(map(str, reading.days))}")
    return f"{kind.question} ({'; '.join(named)})" if named else kind.question


def _slots_of(kind: Kind) -> tuple[str, ...]:
    """The slots a kind makes use of, those it names and those every platform question takes."""
    used = {
        "price": ("model", "place", "scope"),
        "changes": ("model", "place"),
        "stale": ("place",),
        "retirement": ("model", "place"),
        "attestation": ("attestation", "place", "model"),
        "capability": ("capability", "place", "model"),
        "availability": ("model", "place"),
        "quota": ("model", "place"),
        "finance": ("party",),
        "platform-for-type": ("type",),
        "article-derivations": ("sum",),
        "claim": ("claim",),
        "faq-performance": ("place",),
    }
    return used.get(kind.name, ())


def _nearest(reading: Reading) -> tuple[str, ...]:
    """Every question that can be asked, by score, then by likeness of words."""

    def rank(item: tuple[int, Kind]) -> tuple[float, float]:
        score, kind = item
        return (-score, -SequenceMatcher(None, reading.text, kind.question.casefold()).ratio())

    return tuple(kind.question for _, kind in sorted(grammar().ranked(reading), key=rank))
