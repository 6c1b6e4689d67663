"""Months ahead: month k begins k calendar months after the day of the plan, and a month of a pace is a twelfth year."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

DAYS_PER_MONTH = 30.4375  # a year of 365.25 days in twelve


def month_starts(at: date, months: int) -> tuple[date, ...]:
    """First days, the day of the plan first."""
    return tuple(add_months(at, number) for number in range(months))


def last_days(at: date, months: int) -> tuple[date, ...]:
    """The last day of every month."""
    return tuple(add_months(at, number + 1) - timedelta(days=1) for number in range(months))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
