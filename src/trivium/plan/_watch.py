"""When workloads were measured: sources from different times must not be stretched over the time between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trivium.core import UserError
from trivium.plan._demand import Demand

_APART = timedelta(days=7)  # a longer pause between two sources, and they were not watched together


@dataclass(frozen=True, slots=True)
class Watch:
    """Workloads measured at the same time, and when that was."""

    workloads: tuple[str, ...]
    since: datetime
    until: datetime


def watches(demands: Sequence[Demand]) -> tuple[Watch, ...]:
    """Workloads whose measured times meet, or nearly, by time; UserError where no times are known."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for demand in demands:
        if demand.first_at is None or demand.last_at is None:
            raise UserError(f"workloads.{demand.workload}", "no instants", "give usage with the time of each request")
        first, last = spans.get(demand.workload, (demand.first_at, demand.last_at))
        spans[demand.workload] = min(first, demand.first_at), max(last, demand.last_at)
    found: list[Watch] = []
    for name, (first, last) in sorted(spans.items(), key=lambda item: item[1]):
        if found and first <= found[-1].until + _APART:
            before = found.pop()
            found.append(Watch((*before.workloads, name), before.since, max(before.until, last)))
        else:
            found.append(Watch((name,), first, last))
    return tuple(found)
