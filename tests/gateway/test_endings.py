"""However a request ends, every opened attempt is closed exactly once, honestly, and its grant is settled once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.support import (
    MESSAGE,
    SECRET,
    Answer,
    Caller,
    MemorySink,
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
from trivium.core import AdmissionDenied, Closed, DuplicateEvent, Opened, Outcome, Quality
from trivium.gateway import Admitted, GatewaySettings
from trivium.gateway.flight import all_settled

HEADERS = {"x-api-key": SECRET}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110  the conditions are other people's state
            await asyncio.sleep(0.002)


def start(at: World, body: bytes) -> tuple[Caller, asyncio.Future[Any]]:
    caller = Caller(at.gateway)
    return caller, asyncio.ensure_future(caller.send("POST", "/v1/messages", headers=HEADERS, body=body))


async def test_a_client_that_leaves_in_a_stream_is_settled_with_what_was_seen() -> None:
    at = world({"anthropic": [sse_answer(stream()[:4], hold=asyncio.Event())], "vertex": [json_answer()]})
    caller, work = start(at, ask(stream=True))
    await until(lambda: len(caller.response.parts) == 3)
    caller.leave()
    await asyncio.wait_for(work, 0.5)
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_gone")
    assert (closed.usage.input, closed.quality) == (12, Quality.ESTIMATED)
    assert at.transport.inbounds[0].closed
    assert at.gateway.in_flight == 0


@pytest.mark.parametrize("stream_wanted", [True, False])
async def test_a_client_that_leaves_before_the_answer_is_settled_and_nothing_is_repeated(stream_wanted: bool) -> None:
    at = world({"anthropic": [Answer(wait=asyncio.Event())], "vertex": [json_answer()]})
    caller, work = start(at, ask(stream=stream_wanted))
    await until(lambda: len(at.transport.sent) == 1)
    caller.leave()
    await asyncio.wait_for(work, 0.5)
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.quality) == (Outcome.CANCELLED, Quality.UNKNOWN)
    assert len(at.transport.sent) == 1


async def test_a_client_that_leaves_while_opened_is_being_written_costs_nothing() -> None:
    at = world({"anthropic": [json_answer()]})
    at.sink.delay_s = 0.05
    caller, work = start(at, ask())
    await asyncio.sleep(0.01)
    caller.leave()
    await work
    assert at.transport.sent == []
    at.sink.check()
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.quality, closed.usage.input) == (Outcome.CANCELLED, Quality.EXACT, 0)


async def test_a_client_that_leaves_after_the_last_event_has_had_its_answer() -> None:
    at = world({"anthropic": [sse_answer(hold=asyncio.Event())]})
    caller, work = start(at, ask(stream=True))
    await until(lambda: b"message_stop" in caller.response.body)
    caller.leave()
    await work
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.quality, closed.error_type) == (Outcome.OK, Quality.EXACT, "")


@given(leave_ms=st.integers(0, 30), sink_ms=st.integers(0, 5), streamed=st.booleans())
@settings(max_examples=60, deadline=None)
async def test_whenever_the_client_leaves_every_attempt_is_closed_once(
    leave_ms: int, sink_ms: int, streamed: bool
) -> None:
    answer = sse_answer(pause_s=0.002) if streamed else json_answer()
    at = world({"anthropic": [error_answer(529, "overloaded_error")], "vertex": [answer]})
    at.sink.delay_s = sink_ms / 1000
    caller, work = start(at, ask(stream=streamed))
    await asyncio.sleep(leave_ms / 1000)
    caller.leave()
    await asyncio.wait_for(work, 1)
    at.sink.check()
    assert at.gateway.in_flight == 0


async def test_a_killed_task_still_settles() -> None:
    at = world({"anthropic": [sse_answer(stream()[:4], hold=asyncio.Event())]})
    at.sink.delay_s = 0.02
    caller, work = start(at, ask(stream=True))
    await until(lambda: bool(caller.response.parts))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    at.sink.check()
    assert at.sink.outcomes() == [Outcome.CANCELLED]


async def test_a_deadline_ends_a_stream_with_an_error_event_and_a_waiting_request_with_504() -> None:
    at = world({"anthropic": [sse_answer(stream()[:4], hold=asyncio.Event())]}, deadline_s=0.05)
    response = await post(at, ask(stream=True))
    assert response.ended
    assert b'event: error\ndata: {"type":"error","error":{"type":"timeout_error"' in response.body
    assert at.sink.outcomes() == [Outcome.CUT]
    at = world({"anthropic": [Answer(wait=asyncio.Event())]}, deadline_s=0.05)
    response = await post(at, ask())
    assert (response.status, response.json()["error"]["type"]) == (504, "timeout_error")
    assert at.sink.outcomes() == [Outcome.FAILED]


async def test_an_answer_that_is_complete_ends_although_its_surface_keeps_the_connection() -> None:
    """Clients read a stream to its end: they hung for the five minutes that a surface may be silent."""
    at = world({"anthropic": [sse_answer(hold=asyncio.Event())]}, trail_s=0.05)
    response = await asyncio.wait_for(post(at, ask(stream=True)), 1)
    assert (response.body, response.ended) == (b"".join(stream()), True)
    assert at.sink.outcomes() == [Outcome.OK]
    assert at.transport.inbounds[0].closed


@pytest.mark.parametrize("cut", ["deadline", "shutdown"])
async def test_nothing_follows_the_last_event_when_a_request_is_cut_behind_it(cut: str) -> None:
    """The record of a whole answer was being written: an error event came behind `message_stop`."""
    events = stream()
    sink = MemorySink()
    at = world({"anthropic": [sse_answer(events)]}, sink=sink, deadline_s=0.3 if cut == "deadline" else 60)
    caller, work = start(at, ask(stream=True))
    caller.on_part = lambda _message: setattr(sink, "delay_s", 0.6)
    await until(lambda: caller.response.body.endswith(events[-1]))
    if cut == "shutdown":
        at.gateway.cut_short()
    response = await asyncio.wait_for(work, 2)
    assert (response.body, response.ended) == (b"".join(events), True)
    assert sink.outcomes() == [Outcome.OK]


async def test_a_stream_that_broke_is_not_told_a_second_error_when_it_is_cut() -> None:
    sink = MemorySink()
    at = world({"anthropic": [sse_answer(stream()[:5], cut=True)]}, sink=sink)
    caller, work = start(at, ask(stream=True))
    caller.on_part = lambda _message: setattr(sink, "delay_s", 0.3)
    await until(lambda: b"event: error" in caller.response.body)
    at.gateway.cut_short()
    response = await asyncio.wait_for(work, 2)
    assert (response.body.count(b"event: error"), response.ended) == (1, True)
    assert sink.outcomes() == [Outcome.CUT]


async def test_draining_lets_streams_finish_then_ends_the_rest_with_an_error() -> None:
    hold = asyncio.Event()
    at = world({"anthropic": [sse_answer(hold=hold), sse_answer(stream()[:4], hold=asyncio.Event())]}, drain_s=0.1)
    _, first = start(at, ask(stream=True))
    await until(lambda: len(at.transport.sent) == 1)
    _, second = start(at, ask(stream=True))
    await until(lambda: len(at.transport.sent) == 2)
    draining = asyncio.ensure_future(at.gateway.drain())
    await asyncio.sleep(0.01)
    assert (await get(at, "/readyz")).status == 503
    assert (await get(at, "/healthz")).status == 200
    hold.set()
    await draining
    assert (await first).body == b"".join(stream())
    ended = await second
    assert ended.ended
    assert b"event: error" in ended.body
    assert b"shutting down" in ended.body
    at.sink.check()
    assert sorted(outcome.value for outcome in at.sink.outcomes()) == ["cut", "ok"]


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    at = world({"anthropic": [sse_answer()]}, stall_s=0.05, ping_interval_s=0.01)
    caller = Caller(at.gateway)
    caller.block = asyncio.Event()
    await asyncio.wait_for(caller.send("POST", "/v1/messages", headers=HEADERS, body=ask(stream=True)), 1)
    assert len(caller.response.parts) == 1  # nothing was read on from the upstream meanwhile
    (closed,) = at.sink.closed_events
    assert (closed.outcome, closed.error_type) == (Outcome.CANCELLED, "client_stalled")


class FailingSink(MemorySink):
    def __init__(self, *, opened: bool = False, closed: bool = False) -> None:
        super().__init__()
        self._fail = opened, closed

    async def opened(self, event: Opened) -> None:
        if self._fail[0]:
            raise OSError("disk full")
        await super().opened(event)

    async def closed(self, event: Closed) -> None:
        if self._fail[1]:
            raise DuplicateEvent("twice")
        await super().closed(event)


async def test_nothing_is_sent_when_the_opened_record_cannot_be_kept() -> None:
    at = world({"anthropic": [json_answer()], "vertex": [json_answer()]}, sink=FailingSink(opened=True))
    response = await post(at, ask())
    assert (response.status, response.json()["error"]["type"]) == (503, "api_error")
    assert at.transport.sent == []
    assert 'trivium_ledger_errors_total{record="opened"} 1.0' in (await get(at, "/metrics")).body.decode()


async def test_an_answer_is_delivered_when_its_closed_record_is_refused() -> None:
    at = world({"anthropic": [json_answer()]}, sink=FailingSink(closed=True))
    response = await post(at, ask())
    assert (response.status, response.json()) == (200, MESSAGE)
    assert 'trivium_ledger_errors_total{record="closed"} 1.0' in (await get(at, "/metrics")).body.decode()


class Counting:
    """An admission that counts what it granted and settled."""

    def __init__(self, denial: AdmissionDenied | None = None) -> None:
        self.denial = denial
        self.requests: list[Any] = []
        self.settled: list[tuple[Admitted, tuple[Closed, ...]]] = []

    async def admit(self, request: Any) -> Admitted:
        self.requests.append(request)
        if self.denial is not None:
            raise self.denial
        return Admitted("hold_1", {"anthropic-ratelimit-unified-status": "allowed"})

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        self.settled.append((admitted, attempts))


async def test_a_grant_is_settled_once_with_every_attempt() -> None:
    admission = Counting()
    at = world({"anthropic": [error_answer(529, "overloaded_error")], "vertex": [json_answer()]}, admission=admission)
    response = await post(at, ask())
    assert response.headers["anthropic-ratelimit-unified-status"] == "allowed"
    ((admitted, attempts),) = admission.settled
    assert admitted.hold_id == "hold_1"
    assert [closed.outcome for closed in attempts] == [Outcome.REFUSED, Outcome.OK]
    (seen,) = admission.requests
    assert [offer.surface for offer in seen.offers] == ["anthropic", "vertex"]
    assert (seen.max_output_tokens, seen.key.key_id) == (100, "key_1")


async def test_a_grant_is_settled_when_the_client_leaves() -> None:
    admission = Counting()
    at = world({"anthropic": [Answer(wait=asyncio.Event())]}, admission=admission)
    caller, work = start(at, ask())
    await until(lambda: len(at.transport.sent) == 1)
    caller.leave()
    await work
    assert [len(attempts) for _, attempts in admission.settled] == [1]


@pytest.mark.parametrize("denial", [None, AdmissionDenied("team", "nothing is left")], ids=["granted", "denied"])
async def test_a_grant_that_comes_after_its_client_left_is_given_back(denial: AdmissionDenied | None) -> None:
    class Slow(Counting):
        async def admit(self, request: Any) -> Admitted:
            await asyncio.sleep(0.4)
            return await super().admit(request)

    admission = Slow(denial)
    at = world({"anthropic": [json_answer()]}, admission=admission)
    caller, work = start(at, ask())
    await asyncio.sleep(0.01)
    caller.leave()
    await asyncio.wait_for(work, 0.3)  # the client's connection is not held up for it
    await all_settled(1)
    assert [(admitted.hold_id, attempts) for admitted, attempts in admission.settled] == (
        [] if denial else [("hold_1", ())]
    )
    assert at.transport.sent == []


async def test_a_denied_request_is_answered_as_the_client_expects_and_never_sent() -> None:
    at = world(
        {"anthropic": [json_answer()]},
        admission=Counting(AdmissionDenied("team core, month", "100 USD are spent", retry_after_s=3600)),
    )
    response = await post(at, ask())
    assert (response.status, response.json()["error"]["type"]) == (429, "billing_error")
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["retry-after"] == "3600"
    assert response.headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert at.transport.sent == []


async def test_an_unexpected_error_is_answered_settled_and_named_without_its_words(caplog: Any) -> None:
    at = world({"anthropic": [json_answer()]})

    def explode(_outbound: object) -> None:
        raise RuntimeError("canary-in-an-exception")

    at.transport.on_send = explode
    response = await post(at, ask())
    assert (response.status, response.json()["error"]["type"]) == (500, "api_error")
    at.sink.check()
    assert at.sink.outcomes() == [Outcome.FAILED]
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text
    assert b"canary" not in response.body


async def test_a_reload_serves_new_requests_from_new_settings_and_drops_none() -> None:
    hold = asyncio.Event()
    at = world({"anthropic": [sse_answer(hold=hold)], "vertex": [json_answer()]})
    caller, work = start(at, ask(stream=True))
    await until(lambda: bool(caller.response.parts))
    old = at.gateway._parts.tools.settings
    only_vertex = GatewaySettings({"vertex": old.surfaces["vertex"]})
    at.gateway.reload(only_vertex, credentials={"vertex": at.credential})
    assert (await post(at, ask())).headers["x-trivium-surface"] == "vertex"
    hold.set()
    assert (await work).body == b"".join(stream())
    at.sink.check()
