"""What a real ledger says a request cost is what the surface's bill says, to the last pico-dollar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway_upstream.test_through_the_lab import AT, CACHED, SNAPSHOT, site
from trivium.core import ManualClock, Money
from trivium.ledger import Ledger
from trivium.pricing import PriceBook

BOOK = PriceBook.from_snapshot(SNAPSHOT)
OPUS_5_PICOS = {"input": 5_000_000, "output": 25_000_000, "cache_write_1h": 10_000_000, "cache_read": 500_000}


@pytest.mark.parametrize(
    ("surface", "settings", "premium_percent"),
    [
        ("claude-aws", {}, 0),
        ("claude-aws", {"scope": "us"}, 10),  # kept by inference_geo
        ("anthropic", {}, 0),
        ("foundry", {}, 0),
        ("vertex", {}, 0),
        ("vertex", {"scope": "us"}, 10),  # a multi-region
        ("claude-gcp", {}, 0),
        ("claude-gcp", {"scope": "us"}, 10),
        ("bedrock", {"scope": "global"}, 0),
        ("bedrock", {"scope": "us"}, 10),
        ("bedrock", {"scope": "global", "deployments": {"claude-opus-5": "us.anthropic.claude-opus-5"}}, 10),
        ("bedrock-mantle", {}, 10),
        ("bedrock-mantle", {"scope": "us"}, 10),
        ("bedrock-mantle", {"scope": "global"}, 10),  # a region's endpoint sells at the region's price, whatever asked
    ],
)
async def test_the_ledgers_money_is_the_bills(
    tmp_path: Path, surface: str, settings: dict[str, Any], premium_percent: int
) -> None:
    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(AT), book=lambda: BOOK) as ledger:
        sink = ledger.sink()
        async with site(tmp_path, surface, sink=sink, **settings) as at:
            for stream in (False, True):
                reply = await at.post({**CACHED, "stream": stream})
                assert reply.status == 200, reply.body
            billed = at.lab.bill
            counts = {unit: sum(line.tokens[unit] for line in billed.lines) for unit in OPUS_5_PICOS}
        await sink.close()
        (row,) = ledger.spend(("surface",))
        ratings = [ledger.rating(event.opened.event_id) for event in ledger.events()]
    assert min(counts.values()) > 0
    assert counts["cache_read"] == counts["cache_write_1h"]
    expected = sum(count * OPUS_5_PICOS[unit] for unit, count in counts.items()) * (100 + premium_percent) // 100
    assert (row.keys, row.amount, row.unpriced) == ((surface,), Money(expected), 0)
    assert billed.total(surface=surface) == Money(expected)
    assert sorted(rating.amount for rating in ratings) == sorted(line.amount for line in billed.lines)
