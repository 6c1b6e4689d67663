"""An answer passes through unchanged, and its usage is recorded once."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from gateway.support import (
    MODEL,
    SECRET,
    STARTED,
    UPSTREAM_SECRET,
    Caller,
    ask,
    json_answer,
    post,
    sse_answer,
    stream,
    world,
)
from trivium.core import Outcome, Quality, SystemClock, Usage
from trivium.gateway import trace_stamp


async def test_a_whole_answer_passes_byte_for_byte_and_is_recorded() -> None:
    body = b'{ "type":"message",  "content":[], "usage":{"input_tokens":3,"output_tokens":2}, "x":1.50 }'
    answer = json_answer()
    answer.chunks = [body[:20], body[20:]]
    at = world({"anthropic": [answer]})
    response = await post(at, ask())
    assert (response.status, response.body) == (200, body)
    assert response.headers["content-length"] == str(len(body))
    at.sink.check()
    (closed,) = at.sink.closed_events
    assert closed.outcome is Outcome.OK
    assert closed.usage == Usage(input=3, output=2)
    assert closed.quality is Quality.EXACT


async def test_a_stream_passes_byte_for_byte_and_is_recorded() -> None:
    at = world({"anthropic": [sse_answer()]})
    response = await post(at, ask(stream=True))
    assert response.status == 200
    assert response.body == b"".join(stream())
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    at.sink.check()
    (closed,) = at.sink.closed_events
    assert closed.usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
    assert closed.quality is Quality.EXACT
    assert closed.stop_reason == "end_turn"
    assert closed.upstream_request_id == "req_upstream"
    assert closed.ttft_ms is not None


async def test_only_the_model_changes_in_what_is_sent() -> None:
    body = (
        b'{"model" : "sonnet",\n "max_tokens":5,'
        b' "messages":[{"role":"user","content":"\\u00e9 \\"model\\":1"}], "new":{"model":2}}'
    )
    at = world({"anthropic": [json_answer()]})
    await post(at, body)
    assert at.transport.sent[0].body == body.replace(b'"sonnet"', f'"{MODEL}"'.encode(), 1)


async def test_headers_are_forwarded_by_the_contract() -> None:
    at = world(
        {"anthropic": [json_answer(**{"anthropic-ratelimit-requests-limit": "9", "cf-ray": "x", "request-id": "u"})]}
    )
    response = await post(
        at,
        ask(),
        anthropic_beta="a-2025-01-01, b",
        anthropic_new_thing="kept",
        x_claude_code_session_id="s-1",
        cookie="c",
        x_stainless_lang="python",
    )
    sent = at.transport.sent[0].headers
    assert sent["anthropic-beta"] == "a-2025-01-01,b"
    assert sent["anthropic-version"] == "2023-06-01"
    assert sent["anthropic-new-thing"] == "kept"
    assert sent["x-api-key"] == f"{UPSTREAM_SECRET}-0"
    assert set(sent) == {
        "accept", "accept-encoding", "content-type", "user-agent", "x-api-key",
        "anthropic-version", "anthropic-beta", "anthropic-new-thing",
    }  # fmt: skip
    assert set(response.headers) == {
        "content-type", "content-length", "request-id",
        "x-trivium-request-id", "x-trivium-surface", "x-trivium-attempts",
    }  # fmt: skip
    assert response.headers["request-id"].startswith("req_")
    assert response.headers["x-trivium-surface"] == "anthropic"
    (opened,) = at.sink.opened_events
    assert opened.session == "s-1"
    assert opened.workload == "coding"
    assert opened.tags == {"team": "core"}
    assert opened.offer.model == MODEL
    assert opened.max_output_tokens == 100


async def test_no_header_carries_the_clients_key_upstream() -> None:
    at = world({"anthropic": [json_answer()]})
    await post(at, ask(), authorization=f"Bearer {SECRET}")
    assert SECRET not in json.dumps(dict(at.transport.sent[0].headers))


async def test_opened_is_durable_before_the_upstream_is_called_and_closed_before_the_answer_ends() -> None:
    for request, answer in ((ask(), json_answer()), (ask(stream=True), sse_answer())):
        at = world({"anthropic": [answer]})
        at.sink.delay_s = 0.01
        at.transport.on_send = lambda _outbound, at=at: at.sink.log.append("sent")
        caller = Caller(at.gateway)
        caller.on_part = lambda message, at=at: None if message.get("more_body", True) else at.sink.log.append("ended")
        await caller.send("POST", "/v1/messages", headers={"x-api-key": SECRET}, body=request)
        assert at.sink.log == ["opened", "sent", "closed", "ended"]


async def test_trace_time_counts_only_when_composed() -> None:
    at = world({"anthropic": [json_answer()]})
    await post(at, ask(), x_trivium_trace_time="2026-04-15T00:00:19Z")
    assert at.sink.opened_events[0].at > STARTED.replace(hour=1)
    at = world({"anthropic": [json_answer()]}, stamp=trace_stamp(SystemClock()))
    await post(at, ask(), x_trivium_trace_time="2026-04-15T00:00:19Z")
    opened, closed = at.sink.opened_events[0], at.sink.closed_events[0]
    assert (opened.at - STARTED.replace(second=19)).total_seconds() < 1
    assert opened.at <= closed.at


async def test_a_silent_upstream_is_covered_by_pings() -> None:
    hold = asyncio.Event()
    events = stream()
    at = world({"anthropic": [sse_answer(events[:4], hold=hold)]}, ping_interval_s=0.02)
    caller = Caller(at.gateway)
    work = asyncio.ensure_future(
        caller.send("POST", "/v1/messages", headers={"x-api-key": SECRET}, body=ask(stream=True))
    )
    await asyncio.sleep(0.09)
    hold.set()
    response = await work
    pings = response.body.removeprefix(b"".join(events[:4])).count(b'event: ping\ndata: {"type":"ping"}\n\n')
    assert 2 <= pings <= 5


async def test_a_finished_answer_is_not_called_cut(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    at = world({"anthropic": [sse_answer()]})
    await post(at, ask(stream=True))
    await post(world({"anthropic": [json_answer()]}), ask())
    lines = [record.getMessage() for record in caplog.records if record.name == "trivium.gateway"]
    assert len(lines) == 2
    for line in lines:
        assert line.endswith("status=200 attempts=1 outcome=ok error= cut= state=ok")
