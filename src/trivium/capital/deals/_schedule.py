"""When a deal's money moves: flat, ramp, at once or by given years; what was assumed of it is named."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from trivium.core import Money, UserError

SHAPES = ("flat", "ramp", "at once")
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Schedule:
    """Shares of an amount over time, exact. `start` and `end` are the first and the last day.

    flat: the same each month. ramp: from nothing, growing in a line. at once: all of it on the first day. given:
    `years` holds the share of each year. `assumed` says in sentences what no source gives.
    """

    shape: str
    start: date
    end: date
    years: tuple[tuple[int, Fraction], ...] = ()
    assumed: tuple[str, ...] = ()

    def share_of(self, year: int) -> Fraction:
        """The share of the amount that falls in a calendar year; over all years they add up to 1."""
        return self.share_between(date(year, 1, 1), date(year + 1, 1, 1))

    def due(self, amount: Money, year: int) -> Fraction:
        """What falls due in a calendar year, in USD, exact."""
        return Fraction(amount.usd) * self.share_of(year)

    def share_between(self, first: date, until: date) -> Fraction:
        """The share that falls due from a day on and before another; a given year is spread over its months."""
        return self._until(until) - self._until(first)

    @property
    def span(self) -> range:
        """The calendar years in which something falls due."""
        if self.years:
            return range(self.years[0][0], self.years[-1][0] + 1)
        return range(self.start.year, (self.start if self.shape == "at once" else self.end).year + 1)

    def _until(self, day: date) -> Fraction:
        """The share due before a day."""
        if self.years:
            part = (months(day) - day.year * _MONTHS) / _MONTHS
            gone = sum((share for year, share in self.years if year < day.year), Fraction(0))
            return gone + dict(self.years).get(day.year, Fraction(0)) * part
        if day <= self.start:
            return Fraction(0)
        if self.shape == "at once":
            return Fraction(1)
        first, last = months(self.start), months(self.end + timedelta(days=1))
        gone = min(max((months(day) - first) / (last - first), Fraction(0)), Fraction(1))
        return gone * gone if self.shape == "ramp" else gone


def months(day: date) -> Fraction:
    """A day as a number of months, so that every full year weighs the same."""
    return day.year * _MONTHS + day.month - 1 + Fraction(day.day - 1, calendar.monthrange(day.year, day.month)[1])


def years_after(day: date, count: Fraction) -> date:
    """The last day of a term of some years that begins on a day, to the month."""
    whole = day.year * _MONTHS + day.month - 1 + round(count * _MONTHS)
    year, month = divmod(whole, _MONTHS)
    first = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return first - timedelta(days=1)


def given_years(text: str, where: str) -> tuple[tuple[int, Fraction], ...]:
    """`2027: 40; 2028: 60` as the share of each year; the figures are weights. UserError names the claim."""
    remedy = f"give one of {', '.join(SHAPES)}, or years such as 2027: 40; 2028: 60"
    found: dict[int, Fraction] = {}
    try:
        for part in text.split(";"):
            year, _, weight = part.partition(":")
            found[int(year)] = Fraction(weight.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(where, text, remedy) from error
    total = sum(found.values())
    if min(found.values()) < 0 or not total:
        raise UserError(where, text, remedy)
    return tuple((year, weight / total) for year, weight in sorted(found.items()))
