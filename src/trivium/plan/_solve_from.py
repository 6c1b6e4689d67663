"""Planning from the other rooms' values: a snapshot, its price book, and a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from trivium.catalog import Snapshot
from trivium.core import ROUTABLE_SURFACES, UsageEvent, UserError
from trivium.plan._candidates import CACHE_CAPABILITY, TOOL_CAPABILITY, Frame
from trivium.plan._claims import facts_from
from trivium.plan._demand import Demand, Reads
from trivium.plan._facts import Requirement
from trivium.plan._levers import Prices
from trivium.plan._make import make_plan
from trivium.plan._market import BookMarket, band_starts
from trivium.plan._measure import demand_from_events
from trivium.plan._plan import Plan
from trivium.pricing import PriceBook

CAPABILITIES = (*CACHE_CAPABILITY.values(), *TOOL_CAPABILITY.values())


class Events(Protocol):
    """What is asked of a ledger."""

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, workload: str | None = None
    ) -> Iterable[UsageEvent]:
        """Ended attempts by time of their start."""
        ...


def demand_from_ledger(
    ledger: Events,
    book: PriceBook,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    workload: str | None = None,
    reads: Reads = Reads.AUTO,
    progress: Callable[[int], None] | None = None,
) -> tuple[Demand, ...]:
    """Demand per (workload, model) of a ledger's attempts, in the prompt-length bands of a book."""
    events = ledger.events(since=since, until=until, workload=workload)
    return demand_from_events(events, band_starts=band_starts(book), reads=reads, progress=progress)


@dataclass(frozen=True)
class PlanOptions:
    """What may be set beside demand and requirements. `list_book` is the book without contracts, if there are any."""

    list_book: PriceBook | None = None
    surfaces: tuple[str, ...] = ROUTABLE_SURFACES
    quota_tiers: Mapping[str, str] = field(default_factory=dict)  # surface → usage tier
    horizon: timedelta = timedelta(days=30)  # an offer retired within it is out
    parts: int = 100  # what a workload divides into

    def __post_init__(self) -> None:
        for surface in self.surfaces:
            if surface not in ROUTABLE_SURFACES:
                raise UserError("surfaces", surface, f"use {', '.join(ROUTABLE_SURFACES)}")


def solve(
    demands: Sequence[Demand],
    requirements: Iterable[Requirement],
    snapshot: Snapshot,
    book: PriceBook,
    at: date,
    options: PlanOptions | None = None,
) -> Plan:
    """The plan at the prices and facts of a day; see `make_plan` for what it raises."""
    chosen = options or PlanOptions()
    given = tuple(requirements)
    models = sorted({demand.model for demand in demands} | {model for need in given for model in need.models})
    names = tuple(dict.fromkeys((*CAPABILITIES, *(name for need in given for name in need.capabilities))))
    facts = facts_from(snapshot, at, models, names, chosen.quota_tiers)
    market = BookMarket(book, at)
    listed = chosen.list_book
    plain = market if listed is None or listed.digest == book.digest else BookMarket(listed, at)
    frame = Frame(market, facts, at, chosen.horizon, chosen.surfaces)
    plan = make_plan(demands, given, frame, Prices(market, plain), parts=chosen.parts)
    return replace(plan, as_of=snapshot.as_of, snapshot_digest=snapshot.digest, book_digest=book.digest)
