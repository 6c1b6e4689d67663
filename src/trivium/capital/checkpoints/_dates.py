"""The days to look again: of deals, filings, options, models in use, own contracts, and fired triggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from trivium.capital.checkpoints._values import Reading, Sight, State
from trivium.capital.deals import Deal, Kind, Stage
from trivium.capital.deals import State as DealState
from trivium.catalog import Claim
from trivium.core import Checkpoint, UserError

TOPIC = "capital-dates"
_FILES, _UNTIL = "files_quarterly", "_until"
_MOVES = frozenset({Kind.COMMIT, Kind.LEASE, Kind.INVEST, Kind.LEND, Kind.REVENUE_SHARE, Kind.SUPPLY})
_GONE = frozenset({DealState.SUPERSEDED, DealState.TERMINATED})


@dataclass(frozen=True, slots=True)
class OwnDay:
    """A day of the organisation's own contracts, as the plan names it."""

    due: date
    contract: str
    reason: str


def move_days(name: str, surfaces: Sequence[str], notice_by: date, lead_days: int, until: date) -> OwnDay:
    """The day by which a move has to begin, so that notice can still be given when it is done."""
    reason = (
        f"begin to move off {', '.join(surfaces)}, or stay: notice is due by {notice_by} for the end on {until}, "
        f"and the move takes {lead_days} days"
    )
    return OwnDay(notice_by - timedelta(days=lead_days), name, reason)


def checkpoints(
    sight: Sight, within_days: int, readings: Iterable[Reading] = (), own_days: Iterable[OwnDay] = ()
) -> tuple[Checkpoint, ...]:
    """Every day from the day of the sight on, within so many days; those of one day, subject and reason are one.

    An own day that has passed stands on the day itself: it is overdue.
    """
    at, stop = sight.at, sight.at + timedelta(days=within_days)
    found: list[Checkpoint] = []
    for deal in _touching(sight):
        found += _deal_days(deal)
    found += _filings(sight, stop)
    found += _options(sight)
    found += _models(sight)
    found += _re_check(sight, readings)
    inside = [point for point in found if at <= point.due <= stop]
    inside += [
        Checkpoint(max(day.due, at), f"contract {day.contract}", day.reason) for day in own_days if day.due <= stop
    ]
    inside += [
        Checkpoint(at, f"trigger {one.trigger.name}: {one.subject}", _fired(one), one.claim_ids)
        for one in readings
        if one.state is State.FIRED
    ]
    return _merged(inside)


def _touching(sight: Sight) -> Iterator[Deal]:
    known = set(sight.parties)
    return (
        deal
        for deal in sight.ledger.deals
        if deal.state not in _GONE and deal.kind in _MOVES and known & {deal.giver, deal.getter}
    )


def _deal_days(deal: Deal) -> Iterator[Checkpoint]:
    subject = f"{deal.giver} to {deal.getter}"
    what = f"{deal.name}, {deal.kind.value} {deal.what.replace('_', ' ')}, {deal.stage.value}"
    ids = (deal.id,)
    if deal.start is not None and deal.start != deal.announced_on:
        yield Checkpoint(deal.start, subject, f"it begins ({what}): did it?", ids)
    if deal.end is not None:
        open_ = deal.stage in {Stage.ANNOUNCED, Stage.LETTER_OF_INTENT} or deal.conditions or deal.tranches
        ends = "the last day of its condition" if open_ and deal.kind is Kind.INVEST else "it ends"
        yield Checkpoint(deal.end, subject, f"{ends} ({what}): what takes its place?", ids)
        if deal.notice_days:
            last = deal.end - timedelta(days=deal.notice_days)
            reason = f"a notice of {deal.notice_days} days ends it no sooner than its end from now on ({what})"
            terms = tuple(name for name in deal.term_ids if "notice" in name)
            yield Checkpoint(last, subject, reason, (*ids, *terms))


def _filings(sight: Sight, stop: date) -> Iterator[Checkpoint]:
    for party in sight.parties:
        for claim in sight.snapshot.find(subject=party, predicate=_FILES, topic=TOPIC):
            for year in range(sight.at.year, stop.year + 1):
                for month_day in claim.value.split():
                    due = _day(claim, f"{year}-{month_day}")
                    yield Checkpoint(
                        due, party, "its quarterly filing is due about now: backlog, debt, cash", (claim.id,)
                    )


def _options(sight: Sight) -> Iterator[Checkpoint]:
    known = set(sight.parties)
    for claim in sight.snapshot.find(topic=TOPIC):
        sides = {side.strip() for side in claim.subject.split("->")}
        if claim.predicate.endswith(_UNTIL) and known & sides:
            what = claim.predicate.removesuffix(_UNTIL)
            subject = " to ".join(side.strip() for side in claim.subject.split("->"))
            yield Checkpoint(
                _day(claim, claim.value), subject, f"the {what} runs until this day: {claim.note}", (claim.id,)
            )


def _day(claim: Claim, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(claim.id, claim.value, "give days such as 2030-12-31, or 01-29 for every year") from error


def _models(sight: Sight) -> Iterator[Checkpoint]:
    for surface, model in sight.used or ():
        day = sight.snapshot.retired_at(surface, model)
        if day is not None:
            ids = tuple(
                claim.id
                for claim in sight.snapshot.find(predicate="retirement")
                if claim.surface == surface and claim.models and claim.speaks_of(model)
            )
            yield Checkpoint(day, f"{model} on {surface}", "the surface stops serving the model", ids)


def _re_check(sight: Sight, readings: Iterable[Reading]) -> Iterator[Checkpoint]:
    """The day after which what a trigger rests on is too old to stand."""
    for one in readings:
        if one.evidence_on is not None:
            due = one.evidence_on + timedelta(days=sight.own.evidence_days + 1)
            subject = f"trigger {one.trigger.name}: {one.subject}"
            yield Checkpoint(due, subject, "its evidence becomes stale: re-check", one.claim_ids)


def _fired(one: Reading) -> str:
    stale = f"; {one.verdict}" if one.verdict != one.state.value else ""
    return f"{one.trigger.condition}: {one.value}; {one.trigger.owner}: {one.trigger.action}{stale}"


def _merged(found: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    merged: dict[tuple[date, str, str], set[str]] = {}
    for one in found:
        merged.setdefault((one.due, one.subject, one.reason), set()).update(one.claim_ids)
    return tuple(Checkpoint(*key, tuple(sorted(ids))) for key, ids in sorted(merged.items()))
