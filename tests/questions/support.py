"""Small demands and the shipped claims of a day, for tests of the questions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

from trivium.catalog import Snapshot, load
from trivium.core import Offer
from trivium.plan import BandUsage, Demand, Minute

AT = date(2026, 11, 24)
MONTH = date(2026, 12, 31)
HOME = Offer("anthropic", "global", "claude-opus-5")


@lru_cache(maxsize=4)
def snapshot(at: date = AT) -> Snapshot:
    return load().snapshot(at)


def demand(
    home: Offer = HOME,
    *,
    workload: str = "desk",
    requests: int = 10,
    output: int = 100,
    cached: int = 0,
    code_hours: int = 0,
    minutes: tuple[tuple[int, int, int], ...] = (),
) -> Demand:
    """A demand on one offer; `minutes` are (minute, requests, uncached input tokens)."""
    row = BandUsage(
        home, 0, requests, 1000, output, cached, cached // 2, cached - cached // 2, 0, code_execution_hours=code_hours
    )
    return Demand(
        workload,
        home.model,
        (row,),
        minutes=tuple(Minute(minute, count, tokens, 0, 0, 0, 0) for minute, count, tokens in minutes),
        first_at=datetime(2026, 11, 1, tzinfo=UTC),
        last_at=datetime(2026, 11, 15, tzinfo=UTC),
    )
