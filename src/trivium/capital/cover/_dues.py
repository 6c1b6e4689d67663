"""What falls due by quarter at three degrees of firmness, from a ledger of deals, and run rates to hold it against."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from trivium.capital.deals import Deal, Kind, Stage
from trivium.catalog import Claim, Snapshot
from trivium.core import FactError

_OWED = frozenset({Kind.COMMIT, Kind.LEASE})
_MONTHS, _QUARTER, _BILLION = 12, 3, 10**9


class Degree(Enum):
    """How firm a commitment must be to count."""

    HEADLINE = "headline"
    CONTRACTED = "contracted"
    FIRM = "firm"  # contracted, and no notice gets out of it


@dataclass(frozen=True, slots=True)
class Due:
    """One deal's dues in USD by quarter, exact; `assumed` says what of its schedule no source gives."""

    deal_id: str
    getter: str
    usd: tuple[Fraction, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dues:
    """Everything that falls due to be paid by one party. `starts` are the first days of the quarters."""

    party: str
    degree: Degree
    starts: tuple[date, ...]
    deals: tuple[Due, ...]
    unknown: tuple[str, ...]

    @property
    def total_usd(self) -> tuple[Fraction, ...]:
        """The sum over the deals, by quarter."""
        return tuple(sum((due.usd[at] for due in self.deals), Fraction(0)) for at in range(len(self.starts)))


def dues(deals: Iterable[Deal], party: str, degree: Degree, start: date, quarters: int) -> Dues:
    """The dues of a party's commitments and leases over the quarters from a day on; what fell due before is past.

    Totals, letters of intent and rights are left out. The firm part of a deal is what falls due first: a notice ends
    what comes after it.
    """
    starts = quarter_starts(start, quarters)
    found, unknown = [], []
    for deal in deals:
        if deal.giver != party or deal.kind not in _OWED or not deal.counted or deal.stage is Stage.LETTER_OF_INTENT:
            continue
        if degree is not Degree.HEADLINE and deal.stage is not Stage.CONTRACTED:
            continue
        if deal.amount.point is None:
            unknown.append(deal.id)
            continue
        whole = Fraction(deal.amount.point.usd)
        cap = (deal.firm_usd or Fraction(0)) if degree is Degree.FIRM else whole
        until = [min(whole * deal.schedule.share_between(date.min, day), cap) for day in starts]
        usd = tuple(later - earlier for earlier, later in itertools.pairwise(until))
        found.append(Due(deal.id, deal.getter, usd, deal.schedule.assumed))
    return Dues(party, degree, starts[:-1], tuple(found), tuple(unknown))


def quarter_starts(day: date, quarters: int) -> tuple[date, ...]:
    """The first days of the quarters from a day on, and the day after the last."""
    return tuple(_after(day, index * _QUARTER) for index in range(quarters + 1))


def _after(day: date, months: int) -> date:
    year, month = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def run_rates(snapshot: Snapshot, party: str) -> tuple[tuple[date, Fraction, Claim], ...]:
    """Every claimed run rate of a party in USD a year, oldest first; FactError if none had been announced."""
    found = [
        (claim.valid_from, Fraction(claim.number), claim)
        for claim in snapshot.find(subject=party, predicate="run_rate_usd")
        if claim.number is not None and claim.valid_from is not None
    ]
    found += [  # the article counts in billions
        (claim.valid_from, Fraction(claim.number) * _BILLION, claim)
        for claim in snapshot.find(subject=party, predicate="run_rate_revenue")
        if claim.number is not None and claim.valid_from is not None and claim.unit == "USD bn/yr"
    ]
    if not found:
        raise FactError(f"no claim gives run_rate_usd of {party} by {snapshot.as_of}")
    return tuple(sorted(found, key=lambda one: one[0]))
