"""Time as an argument: a room that needs the time takes a Clock, so that a test or the lab can run its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time and a monotonic counter."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds from an arbitrary start, never going back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The machine's wall time in UTC."""
        return datetime.now(UTC)  # noqa: TID251  the one place where the wall clock is read

    def monotonic_ns(self) -> int:
        """The machine's monotonic counter."""
        return time.monotonic_ns()


class ManualClock:
    """A clock that stands until it is told to move; it never goes back by itself."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            msg = "a clock starts at an aware datetime"
            raise ValueError(msg)
        self._now = start.astimezone(UTC)
        self._monotonic_ns = 0

    def now(self) -> datetime:
        """The instant the clock stands at."""
        return self._now

    def monotonic_ns(self) -> int:
        """Nanoseconds advanced since the start."""
        return self._monotonic_ns

    def advance(self, by: timedelta) -> None:
        """Move forward by a non-negative duration."""
        if by < timedelta(0):
            msg = "a clock only moves forward"
            raise ValueError(msg)
        self._now += by
        self._monotonic_ns += int(by.total_seconds() * 1e9)

    def set(self, to: datetime) -> None:
        """Move to an instant; an earlier one is kept as it is (concurrent callers may arrive out of order)."""
        if to > self._now:
            self.advance(to - self._now)


def parse_utc(text: str) -> datetime:
    """An ISO 8601 date or instant as an aware UTC datetime; a bare date is its first instant."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
