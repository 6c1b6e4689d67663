"""What a lever is said to save is what the lab's bill falls by when the same sessions are replayed with it, within 2 %.

The lab counts tokens with one synthetic tokenizer and has no batches: a swap across tokenizers, and batch prices, are
checked by rating each request instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest

from money.replayed import DAY, SNAPSHOT, Replay, replayed, sessions
from trivium.core import Money, Offer, Usage, UsageEvent
from trivium.plan import band_starts, demand_from_events
from trivium.plan._market import BookMarket, demand_cost
from trivium.plan.money import Path, PriceAsk, RealPrice, real_price
from trivium.plan.org import Needs
from trivium.pricing import PriceBook, price

OPUS, SONNET = "claude-opus-4-6", "claude-sonnet-4-6"
HOME = Offer("anthropic", "global", OPUS)
WITHIN = 0.02
AT = DAY.date()


@cache
def book() -> PriceBook:
    return PriceBook.from_snapshot(SNAPSHOT)


def priced(events: Sequence[UsageEvent], needs: Needs) -> RealPrice:
    demands = demand_from_events(events, band_starts=band_starts(book()))
    surfaces = ("anthropic",)
    return real_price(
        PriceAsk("coding", demands, needs, SNAPSHOT, book(), AT, Path.flat(12), 30.4375, surfaces=surfaces)
    )


def step(found: RealPrice, name: str) -> Money:
    return next(item.step for item in found.worth if item.name == name)


def agrees(said: Money, before: Replay, after: Replay) -> bool:
    fell = (before.bill - after.bill).picos
    return abs(said.picos - fell) <= WITHIN * abs(fell)


async def test_the_measured_amount_is_the_bill() -> None:
    now = await replayed(sessions(OPUS, requests_min=60), HOME)
    assert priced(now.events, Needs()).measured == now.bill


async def test_an_hour_of_cache_saves_what_is_said_where_turns_are_minutes_apart() -> None:
    talks = sessions(OPUS, requests_min=200, pause_factor=12)
    before, after = await replayed(talks, HOME), await replayed(talks, HOME, "1h")
    said = step(priced(before.events, Needs()), "cache life")
    assert said.picos > 0
    assert agrees(said, before, after), (said, before.bill, after.bill)


async def test_an_hour_of_cache_costs_what_is_said_where_turns_are_seconds_apart() -> None:
    talks = sessions(OPUS, requests_min=200, pause_factor=0.1)
    before, after = await replayed(talks, HOME), await replayed(talks, HOME, "1h")
    assert step(priced(before.events, Needs()), "cache life") == Money(0)
    (demand,) = demand_from_events(before.events, band_starts=band_starts(book()))
    hour = demand_cost(demand.rows, HOME, "1h", BookMarket(book(), AT), demand.band_starts, joined=False)
    said = before.bill - Money(hour)
    assert said.picos < 0
    assert agrees(said, before, after), (said, before.bill, after.bill)


@pytest.mark.slow
async def test_prompts_that_are_rewritten_now_and_then_are_allowed_for() -> None:
    """Which ones will be is chance: the amounts agree over many sessions, not over each."""
    talks = [
        turns
        for seed in range(7, 13)
        for turns in sessions(OPUS, requests_min=600, pause_factor=12, seed=seed, rewrites=True)
    ]
    before, after = await replayed(talks, HOME), await replayed(talks, HOME, "1h")
    said = step(priced(before.events, Needs()), "cache life")
    assert agrees(said, before, after), (said, before.bill, after.bill)


async def test_leaving_a_region_saves_what_is_said() -> None:
    talks = sessions(OPUS, requests_min=100, pause_factor=0.1)
    before, after = await replayed(talks, replace(HOME, scope="us")), await replayed(talks, HOME)
    said = step(priced(before.events, Needs(scopes=("us", "global"))), "region scope")
    assert said.picos > 0
    assert agrees(said, before, after), (said, before.bill, after.bill)


async def test_another_model_of_the_same_tokenizer_saves_what_is_said() -> None:
    before = await replayed(sessions(OPUS, requests_min=100, pause_factor=0.1), HOME)
    after = await replayed(sessions(SONNET, requests_min=100, pause_factor=0.1), replace(HOME, model=SONNET))
    said = step(priced(before.events, Needs(models=(SONNET,))), "model")
    assert said.picos > 0
    assert agrees(said, before, after), (said, before.bill, after.bill)


async def test_all_levers_together_save_what_is_said() -> None:
    before = await replayed(sessions(OPUS, requests_min=200, pause_factor=12), replace(HOME, scope="us"))
    after = await replayed(sessions(SONNET, requests_min=200, pause_factor=12), replace(HOME, model=SONNET), "1h")
    found = priced(before.events, Needs(models=(SONNET,), scopes=("us", "global")))
    assert min(step(found, name).picos for name in ("cache life", "region scope", "model")) > 0
    assert agrees(found.measured - found.levered, before, after), (found.levered, before.bill, after.bill)


async def test_the_share_that_may_wait_is_rated_request_by_request_as_a_batch_without_cache_hits() -> None:
    """The lab has no batches. Without reads in the prompt a batch is half of everything; its worth is 40 % of that."""
    talks = [turns[:1] for turns in sessions(OPUS, requests_min=100)]  # first turns read nothing
    now = await replayed(talks, HOME)
    batch = replace(HOME, tier="batch")
    rated = 0
    for event in now.events:
        usage = event.closed.usage
        assert not usage.cache_read
        plain = replace(usage, input=usage.prompt_tokens, cache_read=0, cache_write_5m=0, cache_write_1h=0)
        rated += price(plain, batch, AT, book()).amount.picos
    said = step(priced(now.events, Needs(batchable_percent=Decimal(40))), "batch")
    assert said.picos == pytest.approx(0.4 * (now.bill.picos - rated), abs=1)


async def test_what_outlives_a_rewritten_prompt_is_read_again() -> None:
    """As a system prompt is after a compaction: the lab reads what was recorded, no less."""
    (first, *_) = sessions(OPUS, requests_min=60)
    shapes = [(0, 20_000), (20_000, 1_000), (21_000, 2_000), (9_000, 30_000), (39_000, 500), (8_000, 4_000)]
    turns = [
        replace(
            first[0],
            opened=replace(
                first[0].opened, at=first[0].opened.at + timedelta(seconds=30 * number), event_id=f"evt_{number}"
            ),
            closed=replace(
                first[0].closed,
                event_id=f"evt_{number}",
                usage=Usage(input=0, output=50, cache_read=read, cache_write_5m=more, cache_write_1h=0),
            ),
        )
        for number, (read, more) in enumerate(shapes)
    ]
    found = await replayed([turns], HOME)
    assert [event.closed.usage.cache_read for event in found.events] == [read for read, _ in shapes]
