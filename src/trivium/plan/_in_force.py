"""When a contract holds, in days: its terms, renewed or not, and the years they are settled by. One rule for all.

A signed contract that renews goes on in whole terms; an offer is judged for its own term. A day on which a term ends is
no longer in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
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
