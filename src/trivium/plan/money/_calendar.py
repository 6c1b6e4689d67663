"""Months ahead (month k begins k calendar months after the day of the plan), and the contracts in force in them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from trivium.plan.org import Contract


def month_starts(at: date, months: int) -> tuple[date, ...]:
    """First days, the day of the plan first."""
    return tuple(add_months(at, number) for number in range(months))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def in_force(contract: Contract, at: date, day: date) -> bool:
    """Whether a signed discount holds on a day: from its start (else the plan's day) for its term, on if it renews."""
    if contract.status != "signed" or contract.kind not in {"discount", "spend-commitment"}:
        return False
    start = contract.starts or at
    return start <= day and (contract.renews or day < add_months(start, contract.term_months))
