"""On real Claude Code sessions over three surfaces the cache is read as if there were one surface only."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from bench.affinity import BAR, START, TRACE, Line, Way, chosen, recorded, run, ways

from trivium.core import Closed, Offer, Opened, Outcome, Usage, UsageEvent
from trivium.pricing import PriceBook


def lines(events: list[UsageEvent], requests_min: int) -> dict[str, Line]:
    asked = chosen(events, requests_min)
    book = PriceBook((), START.date())
    routed: list[Way] = ways(asked)
    return {way.name: asyncio.run(run(way, asked, book)) for way in routed}


def judge(found: dict[str, Line]) -> None:
    single = found["single surface"].hit_rate
    assert {line.failed for line in found.values()} == {0}
    for name in ("affinity by session", "affinity by prefix", "weights turned midway", "one down for 10 minutes"):
        assert found[name].hit_rate >= BAR * single, name
    assert found["no affinity"].hit_rate < BAR * single  # else there was nothing to gain, and this shows nothing


@pytest.mark.trace
@pytest.mark.skipif(not TRACE.exists(), reason=f"the Claude Code trace is not at {TRACE}")
def test_the_hit_rate_of_real_sessions_is_that_of_a_single_surface_within_two_percent() -> None:
    found = lines(recorded(), 1500)
    judge(found)
    assert found["one down for 10 minutes"].moved > 0


def drawn(sessions: int, turns: int) -> list[UsageEvent]:
    """Sessions that grow by a thousand tokens a minute, and now and then fall silent for ten."""
    events: list[UsageEvent] = []
    for session in range(sessions):
        at = START + timedelta(seconds=20 * session)
        for turn in range(turns):
            at += timedelta(minutes=10 if (7 * session + 3 * turn) % 19 == 0 else 1)
            name = f"s{session}/{turn}"
            opened = Opened(
                name, name, 1, at, Offer("anthropic", "global", "claude-opus-4-5"), "w", session=f"s{session}"
            )
            usage = Usage(output=50, cache_read=20_000 + 1000 * (turn - 1) if turn else 0)
            grown = 20_000 + 1000 * turn - (usage.cache_read or 0)
            usage = Usage(output=50, cache_read=usage.cache_read, cache_write_5m=grown)
            events.append(UsageEvent(opened, Closed(name, at, Outcome.OK, usage)))
    return events


def test_the_same_holds_for_drawn_sessions_where_there_is_no_trace() -> None:
    found = lines(drawn(12, 20), 240)
    judge(found)
    assert found["one down for 10 minutes"].moved > 0
    assert found["weights turned midway"].moved == 0
