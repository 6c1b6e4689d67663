"""An end that the ledger did not take at once is offered again: what was billed is known, and stays known."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.support import MemorySink, ask, json_answer, post, world
from trivium.core import Closed, LedgerError, Outcome, OutOfOrder, Quality
from trivium.gateway.flight import all_settled
from trivium.gateway.late import offer_again

SOON = (0.0, 0.001)


class BusySink(MemorySink):
    """A ledger that refuses ends for a while, as one whose file is locked does."""

    def __init__(self, *refusals: Exception) -> None:
        super().__init__()
        self.refusals = list(refusals)
        self.offers = 0

    async def closed(self, event: Closed) -> None:
        self.offers += 1
        if self.refusals:
            raise self.refusals.pop(0)
        await super().closed(event)


def locked() -> LedgerError:
    return LedgerError("database is locked")


async def an_end() -> Closed:
    at = world({"anthropic": [json_answer()]})
    await post(at, ask())
    (end,) = at.sink.closed_events
    return end


async def test_an_end_that_a_busy_ledger_did_not_take_is_recorded_later_with_its_exact_counts() -> None:
    at = world({"anthropic": [json_answer()]}, sink=BusySink(locked()))
    assert (await post(at, ask())).status == 200
    assert at.sink.closed_events == []
    await all_settled(5)
    at.sink.check()
    assert [(end.outcome, end.quality, end.usage.output) for end in at.sink.closed_events] == [
        (Outcome.OK, Quality.EXACT, 6)
    ]


async def test_a_shutdown_waits_for_such_an_end() -> None:
    at = world({"anthropic": [json_answer()]}, sink=BusySink(locked()), drain_s=0.1)
    await post(at, ask())
    await at.gateway.drain()
    at.sink.check()
    assert at.sink.outcomes() == [Outcome.OK]


async def test_an_end_is_offered_until_it_is_taken_and_then_no_more() -> None:
    sink = BusySink(*[locked() for _ in range(7)])
    end = await an_end()
    await offer_again(sink, end, SOON)
    assert sink.closed_events == [end]
    assert sink.offers == 8


async def test_an_end_that_the_ledger_will_never_take_is_not_offered_again() -> None:
    """It was recorded although the answer to it was lost: a second record would be a second bill."""
    sink = BusySink(locked(), OutOfOrder("closed already"))
    await offer_again(sink, await an_end(), SOON)
    assert (sink.offers, sink.closed_events) == (2, [])
    at = world({"anthropic": [json_answer()]}, sink=BusySink(OutOfOrder("closed already")))
    await post(at, ask())
    await all_settled(5)
    assert at.sink.closed_events == []


async def test_the_counts_of_an_end_that_never_found_its_ledger_are_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    end = await an_end()
    late = asyncio.ensure_future(offer_again(BusySink(), end, (60.0,)))
    await asyncio.sleep(0)
    late.cancel()
    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        await late
    assert f"event={end.event_id} ok input=12 output=6" in caplog.text
