"""Months ahead: month k begins k calendar months after the day of the plan."""

from __future__ import annotations

from calendar import monthrange
from datetime import date


def month_starts(at: date, months: int) -> tuple[date, ...]:
    """First days, the day of the plan first."""
    return tuple(add_months(at, number) for number in range(months))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
