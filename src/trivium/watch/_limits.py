"""Spend limits on any dimension or tag, per day or month: where they stand, and which alerts that calls for.

Alerts are computed from the ledger, so that they cannot disagree with it. A limit here warns and never blocks;
enforcement belongs to admission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Literal

from trivium.core import ZERO, Money

Window = Literal["day", "month"]
# (where, since, until) -> the spend recorded in that span, and how many of its attempts have no price yet
SpendBetween = Callable[[Mapping[str, str], datetime, datetime], tuple[Money, int]]

# The forecast extends the spend of a trailing span, which must hold enough of a rhythm to mean something.
_TRAILING: Mapping[Window, timedelta] = {"day": timedelta(hours=6), "month": timedelta(days=7)}
_TRAILING_MIN: Mapping[Window, timedelta] = {"day": timedelta(hours=1), "month": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` per window for the events that `where` picks (all of them when it is empty)."""

    name: str
    amount: Money
    window: Window
    where: Mapping[str, str] = field(default_factory=dict)
    thresholds: tuple[float, ...] = (0.5, 0.8, 1.0)
    forecast: bool = True
    notify: tuple[str, ...] = ()


class Kind(Enum):
    """Why an alert was raised."""

    THRESHOLD = "threshold"
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell, once: a threshold that was reached, or a day on which the limit will be."""

    limit: Limit
    kind: Kind
    threshold: float
    window_start: datetime
    spent: Money
    at: datetime
    crossing_at: datetime | None = None
    unpriced: int = 0

    @property
    def key(self) -> str:
        """What makes the alert the same as one that was already delivered."""
        since = self.window_start.date().isoformat()
        of_limit = f"{self.limit.name}|{self.limit.amount} USD|{self.limit.window}"  # a raised limit is another one
        return f"{of_limit}|{since}|{self.kind.value}|{self.threshold:g}"

    @property
    def title(self) -> str:
        """One line."""
        if self.kind is Kind.FORECAST and self.crossing_at is not None:
            return f"{self.limit.name}: on course to pass its limit on {self.crossing_at:%Y-%m-%d %H:%M} UTC"
        return f"{self.limit.name}: {self.threshold:.0%} of its {self.limit.window} limit is spent"

    @property
    def body(self) -> str:
        """The figures behind the line."""
        where = ", ".join(f"{name}={value}" for name, value in sorted(self.limit.where.items())) or "everything"
        text = (
            f"Spent {self.spent.rounded(4)} of {self.limit.amount.rounded(2)} USD since "
            f"{self.window_start:%Y-%m-%d} ({where}), as of {self.at:%Y-%m-%d %H:%M} UTC."
        )
        if self.unpriced:
            text += f" {self.unpriced} attempts have no price yet and are not in that figure."
        return text


@dataclass(frozen=True, slots=True)
class LimitState:
    """Where a limit stands now."""

    limit: Limit
    window_start: datetime
    window_end: datetime
    spent: Money
    unpriced: int
    crossing_at: datetime | None  # when the limit is passed at the trailing rate; None: not within this window

    @property
    def share(self) -> Fraction:
        """Spent over the limit, exact."""
        return Fraction(self.spent.picos, self.limit.amount.picos)


def window_bounds(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """First instant of the current day or month in UTC, and the first instant after it."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return day, day + timedelta(days=1)
    start = day.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def forecast_crossing(
    *, spent: Money, amount: Money, trailing: Money, span: timedelta, now: datetime, window_end: datetime
) -> datetime | None:
    """When `spent` reaches `amount` if the spend of the last `span` goes on evenly; None if not within the window."""
    if spent >= amount or trailing <= ZERO or span <= timedelta(0):
        return None
    seconds = Fraction(amount.picos - spent.picos, trailing.picos) * Fraction(span / timedelta(microseconds=1)) / 10**6
    if seconds >= (window_end - now).total_seconds():
        return None
    return now + timedelta(seconds=float(seconds))


def state(limit: Limit, spend: SpendBetween, now: datetime, first_event_at: datetime | None) -> LimitState:
    """Where a limit stands, with its forecast when the ledger reaches back far enough for one."""
    start, end = window_bounds(limit.window, now)
    spent, unpriced = spend(limit.where, start, end)
    crossing = None
    if limit.forecast and first_event_at is not None:
        span = min(_TRAILING[limit.window], now - first_event_at)
        if span >= _TRAILING_MIN[limit.window]:
            trailing, _ = spend(limit.where, now - span, now)
            crossing = forecast_crossing(
                spent=spent, amount=limit.amount, trailing=trailing, span=span, now=now, window_end=end
            )
    return LimitState(limit, start, end, spent, unpriced, crossing)


def check(limits: Iterable[Limit], spend: SpendBetween, now: datetime, first_event_at: datetime | None) -> list[Alert]:
    """Every alert that holds now, delivered before or not: reached thresholds, then forecasts."""
    alerts = []
    for limit in limits:
        found = state(limit, spend, now, first_event_at)
        alerts += [
            Alert(limit, Kind.THRESHOLD, threshold, found.window_start, found.spent, now, None, found.unpriced)
            for threshold in sorted(limit.thresholds)
            if found.share >= Fraction(str(threshold))
        ]
        if found.crossing_at is not None:
            alerts.append(
                Alert(
                    limit, Kind.FORECAST, 1.0, found.window_start, found.spent, now, found.crossing_at, found.unpriced
                )
            )
    return alerts
