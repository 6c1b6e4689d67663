"""A small hand-made world: one book whose sums a reviewer can redo, and attempts to record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from trivium.core import Closed, ManualClock, Offer, Opened, Outcome, Quality, Usage, UsageEvent, rate_picos
from trivium.ledger import Ledger
from trivium.pricing import PriceBook

NOON = datetime(2026, 4, 15, 12, tzinfo=UTC)
OPUS = Offer("anthropic", "global", "claude-opus-5")
# Dollars per million tokens, and per search: input 5, output 25, read 0.50, writes 6.25 and 10, search 0.01.
RATES = {"input": "5", "output": "25", "cache_read": "0.5", "cache_write_5m": "6.25", "cache_write_1h": "10"}


@dataclass(frozen=True, slots=True)
class HandCell:
    """A price cell written by hand."""

    id: str
    surface: str
    model: str
    scope: str
    tier: str
    unit: str
    band: tuple[int, int | None]
    rate_picos: int
    amount_usd: Decimal
    valid_from: date | None = None
    valid_until: date | None = None
    status: str = "documented"
    claim_ids: tuple[str, ...] = ()


def cell(unit: str, usd: str, *, offer: Offer = OPUS, per_item: bool = False) -> HandCell:
    """One cell of an offer, for every prompt length and day."""
    picos = int(Decimal(usd) * 10**12) if per_item else rate_picos(usd)
    name = f"{offer.surface}/{offer.scope}/{offer.model}/{offer.tier}/{unit}"
    claims = (f"claim:{offer.model}:{unit}",)
    place = (offer.surface, offer.model, offer.scope, offer.tier)
    return HandCell(name, *place, unit, (0, None), picos, Decimal(usd), claim_ids=claims)


def book(offer: Offer = OPUS, rates: Mapping[str, str] | None = None) -> PriceBook:
    """A book of one offer."""
    cells = [cell(unit, usd, offer=offer) for unit, usd in (rates or RATES).items()]
    return PriceBook([*cells, cell("web_search", "0.01", offer=offer, per_item=True)], date(2026, 4, 15))


def clock(at: datetime = NOON) -> ManualClock:
    """A clock that stands."""
    return ManualClock(at)


def ledger(path: Path, **settings: Any) -> Ledger:
    """A ledger in a folder, with the book of this world unless another is given."""
    settings = {"clock": clock(), "book": book} | settings
    return Ledger.open(path / "ledger.db", **settings)


def opened(name: str = "e1", **values: Any) -> Opened:
    """The start of an attempt at noon."""
    standard = {
        "event_id": name,
        "request_id": f"req_{name}",
        "attempt": 1,
        "at": NOON,
        "offer": OPUS,
        "workload": "chat",
        "session": "s1",
        "stream": True,
        "tags": {"team": "blue"},
        "prompt_bytes": 4000,
        "max_output_tokens": 1000,
    }
    return Opened(**standard | values)


def closed(name: str = "e1", **values: Any) -> Closed:
    """The end of an attempt two seconds later: 1000 new tokens, 200 of output."""
    standard = {
        "event_id": name,
        "at": NOON + timedelta(seconds=2),
        "outcome": Outcome.OK,
        "usage": Usage(input=1000, output=200),
        "quality": Quality.EXACT,
        "http_status": 200,
        "ttft_ms": 300,
        "latency_ms": 2000,
        "upstream_request_id": "req_011",
        "stop_reason": "end_turn",
    }
    return Closed(**standard | values)


def event(name: str = "e1", *, usage: Usage | None = None, **values: Any) -> UsageEvent:
    """An attempt whole; `values` go to its start."""
    end = closed(name) if usage is None else closed(name, usage=usage)
    return UsageEvent(opened(name, **values), end)


def ledger_events(folder: Path) -> list[UsageEvent]:
    """What a ledger in a folder holds."""
    with ledger(folder) as found:
        return list(found.events())


@contextmanager
def raw(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file behind a ledger, for damage."""
    connection = sqlite3.connect(folder / "ledger.db")
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()
