"""Reads the indicators of a day: every claim, the one that wins where two differ, and its age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from trivium.catalog import Claim, Snapshot

TOPIC = "indicators"
EVIDENCE_DAYS_MAX = 180
STALE = "stale: re-check"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One claim on a party. `age_days` counts from its announcement (None if it has none) to the day asked for.

    `loses_to` is the claim on the same question that stands above it, and `why`; both empty where it stands. `tied`:
    it disagrees with another and nothing decides. `verdict` is `stands`, `loses`, `undecided`, or, above the set age,
    `stale: re-check`.
    """

    claim: Claim
    age_days: int | None
    loses_to: str
    why: str
    tied: bool
    verdict: str

    @property
    def party(self) -> str:
        """Whom it is about."""
        return self.claim.subject


def read_indicators(
    snapshot: Snapshot, at: date, *, party: str = "", evidence_days_max: int = EVIDENCE_DAYS_MAX
) -> tuple[Indicator, ...]:
    """The indicators known on a day, by party and predicate, the newest first; with `party`, only those about it."""
    found = [claim for claim in snapshot.find(topic=TOPIC) if not party or claim.subject.casefold() == party.casefold()]
    losers: dict[str, tuple[str, str]] = {}
    tied: dict[str, str] = {}
    for conflict in snapshot.conflicts():
        ranked = conflict.ranked
        if ranked.tied:
            tied |= {claim.id: conflict.why for claim in ranked.claims}
            continue
        for claim, why in zip(ranked.claims[1:], ranked.reasons, strict=True):
            if why != "says the same":
                losers[claim.id] = (ranked.winner.id, why)
    read = [_indicator(claim, at, losers.get(claim.id), tied.get(claim.id, ""), evidence_days_max) for claim in found]
    return tuple(sorted(read, key=_order))


def _order(one: Indicator) -> tuple[str, str, bool, int, str]:
    start = one.claim.valid_from or date.min
    return (one.party, one.claim.predicate, bool(one.loses_to), -start.toordinal(), one.claim.id)


def _indicator(claim: Claim, at: date, lost: tuple[str, str] | None, tie: str, days_max: int) -> Indicator:
    age = None if claim.announced_on is None else (at - claim.announced_on).days
    winner, why = lost or ("", tie)
    verdict = "loses" if winner else "undecided" if tie else "stands"
    if age is None or age > days_max:
        verdict = STALE if verdict == "stands" else f"{verdict}; {STALE}"
    return Indicator(claim, age, winner, why, bool(tie), verdict)


def indicator_document(one: Indicator) -> dict[str, Any]:
    """An indicator for a program to read: the figure as it was recorded, its grade, its sources and its standing."""
    claim = one.claim
    return {
        "claim": claim.id,
        "party": one.party,
        "predicate": claim.predicate,
        "value": claim.value,
        "unit": claim.unit,
        "grade": claim.status,
        "from": claim.valid_from,
        "until": claim.valid_until,
        "announced": claim.announced_on,
        "age_days": one.age_days,
        "verdict": one.verdict,
        "loses_to": one.loses_to or None,
        "why": one.why,
        "note": claim.note,
        "sources": [{"title": source.title, "address": source.address} for source in claim.sources],
    }
