"""The real trace replayed: an hour of cache saves a small difference of large amounts, and how well it is foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from money.replayed import DAY, SNAPSHOT, replayed
from trivium.core import Money, Offer, UsageEvent
from trivium.lab.replay import select
from trivium.ledger import importers
from trivium.plan import BookMarket, band_starts, demand_from_events
from trivium.plan._market import demand_cost
from trivium.pricing import PriceBook

TRACE = Path(__file__).parents[3] / "shared/traces/claude_code"
HOME = Offer("anthropic", "global", "claude-opus-4-6")
BOOK = PriceBook.from_snapshot(SNAPSHOT)
STARTS = band_starts(BOOK)


def conversations() -> list[list[UsageEvent]]:
    """Some 2,600 requests of whole sessions, each sub-agent a conversation of its own, all on one model."""
    found: list[list[UsageEvent]] = []
    known = [event for event in importers.claude_code_trace.read(TRACE) if event.closed.usage.prompt_tokens > 0]
    for turns in select(known, requests_min=6000, seed=3):
        if sum(map(len, found)) <= 2500 and max(event.closed.usage.prompt_tokens for event in turns) <= 300_000:
            found.append([replace(event, opened=_home(event)) for event in turns])
    return found


def _home(event: UsageEvent) -> object:
    opened = event.opened
    return replace(opened, offer=HOME, session=opened.session + opened.tags.get("subagent", ""))


def saving(events: Sequence[UsageEvent]) -> Money:
    (demand,) = demand_from_events(events, band_starts=STARTS)
    market = BookMarket(BOOK, DAY.date())
    short, long = (demand_cost(demand.rows, HOME, life, market, STARTS, joined=False) for life in ("5m", "1h"))
    return Money(short - long)


@pytest.mark.trace
@pytest.mark.slow
@pytest.mark.skipif(not TRACE.exists(), reason="the Claude Code trace does not lie beside the checkout")
async def test_an_hour_of_cache_is_foretold_within_two_percent_where_re_use_is_recorded() -> None:
    """And within five percent of the bill from billed reads alone; docs/real-price.md says what that is worth."""
    talks = conversations()
    before, after = await replayed(talks, HOME), await replayed(talks, HOME, "1h")
    fell, bill = (before.bill - after.bill).picos, before.bill.picos
    recorded = sorted((event for turns in talks for event in turns), key=lambda event: event.opened.at)
    assert fell > 0
    assert abs(saving(recorded).picos - fell) <= 0.02 * fell
    assert abs(saving(before.events).picos - fell) <= 0.05 * bill
