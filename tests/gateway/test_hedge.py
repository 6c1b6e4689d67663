"""Hedging: only where a workload asks for it, within the budget of attempts, and the client gets one answer whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.support import (
    MODEL,
    STARTED,
    Answer,
    MemorySink,
    PlainCredential,
    PlainUpstream,
    World,
    ask,
    error_answer,
    get,
    json_answer,
    post,
    sse_answer,
    stream,
    world,
)
from gateway.test_endings import Counting, start, until
from trivium.core import (
    ANY,
    Closed,
    Decision,
    LedgerError,
    Offer,
    Opened,
    Outcome,
    Quality,
    Resource,
    Route,
    RouteTable,
    Target,
    TerminalState,
)
from trivium.gateway.seams import Outbound

AFTER_S = 0.03
FIRST, SECOND = stream(["first ", "answer"]), stream(["second ", "answer"])


def silent() -> Answer:
    return Answer(wait=asyncio.Event())


def hedged(answers: dict[str, list[Answer]], **options: Any) -> World:
    return world(answers, **({"hedge_after_s": {"coding": AFTER_S}} | options))


def ends(at: World) -> dict[str, Closed]:
    """How the attempt at each surface ended."""
    at.sink.check()
    surfaces = {opened.event_id: opened.offer.surface for opened in at.sink.opened_events}
    return {surfaces[closed.event_id]: closed for closed in at.sink.closed_events}


async def test_a_silent_surface_is_overtaken_and_recorded_with_its_bounds() -> None:
    at = hedged({"anthropic": [silent()], "vertex": [sse_answer(SECOND)]})
    response = await asyncio.wait_for(post(at, ask(stream=True)), 2)
    assert response.body == b"".join(SECOND)
    assert (response.headers["x-trivium-surface"], response.headers["x-trivium-attempts"]) == ("vertex", "2")
    found = ends(at)
    assert (found["vertex"].outcome, found["vertex"].quality) == (Outcome.OK, Quality.EXACT)
    lost = found["anthropic"]
    assert (lost.outcome, lost.error_type) == (Outcome.CANCELLED, "hedge_lost")
    assert lost.terminal_state is TerminalState.HEDGE_LOST
    assert (lost.quality, lost.usage.input) == (Quality.UNKNOWN, None)
    assert lost.usage_lower is not None
    assert lost.usage_upper is not None
    assert (lost.usage_lower.output, lost.usage_upper.output) == (0, 100)
    assert sorted(opened.attempt for opened in at.sink.opened_events) == [1, 2]
    chosen = [considered.code for considered in Decision.decode(at.sink.opened_events[1].decision).considered]
    assert chosen == ["hedge"]
    metrics = (await get(at, "/metrics")).body.decode()
    assert 'trivium_hedges_total{from_surface="anthropic",to_surface="vertex"} 1.0' in metrics


async def test_the_first_may_still_win() -> None:
    """It begins after the second was asked and before that one begins."""
    hold = asyncio.Event()
    first = sse_answer(FIRST)
    first.wait = hold
    at = hedged({"anthropic": [first], "vertex": [sse_answer(SECOND[:1], hold=asyncio.Event())]})
    work = asyncio.ensure_future(post(at, ask(stream=True)))
    await until(lambda: len(at.transport.inbounds) == 1)  # the second has answered, with no content yet
    hold.set()
    response = await asyncio.wait_for(work, 2)
    assert response.body == b"".join(FIRST)
    assert response.headers["x-trivium-surface"] == "anthropic"
    assert ends(at)["vertex"].error_type == "hedge_lost"
    assert ends(at)["vertex"].usage.input == 12  # its opening event was read
    assert all(inbound.closed for inbound in at.transport.inbounds)


@pytest.mark.parametrize(
    "options", [{"hedge_after_s": {}}, {"hedge_after_s": {"another": AFTER_S}}], ids=["off", "other"]
)
async def test_nobody_is_hedged_who_did_not_ask_for_it(options: dict[str, Any]) -> None:
    slow = sse_answer(FIRST)
    slow.pause_s = AFTER_S * 2
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]}, **options)
    assert (await post(at, ask(stream=True))).body == b"".join(FIRST)
    assert list(ends(at)) == ["anthropic"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_what_is_not_streamed_is_not_hedged(path: str) -> None:
    """It is silent until it is whole, so it would nearly always be paid for twice."""
    slow = json_answer()
    slow.pause_s = AFTER_S * 2
    at = hedged({"anthropic": [slow], "foundry": [json_answer()]})
    await post(at, ask(), path=path)
    assert list(ends(at)) == ["anthropic"]


async def test_a_surface_that_has_begun_is_not_overtaken() -> None:
    """Its first content came in time; how long the rest takes is no matter."""
    slow = sse_answer(FIRST)
    slow.pause_s = 0.1
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]}, hedge_after_s={"coding": 0.6})
    assert (await post(at, ask(stream=True))).body == b"".join(FIRST)
    assert list(ends(at)) == ["anthropic"]


async def test_a_client_that_was_pinged_in_the_name_of_one_is_not_answered_by_another() -> None:
    """The status and `x-trivium-surface` had gone out: the second's answer came under the first one's name."""
    first = sse_answer(FIRST, pauses_s=[AFTER_S * 3] + [0] * (len(FIRST) - 1))
    at = hedged({"anthropic": [first], "vertex": [sse_answer(SECOND)]}, ping_interval_s=AFTER_S / 3)
    response = await asyncio.wait_for(post(at, ask(stream=True)), 2)
    assert b"first " in response.body
    assert response.headers["x-trivium-surface"] == "anthropic"
    assert list(ends(at)) == ["anthropic"]


async def test_hedges_stay_within_the_budget_of_extra_attempts() -> None:
    """Of thirty silent requests at most three get a second attempt: one in ten."""
    slow = sse_answer(FIRST)
    slow.pause_s = AFTER_S
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]}, retry_ratio=0.1, retry_floor_per_s=0.0)
    await asyncio.gather(*(post(at, ask(stream=True)) for _ in range(30)))
    asked = [sent.surface for sent in at.transport.sent]
    assert asked.count("anthropic") == 30
    assert 1 <= asked.count("vertex") <= 3
    at.sink.check()


async def test_a_hedge_is_never_another_model() -> None:
    offers = [Offer("anthropic", "global", ANY), Offer("vertex", "global", "claude-opus-5")]
    routes = RouteTable((Route(ANY, ANY, (Target(offers[0], 100), Target(offers[1], 0))),), "1")
    slow = sse_answer(FIRST)
    slow.pause_s = AFTER_S * 2
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]}, routes=routes)
    assert (await post(at, ask(stream=True))).body == b"".join(FIRST)
    assert {opened.offer.model for opened in at.sink.opened_events} == {MODEL}


async def test_a_hedge_never_goes_where_a_file_of_the_request_does_not_lie() -> None:
    slow = sse_answer(FIRST)
    slow.pause_s = AFTER_S * 2
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]})
    await at.gateway._auxiliary.resources.register(
        Resource("file", "file_1", "anthropic", "coding", "key_1", "req_1", STARTED)
    )
    block = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    response = await post(at, ask(stream=True, messages=[{"role": "user", "content": [block]}]))
    assert response.body == b"".join(FIRST)
    assert [sent.surface for sent in at.transport.sent] == ["anthropic"]


async def test_a_client_that_leaves_ends_both() -> None:
    at = hedged(
        {"anthropic": [silent()], "vertex": [silent()], "foundry": [sse_answer(SECOND)]},
        surface={"on_disconnect": "drain"},
    )
    caller, work = start(at, ask(stream=True))
    await until(lambda: len(at.transport.sent) == 2)
    caller.leave()
    await asyncio.wait_for(work, 0.5)
    assert {name: closed.error_type for name, closed in ends(at).items()} == {
        "anthropic": "client_gone",
        "vertex": "client_gone",
    }


async def test_the_winner_is_read_on_when_its_client_leaves() -> None:
    hold = asyncio.Event()
    second = sse_answer([b"".join(SECOND[:4]), b"".join(SECOND[4:])], hold=hold)
    second.pause_s = 0.05
    at = hedged({"anthropic": [silent()], "vertex": [second]}, surface={"on_disconnect": "drain"})
    caller, work = start(at, ask(stream=True))
    await until(lambda: bool(caller.response.parts))
    caller.leave()
    hold.set()
    await asyncio.wait_for(work, 1)
    found = ends(at)["vertex"]
    assert (found.outcome, found.error_type, found.quality) == (Outcome.CANCELLED, "client_gone", Quality.EXACT)


async def test_a_first_attempt_that_fails_leaves_the_field_to_the_second() -> None:
    hold = asyncio.Event()
    first = error_answer(529, "overloaded_error")
    first.wait = hold
    second = sse_answer(SECOND)
    second.pause_s = 0.02
    at = hedged({"anthropic": [first], "vertex": [second], "foundry": [sse_answer(FIRST)]})
    work = asyncio.ensure_future(post(at, ask(stream=True)))
    await until(lambda: len(at.transport.sent) == 2)
    hold.set()
    assert (await asyncio.wait_for(work, 2)).body == b"".join(SECOND)
    assert {name: closed.outcome for name, closed in ends(at).items()} == {
        "anthropic": Outcome.REFUSED,
        "vertex": Outcome.OK,
    }


@pytest.mark.parametrize("pinged", [False, True])
async def test_when_both_fail_the_client_is_told(pinged: bool) -> None:
    """As a status while nothing was written; as an error event that ends the stream once a ping was."""
    hold = asyncio.Event()
    broken = sse_answer([], hold=hold, cut=True)
    options = {"ping_interval_s": 0.02} if pinged else {}
    at = hedged({"anthropic": [broken], "vertex": [broken]}, **options)
    caller, work = start(at, ask(stream=True))
    await until(lambda: bool(caller.response.parts) if pinged else len(at.transport.inbounds) == 2)
    hold.set()
    response = await asyncio.wait_for(work, 2)
    assert response.ended
    if pinged:
        assert response.status == 200
        assert b"event: error" in response.body
        assert response.headers["x-trivium-surface"] in {"anthropic", "anthropic, vertex"}
    else:
        assert response.status == 502
        assert (response.headers["x-trivium-surface"], response.headers["x-trivium-attempts"]) == ("anthropic", "2")
    assert {closed.outcome for closed in ends(at).values()} == {Outcome.FAILED}


async def test_a_failure_before_anybody_is_silent_names_its_surface() -> None:
    at = hedged({"anthropic": [error_answer(400, "invalid_request_error")], "vertex": [sse_answer(SECOND)]})
    response = await post(at, ask(stream=True))
    assert response.status == 400
    assert (response.headers["x-trivium-surface"], response.headers["x-trivium-attempts"]) == ("anthropic", "1")


class SlowFirst(PlainCredential):
    """The first surface's token is fetched for longer than the hedge waits."""

    async def headers(self, outbound: Outbound) -> Mapping[str, str]:
        await asyncio.sleep(AFTER_S * 3 if outbound.surface == "anthropic" else 0)
        return {}


async def test_each_of_two_attempts_carries_its_own_decision() -> None:
    """Also where the first is still fetching its credential when the second is made."""
    at = hedged({"anthropic": [sse_answer(FIRST)], "vertex": [silent()]})
    at.gateway.reload(at.gateway.settings, credentials=dict.fromkeys(("anthropic", "vertex"), SlowFirst()))
    assert (await asyncio.wait_for(post(at, ask(stream=True)), 2)).body == b"".join(FIRST)
    codes = {}
    for opened in at.sink.opened_events:
        decision = Decision.decode(opened.decision)
        assert decision is not None
        codes[opened.offer.surface] = [considered.code for considered in decision.considered]
    assert codes == {"anthropic": ["weight"], "vertex": ["hedge"]}


async def test_a_ping_names_the_second_also_while_its_credential_is_fetched() -> None:
    class SlowSecond(PlainCredential):
        async def headers(self, outbound: Outbound) -> Mapping[str, str]:
            await asyncio.sleep(AFTER_S * 8 if outbound.surface == "vertex" else 0)
            return {}

    at = hedged(
        {"anthropic": [sse_answer([], hold=asyncio.Event())], "vertex": [sse_answer(SECOND)]},
        ping_interval_s=AFTER_S * 4,
    )
    at.gateway.reload(at.gateway.settings, credentials=dict.fromkeys(("anthropic", "vertex"), SlowSecond()))
    response = await asyncio.wait_for(post(at, ask(stream=True)), 2)
    assert response.parts[0].startswith(b"event: ping")
    assert b"second " in response.body
    assert response.headers["x-trivium-surface"] == "anthropic, vertex"


async def test_a_defect_while_a_second_is_looked_for_leaves_no_attempt_behind() -> None:
    class Broken(PlainUpstream):
        def prepare(self, *_given: Any) -> Outbound:
            raise ZeroDivisionError

    at = hedged({"anthropic": [silent()], "vertex": [silent()]})
    at.gateway._parts.upstreams["vertex"] = Broken()  # type: ignore[index]  # a dict of the test's own
    assert (await asyncio.wait_for(post(at, ask(stream=True)), 2)).status == 500
    assert list(ends(at)) == ["anthropic"]


class SlowLoss(MemorySink):
    async def closed(self, event: Closed) -> None:
        await asyncio.sleep(0.05 if event.error_type == "hedge_lost" else 0)
        await super().closed(event)


async def test_the_log_tells_how_the_winner_ended_though_the_other_is_recorded_last(
    caplog: pytest.LogCaptureFixture,
) -> None:
    at = hedged({"anthropic": [silent()], "vertex": [sse_answer(SECOND)]}, sink=SlowLoss())
    with caplog.at_level(logging.INFO, "trivium.gateway"):
        await asyncio.wait_for(post(at, ask(stream=True)), 2)
    assert at.sink.closed_events[-1].error_type == "hedge_lost"
    assert "attempts=2 outcome=ok error= cut= state=ok" in caplog.text


class RefusesSecond(MemorySink):
    async def opened(self, event: Opened) -> None:
        if event.attempt > 1:
            raise LedgerError("full")
        await super().opened(event)


async def test_a_hedge_that_cannot_be_recorded_is_not_made() -> None:
    slow = sse_answer(FIRST)
    slow.pause_s = AFTER_S * 2
    at = hedged({"anthropic": [slow], "vertex": [sse_answer(SECOND)]}, sink=RefusesSecond())
    assert (await post(at, ask(stream=True))).body == b"".join(FIRST)
    assert [sent.surface for sent in at.transport.sent] == ["anthropic"]
    assert list(ends(at)) == ["anthropic"]


async def test_an_admission_knows_that_two_may_be_asked() -> None:
    admission = Counting()
    at = hedged({"anthropic": [silent()], "vertex": [sse_answer(SECOND)]}, admission=admission)
    await post(at, ask(stream=True))
    assert [request.hedged for request in admission.requests] == [True]
    ((_, attempts),) = admission.settled
    assert sorted(closed.error_type for closed in attempts) == ["", "hedge_lost"]


def unpinged(body: bytes) -> list[bytes]:
    """The events that say something; pings may be put in anywhere."""
    return [part for part in body.split(b"\n\n") if not part.startswith(b"event: ping")]


@given(
    first_ms=st.lists(st.integers(0, 12), min_size=8, max_size=8),
    second_ms=st.lists(st.integers(0, 12), min_size=8, max_size=8),
    sink_ms=st.integers(0, 4),
    after_ms=st.integers(1, 20),
)
@settings(max_examples=40, deadline=None)
async def test_whoever_wins_the_client_gets_one_answer_whole(
    first_ms: list[int], second_ms: list[int], sink_ms: int, after_ms: int
) -> None:
    """Whatever the moments at which events come, never a byte of one answer in the other."""
    at = hedged(
        {
            "anthropic": [sse_answer(FIRST, pauses_s=[ms / 1000 for ms in first_ms])],
            "vertex": [sse_answer(SECOND, pauses_s=[ms / 1000 for ms in second_ms])],
        },
        hedge_after_s={"coding": after_ms / 1000},
        gate_hold_s=0.01,
    )
    at.sink.delay_s = sink_ms / 1000
    response = await asyncio.wait_for(post(at, ask(stream=True)), 5)
    assert unpinged(response.body) in [unpinged(b"".join(FIRST)), unpinged(b"".join(SECOND))]
    assert [closed.outcome for closed in ends(at).values()].count(Outcome.OK) == 1
    assert at.gateway.in_flight == 0
