"""What was announced, cancelled, corrected, started and ended between two days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from trivium.catalog._catalog import Catalog
from trivium.catalog._claim import FORWARD_LOOKING, Claim, PriceCell
from trivium.catalog._states import State, standing
from trivium.core import UserError


class Kind(Enum):
    """What happened."""

    ANNOUNCED = "announced"
    CANCELLED = "cancelled"
    CORRECTED = "corrected"
    STARTED = "started"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened on a day: to a claim, or to some price cells of a surface and model (`claim` is None)."""

    day: date
    kind: Kind
    subject: str
    text: str
    claim: Claim | None = None


def diff(catalog: Catalog, since: date, until: date) -> tuple[Change, ...]:
    """Everything from the first day to the last, both included, by day; UserError if they are reversed."""
    if until < since:
        raise UserError("--to", until.isoformat(), f"give a day not before {since}")
    snapshot = catalog.snapshot(until)
    found: list[Change] = []
    for claim in snapshot.claims:
        found += _announced(claim)
        gone = standing(snapshot, claim, until)
        if gone.by is not None and gone.state in {State.CANCELLED, State.SUPERSEDED}:
            day = gone.by.announced_on or gone.by.valid_from
            kind = Kind.CANCELLED if gone.state is State.CANCELLED else Kind.CORRECTED
            if day is not None:
                found.append(Change(day, kind, claim.subject, f"{_said(claim)}; by {gone.by.id}", claim))
        elif claim.topic != "prices":
            found += _window(claim)
    found += _cells(snapshot.cells)
    inside = [change for change in found if since <= change.day <= until]
    return tuple(sorted(inside, key=lambda change: (change.day, change.kind.value, change.subject, change.text)))


def _announced(claim: Claim) -> Iterator[Change]:
    if claim.announced_on is not None and claim.topic != "events":
        when = f" from {claim.valid_from}" if claim.valid_from and claim.valid_from > claim.announced_on else ""
        yield Change(claim.announced_on, Kind.ANNOUNCED, claim.subject, f"{_said(claim)}{when}", claim)


def _window(claim: Claim) -> Iterator[Change]:
    if claim.status == FORWARD_LOOKING:
        return
    told = claim.topic != "events" and claim.valid_from == claim.announced_on  # the announcement says it already
    if claim.valid_from is not None and not told:
        yield Change(claim.valid_from, Kind.STARTED, claim.subject, _said(claim), claim)
    if claim.valid_until is not None:
        yield Change(claim.valid_until, Kind.ENDED, claim.subject, _said(claim), claim)


def _cells(cells: tuple[PriceCell, ...]) -> Iterator[Change]:
    """Price cells that start or end, counted by surface, model and tier."""
    starts: Counter[tuple[date, str, str]] = Counter()
    ends: Counter[tuple[date, str, str]] = Counter()
    for cell in cells:
        place = (f"{cell.surface}/{cell.model}", f"{cell.scope}/{cell.tier}")
        if cell.valid_from is not None:
            starts[(cell.valid_from, *place)] += 1
        if cell.valid_until is not None:
            ends[(cell.valid_until, *place)] += 1
    for kind, counted in ((Kind.STARTED, starts), (Kind.ENDED, ends)):
        for (day, subject, tier), count in counted.items():
            yield Change(day, kind, subject, f"{count} prices, {tier}")


def _said(claim: Claim) -> str:
    unit = f" {claim.unit}" if claim.unit else ""
    return f"{claim.predicate}: {claim.value}{unit}"
