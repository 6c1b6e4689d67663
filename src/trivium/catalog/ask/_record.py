"""Answers from the record itself: changes, reviews due, disagreements, who finances whom, and single claims."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from trivium.catalog._claim import STATUSES, Claim
from trivium.catalog._diff import Change, Kind, diff
from trivium.catalog._names import known_models
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._states import State, standing
from trivium.catalog.ask._article import article_day, speaks_of, stem, topic_words
from trivium.catalog.ask._outcomes import article_claims, outcome_of
from trivium.catalog.ask._reading import Reading, parties_of, word_set
from trivium.catalog.ask._values import Draft, place_of, said, state_of

_A_MONTH_DAYS = 30
_GRADED = {Kind.CANCELLED: 0, Kind.CORRECTED: 1, Kind.ENDED: 2, Kind.STARTED: 3, Kind.ANNOUNCED: 4}
_BILLION = 1_000_000_000
_SEARCH_LINES = 8
_SEARCHING = word_set("many much long can could should would will get got give known evidence i we you my our s")
_DISAGREEMENT = word_set(
    "disagree disagrees disagreement disagreements conflict conflicts conflicting dispute disputes disputed undecided"
    " sources"
)


def window(claim: Claim) -> str:
    """When a claim holds, in words."""
    if claim.valid_from is None and claim.valid_until is None:
        return "open"
    return f"{claim.valid_from or '…'} to {claim.valid_until or '…'}"


def answer_changes(draft: Draft, reading: Reading) -> None:
    """What was announced, cancelled, corrected, started and ended since a day, on everything or on what is named."""
    days = sorted(reading.days)
    since = days[0] if days else None
    if since is None and reading.has("article"):
        since = article_day(draft.snapshot)
        draft.notes.append(f"The article bears no date; its newest fact is of {since}.")
    if since is None:
        since = draft.at - timedelta(days=_A_MONTH_DAYS)
        draft.notes.append(f"No day was given: the last {_A_MONTH_DAYS} days are taken.")
    alone = bool(days) and f"on {days[0]}" in reading.text  # on a day, not since it
    until = days[1] if len(days) > 1 else days[0] if alone else draft.snapshot.as_of
    if since > until:
        draft.answered = False
        draft.lines.append(f"{since} is after {until}, the day up to which this answer knows.")
        return
    found = [change for change in diff(draft.snapshot.catalog, since, until) if _concerns(change, reading)]
    counts = Counter(change.kind.value for change in found)
    told = ", ".join(f"{counts[kind.value]} {kind.value}" for kind in Kind if counts[kind.value])
    draft.say(f"{len(found)} changes from {since} to {until}: {told or 'none'}.")
    for change in found:
        if change.claim is not None and change.claim.topic == "events":
            draft.say(f"{change.day}: {change.claim.value}.", change.claim)
    ordered = sorted(found, key=lambda change: (_GRADED[change.kind], -change.day.toordinal(), change.subject))
    draft.rest_on(*(change.claim for change in ordered if change.kind in {Kind.CANCELLED, Kind.CORRECTED}))
    draft.show(
        f"Changes from {since} to {until}: cancelled and corrected first",
        ("day", "what", "subject", "change", "claim"),
        [(str(c.day), c.kind.value, c.subject, c.text, c.claim.id if c.claim else "price cells") for c in ordered],
    )


def _concerns(change: Change, reading: Reading) -> bool:
    models, places = reading.named("model"), reading.named("place")
    if not models and not places:
        return True
    claim = change.claim
    subject = change.subject
    on_model = any(model in subject.split("/") for model in models) or (
        claim and any(m in claim.models for m in models)
    )
    on_place = any(subject.partition("/")[0].partition(":")[0] == place for place in places)
    return bool((not models or on_model) and (not places or on_place))


def answer_stale(draft: Draft, reading: Reading) -> None:
    """Claims whose review is due, oldest first, with what to look at again."""
    found = sorted(draft.snapshot.stale(draft.at), key=lambda claim: (str(claim.review_by), claim.id))
    places = reading.named("place")
    if places:
        found = [claim for claim in found if claim.surface in places]
    draft.rest_on(*found)
    draft.say(f"{len(found)} claims are due for review on {draft.at}.")
    draft.show(
        "Due for review",
        ("review by", "subject", "predicate", "value", "grade", "seen", "claim"),
        [
            (str(c.review_by), c.subject, c.predicate, said(c), c.status, str(c.seen_on or "unknown"), c.id)
            for c in found
        ],
    )


def answer_conflicts(draft: Draft, reading: Reading) -> None:
    """Claims that cannot all be true, with the one that wins and why."""
    topic = tuple(word for word in topic_words(reading) if word not in _DISAGREEMENT)
    found = [
        conflict
        for conflict in draft.snapshot.conflicts(draft.at)
        if not topic or any(speaks_of(claim, topic) for claim in conflict.ranked.claims)
    ]
    undecided = sum(1 for conflict in found if conflict.ranked.tied)
    about = f" on {' '.join(topic)}" if topic else ""
    draft.say(f"{len(found)} conflicts{about} on {draft.at}, {undecided} of them undecided.")
    rows = []
    for conflict in found:
        draft.rest_on(*conflict.ranked.claims)
        for number, claim in enumerate(conflict.ranked.claims):
            word = "undecided" if conflict.ranked.tied else "wins" if number == 0 else "loses"
            rows.append((conflict.subject, conflict.predicate, said(claim), claim.status, word, conflict.why, claim.id))
    draft.show("Conflicts", ("subject", "predicate", "says", "grade", "", "why", "claim"), rows)


def answer_search(draft: Draft, reading: Reading) -> None:
    """Claims that speak of every word of a topic: in force before the rest, the better founded first."""
    topic = tuple(word for word in topic_words(reading) if word not in _SEARCHING and any(map(str.isalpha, word)))
    found = [claim for claim in draft.snapshot.claims if topic and _mentions(claim, topic)]
    if not found:
        draft.answered = False
        draft.lines.append(f"No claim speaks of {' '.join(topic) or 'that'}.")
        return
    states = {claim.id: state_of(draft.snapshot, claim, draft.at) for claim in found}
    latest = sorted(found, key=lambda claim: (-(claim.valid_from or date.min).toordinal(), claim.id))
    ordered = sorted(
        latest, key=lambda claim: (states[claim.id] != State.IN_FORCE.value, -STATUSES.index(claim.status))
    )
    draft.rest_on(*ordered)
    draft.say(f"{len(ordered)} claims speak of {' '.join(topic)}; they are listed, not weighed.")
    for claim in ordered[:_SEARCH_LINES]:
        draft.say(f"{place_of(claim)} · {claim.predicate}: {said(claim)} ({claim.status}, {states[claim.id]}).", claim)
    draft.show(
        f"Claims that speak of {' '.join(topic)}",
        ("subject", "predicate", "says", "window", "grade", "state", "claim"),
        [(place_of(c), c.predicate, said(c), window(c), c.status, states[c.id], c.id) for c in ordered],
    )


def _mentions(claim: Claim, topic: tuple[str, ...]) -> bool:
    text = f"{claim.id} {claim.subject} {claim.predicate} {claim.value} {claim.unit}".casefold()
    words = re.sub(r"[_\W]+", " ", text)
    return all(re.search(rf"\b{re.escape(stem(word))}", words) for word in topic)


def answer_finance(draft: Draft, reading: Reading) -> None:
    """Deals of the parties that are named, or all: who gives what to whom, how sure, and what became of it."""
    parties = reading.named("party")
    deals = [claim for claim in draft.snapshot.claims if claim.topic == "deals"]
    chosen = [claim for claim in deals if _among(claim, parties)]
    if not chosen:
        draft.answered = False
        draft.lines.append(f"No deal between {' and '.join(parties)} had been announced.")
        return
    draft.rest_on(*chosen)
    about = f" of {' and '.join(parties)}" if parties else ""
    gone = sum(1 for claim in chosen if claim.id in draft.snapshot.superseded_by)
    draft.say(
        f"{len(chosen)} deals{about}, {gone} of them amended or cancelled since. They overlap "
        "(a round's total holds its parts), so no sum over them is given."
    )
    draft.show(
        "Who gives what to whom (bn USD)",
        ("from", "to", "what", "bn USD", "window", "grade", "state", "conditions", "claim"),
        [_deal(draft.snapshot, claim, draft) for claim in sorted(chosen, key=_by_pair)],
    )


def _among(claim: Claim, parties: tuple[str, ...]) -> bool:
    """Whether a deal is between two of the named, or of the only one named."""
    if not parties:
        return True
    pair = parties_of(claim)
    return all(party in parties for party in pair) if len(parties) > 1 else parties[0] in pair


def _by_pair(claim: Claim) -> tuple[str, str, str]:
    return (*parties_of(claim), claim.id)


def _deal(snapshot: Snapshot, claim: Claim, draft: Draft) -> tuple[str, ...]:
    giver, getter = parties_of(claim)
    amount = "unknown" if claim.number is None else f"{(claim.number / _BILLION).normalize():f}"
    state = state_of(snapshot, claim, draft.at)
    return (giver, getter, claim.predicate, amount, window(claim), claim.status, state, claim.note, claim.id)


def answer_claim(draft: Draft, reading: Reading) -> None:
    """Claims by their ids: what each says, what became of it, what it corrects, and where it was read."""
    for name in reading.named("claim"):
        claim = draft.snapshot.claim(name)
        found = standing(draft.snapshot, claim, draft.at)
        draft.say(f"{claim.subject} · {claim.predicate} = {said(claim)}", claim)
        by = f" by {found.by.id}" if found.by else ""
        why = f": {found.why}" if found.why else ""
        draft.say(f"It is {claim.status}, {found.state.value}{by}{why}; window {window(claim)}.")
        draft.rest_on(found.by)
        for text in _about(draft, claim):
            draft.say(text)
        for source in claim.sources:
            quoted = f": “{source.quote}”" if source.quote else ""
            address = f" <{source.address}>" if source.address and source.address not in source.title else ""
            draft.lines.append(f"source: {source.title}{address}{quoted}")


def _about(draft: Draft, claim: Claim) -> Iterator[str]:
    if claim.note:
        yield f"note: {claim.note}"
    if claim.supersedes:
        yield f"It corrects {', '.join(claim.supersedes)}."
    if claim in article_claims(draft.snapshot):
        outcome = outcome_of(draft.snapshot, claim, draft.at)
        draft.rest_on(*outcome.claims)
        yield f"The article's claim: {outcome.outcome} ({outcome.why})."
    if claim.models:
        names = known_models()
        yield "models: " + ", ".join(names[model].name if model in names else model for model in claim.models)
