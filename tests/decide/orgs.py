"""A small organisation with three weeks of use, on the shipped catalogue."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

from plan.market import turn
from trivium import catalog
from trivium.catalog import Snapshot
from trivium.core import Offer, Usage
from trivium.plan import Demand, band_starts, demand_from_events
from trivium.plan.decide._frame import Given, fits_everywhere, same_tokens
from trivium.plan.org import About, Contract, Microsoft, Onboarding, Organisation, Workload
from trivium.plan.org import Usage as UsageSource
from trivium.pricing import PriceBook

AT = date(2026, 11, 20)
DAYS = 21
OPUS, SONNET = "claude-opus-5", "claude-sonnet-5"


class Silent:
    """Nobody says anything: the numbers alone."""

    def answers(self, *_: object) -> tuple[()]:
        return ()

    def dates(self, *_: object) -> tuple[()]:
        return ()

    def what_if(self, *_: object) -> tuple[()]:
        return ()

    def instead(self, *_: object) -> tuple[()]:
        return ()


SILENT = Silent()


@cache
def snapshot() -> Snapshot:
    return catalog.load().snapshot(AT)


@cache
def book() -> PriceBook:
    return PriceBook.from_snapshot(snapshot())


@cache
def demands() -> tuple[Demand, ...]:
    """`agents`: a conversation a day on Bedrock in the US; `search`: many short requests on the first party."""
    agents = Offer("bedrock", "us", OPUS)
    search = Offer("anthropic", "global", SONNET)
    events = []
    for day in range(DAYS):
        start = day * 86_400.0
        events += [
            turn(start + at, usage, offer=agents, workload="agents", session=f"a{day}")
            for at, usage in ((0, Usage(500, 2_000, 0, 90_000)), (120, Usage(500, 2_000, 90_000, 5_000)))
        ]
        events += [
            turn(start + 600 * hour, Usage(3_000, 400), offer=search, workload="search", session="")
            for hour in range(24)
        ]
    events.sort(key=lambda event: event.opened.at)
    return demand_from_events(events, band_starts=band_starts(book()))


def organisation(
    *, contracts: dict[str, Contract] | None = None, workloads: dict[str, Workload] | None = None, **about: object
) -> Organisation:
    """Free moves unless told otherwise, so that an amount is the price and nothing else."""
    free = {
        name: Onboarding(done=True, switch_days_per_workload=0)
        for name in ("anthropic", "bedrock", "vertex", "foundry")
    }  # type: ignore[arg-type]
    return Organisation(
        About(**{"name": "Test", "horizon_months": 12, "scenarios": 40, **about}),  # type: ignore[arg-type]
        workloads or {},
        contracts or {},
        Microsoft(),
        free,
        UsageSource(),
        (),
    )


def given(asked: Organisation | None = None, **changes: object) -> Given:
    found = Given(asked or organisation(), demands(), snapshot(), book(), AT, fits_everywhere, same_tokens)
    return replace(found, **changes)  # type: ignore[arg-type]


def months_of_span() -> float:
    """The measured span in months."""
    first = min(d.first_at for d in demands() if d.first_at)
    last = max(d.last_at for d in demands() if d.last_at)
    return (last - first) / timedelta(days=30.4375)
