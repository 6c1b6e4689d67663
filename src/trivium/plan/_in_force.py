"""When a contract holds, in days: its terms, renewed or not, and the years they are settled by. One rule for all.

A signed contract that renews goes on in whole terms; an offer is judged for its own term. A day on which a term ends is
no longer in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from trivium.plan._months import add_months

if TYPE_CHECKING:  # the organisation's own room asks this module too
    from trivium.plan.org import Contract

_YEAR = 12


def terms(contract: Contract, at: date, until: date) -> Iterator[tuple[date, date]]:
    """(first day, day after the last) of each term that begins before a day; the first one always."""
    start, number = contract.starts or at, 0
    goes_on = contract.renews and contract.status == "signed"
    while True:
        first = add_months(start, number * contract.term_months)
        if number and (not goes_on or first >= until):
            return
        number += 1
        yield first, add_months(start, number * contract.term_months)


def years(contract: Contract, at: date, until: date) -> Iterator[tuple[date, date, float]]:
    """Each term cut into years from its first day: (first day, day after the last, share of a year's amount)."""
    start = contract.starts or at
    for number, _ in enumerate(terms(contract, at, until)):
        for month in range(0, contract.term_months, _YEAR):
            length = min(_YEAR, contract.term_months - month)
            first = number * contract.term_months + month
            yield add_months(start, first), add_months(start, first + length), length / _YEAR


def in_force(contract: Contract, at: date, day: date) -> bool:
    """Whether a signed discount, or the discount of a signed commitment, holds on a day."""
    if contract.status != "signed" or contract.kind not in {"discount", "spend-commitment"}:
        return False
    return any(first <= day < end for first, end in terms(contract, at, day + timedelta(days=1)))


def next_renewal(contract: Contract, at: date) -> tuple[date, date] | None:
    """The next day on which a signed contract renews that notice can still prevent, and the last day to give it."""
    if not contract.renews or contract.status != "signed":
        return None
    start, number = contract.starts or at, 1
    while (end := add_months(start, number * contract.term_months)) - timedelta(days=contract.notice_days) < at:
        number += 1
    return end, end - timedelta(days=contract.notice_days)


def place(at: date, day: date) -> float:
    """Where a day begins on the axis of the plan's months: 1.5 is half through the days of the second one."""
    month = (day.year - at.year) * _YEAR + day.month - at.month
    if add_months(at, month) > day:
        month -= 1
    first = add_months(at, month)
    return month + (day - first).days / (add_months(at, month + 1) - first).days


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a signed contract still binds to: the day it ends, what is left of its amount, and what else burns it down.

    `ends` is the first day on which it no longer binds, with a renewal that notice can no longer prevent. Amounts are
    USD, exact; `usd` is None where the contract has none (a discount). `notice_by`: the last day to prevent the next
    renewal, or, without renewals, the day on which its notice would have to be given.
    """

    ends: date
    notice_by: date | None
    usd: Fraction | None
    other_usd: Fraction


def remaining(contract: Contract, at: date) -> Remaining | None:
    """What a signed contract still binds to on a day; None for offers, and for what has ended."""
    if contract.status != "signed":
        return None
    renewal = next_renewal(contract, at)
    spans = list(terms(contract, at, at + timedelta(days=1) if renewal is None else renewal[0]))
    ends = spans[-1][1] if renewal is None else renewal[0]
    if ends <= at:
        return None
    notice = ends - timedelta(days=contract.notice_days) if contract.notice_days else None
    if renewal is not None:
        notice = renewal[1]
    usd = other = Fraction(0)
    for first, end, _ in years(contract, at, ends):
        if end <= at or first >= ends:
            continue
        left = Fraction((min(end, ends) - max(first, at)).days, 365)
        other += Fraction(contract.other_spend_usd_per_year or 0) * left
        usd += _left_of_year(contract, at, (first, end), left)
    has_amount = contract.commitment_usd_per_year or contract.price_usd_per_unit_hour
    return Remaining(ends, notice, usd if has_amount else None, other)


def _left_of_year(contract: Contract, at: date, span: tuple[date, date], left: Fraction) -> Fraction:
    """What is left of one settled year: as stated for the one that runs, else its days' part of the amount."""
    first, end = span
    if contract.price_usd_per_unit_hour:
        return Fraction(contract.price_usd_per_unit_hour) * contract.units_min * 24 * left * 365
    if contract.remaining_usd and first <= at < end:
        return Fraction(contract.remaining_usd)
    months = (end.year - first.year) * _YEAR + end.month - first.month
    whole = Fraction(contract.commitment_usd_per_year or 0) * Fraction(months, _YEAR)
    return whole if first >= at else whole * Fraction((end - at).days, (end - first).days)
