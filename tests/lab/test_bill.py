"""The lab's own bill: exact amounts from its own table, by scope, band, tier and day; loud where no price exists."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import aiohttp
import pytest

from trivium.core import ManualClock, Money, NoPrice
from trivium.lab import LabServer
from trivium.lab.bill import UNITS, PriceTable

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICES = PriceTable.shipped()


def rate(
    surface: str, model: str, scope: str, unit: str, *, prompt: int = 10, tier: str = "standard", at: datetime = NOON
) -> str:
    """USD per million tokens."""
    return str(Money(PRICES.rates(surface, model, scope, tier, prompt, at)[unit] * 1_000_000))


def test_haiku_5_5_costs_five_times_as_much_beyond_a_hundred_thousand_tokens() -> None:
    assert rate("anthropic", "claude-haiku-5-5", "global", "output", prompt=100_000) == "0.5"
    assert rate("anthropic", "claude-haiku-5-5", "global", "output", prompt=100_001) == "2.5"


def test_opus_4_6_loses_its_long_context_premium_on_2026_03_13() -> None:
    before, after = datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)
    assert rate("anthropic", "claude-opus-4-6", "global", "input", prompt=200_001, at=before) == "10"
    assert rate("anthropic", "claude-opus-4-6", "global", "input", prompt=200_001, at=after) == "5"


def test_us_residency_and_regional_scopes_cost_a_tenth_more() -> None:
    assert rate("anthropic", "claude-opus-5", "us", "output") == "27.5"
    assert rate("bedrock", "claude-opus-5", "geo_or_regional", "output") == "27.5"
    assert rate("vertex", "claude-opus-5", "regional_or_multi_region", "output") == "27.5"
    assert rate("foundry", "claude-opus-5", "us_data_zone_standard", "output") == "27.5"


def test_sonnet_5_5_reads_became_cheaper_on_2026_10_07() -> None:
    before, after = datetime(2026, 10, 6, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)
    reads = [rate("anthropic", "claude-sonnet-5-5", "global", "cache_read", at=at) for at in (before, after)]
    assert reads == ["0.2", "0.1"]


def test_models_with_one_price_for_every_region_need_no_region() -> None:
    at = datetime(2026, 4, 15, tzinfo=UTC)
    assert rate("bedrock", "claude-opus-4-1", "geo_or_regional", "input", at=at) == "15"


def test_a_scope_without_a_long_context_price_raises_rather_than_take_the_short_one() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(NoPrice) as caught:
        PRICES.rates("anthropic", "claude-opus-4-6", "us", "standard", 200_001, at)
    assert "claude-opus-4-6" in caught.value.keys


def test_no_two_lines_of_the_table_hold_at_once() -> None:
    with (files("trivium.lab") / "data" / "prices.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        at = datetime.fromisoformat(row["from"] or "2023-01-01").replace(tzinfo=UTC)
        prompt = int(row["prompt_over"]) + 1
        found = PRICES.rates(row["surface"], row["model"], row["scope"], row["tier"], prompt, at)
        for unit in UNITS:
            if row[unit]:
                assert Money(found[unit] * 1_000_000) == Money.from_usd(row[unit])


async def test_a_request_is_billed_to_the_last_pico_dollar(lab: LabServer, post: Any) -> None:
    words = "a " * 599 + "a"
    marked = {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}
    content = [marked, {"type": "text", "text": "[[lab out=7]] b c"}]
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    await post(body)
    await post({**body, "stream": True})
    write = 600 * 5_000_000 + 2 * 4_000_000 + 7 * 20_000_000
    read = 600 * 200_000 + 2 * 4_000_000 + 7 * 20_000_000
    assert [line.amount.picos for line in lab.bill.lines] == [write, read]
    assert lab.bill.as_json()["total_usd"] == "0.003416"  # 0.003148 + 0.000268


async def test_us_residency_is_billed_as_such(lab: LabServer, post: Any) -> None:
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "inference_geo": "us"}
    _, answer, _ = await post({**body, "messages": [{"role": "user", "content": "[[lab out=5]] a"}]})
    assert answer["usage"]["inference_geo"] == "us"
    assert lab.bill.lines[0].scope == "us"
    assert lab.bill.total().picos == 1 * 4_400_000 + 5 * 22_000_000


async def test_fast_mode_is_billed_as_fast_and_refused_where_it_is_not_sold(lab: LabServer, post: Any) -> None:
    body = {"max_tokens": 9, "speed": "fast", "messages": [{"role": "user", "content": "[[lab out=5]] a"}]}
    _, answer, _ = await post({"model": "claude-opus-5-5", **body})
    refused, _, _ = await post({"model": "claude-sonnet-5-5", **body})
    assert (answer["usage"]["speed"], refused) == ("fast", 400)
    assert lab.bill.total().picos == 1 * 8_000_000 + 5 * 40_000_000


async def test_a_refused_request_costs_nothing(lab: LabServer, post: Any) -> None:
    status, _, _ = await post({"model": "claude-opus-5-5", "max_tokens": 9})
    assert (status, lab.bill.lines) == (400, [])


async def test_a_request_without_a_price_is_refused_loudly(session: aiohttp.ClientSession) -> None:
    """Opus 4.6 on US residency has no price for prompts over 200,000 tokens before 2026-03-13."""
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    async with LabServer(["anthropic"], clock=clock) as lab:
        body = {
            "model": "claude-opus-4-6",
            "max_tokens": 9,
            "inference_geo": "us",
            "messages": [{"role": "user", "content": "a " * 200_001}],
        }
        headers = {"x-api-key": lab.key(), "anthropic-version": "2023-06-01"}
        async with session.post(lab.url() + "/v1/messages", json=body, headers=headers) as response:
            answer = await response.json()
        assert response.status == 500
        assert "no answer without a price" in answer["error"]["message"]
        assert len(lab.bill.unpriced) == 1
        assert lab.bill.lines == []
