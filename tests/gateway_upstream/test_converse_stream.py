"""Bedrock's Converse frames: passed as they came at any cut, read from a copy, ended by an exception or a bad frame."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_upstream.support import LIMITS, exception, frame, request
from trivium.core import Outcome, Quality, Usage
from trivium.gateway.seams import Decoder, MessagesRequest
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.wire.body import Body

USAGE = {
    "inputTokens": 12,
    "outputTokens": 6,
    "totalTokens": 30,
    "cacheReadInputTokens": 5,
    "cacheWriteInputTokens": 7,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 3}],
}


def event(name: str, **fields: Any) -> bytes:
    named = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(named, json.dumps({**fields, "p": "abc"}).encode())


START = event("messageStart", role="assistant")
TEXT = event("contentBlockDelta", contentBlockIndex=0, delta={"text": "caf\u00e9"})
END = event("contentBlockStop", contentBlockIndex=0)
STOP = event("messageStop", stopReason="end_turn")
LAST = event("metadata", usage=USAGE, metrics={"latencyMs": 7})
NEW = event("fromNextYear", anything=1)
GOOD = START + TEXT + NEW + END + STOP + LAST
STREAMS = {
    "whole": GOOD,
    "cut": START + TEXT,
    "cut in a frame": GOOD[:-20],
    "exception": START + TEXT + exception("throttlingException", message="wait") + STOP,
    "bad checksum": START + TEXT + END[:-1] + b"\x00" + STOP,
    "no counts": START + TEXT + END + STOP,
}


def asked(*, stream: bool = True) -> MessagesRequest:
    return replace(request({"stream": stream}), dialect="converse", native=Body(b"{}"))


def decoder() -> Decoder:
    return UPSTREAMS["bedrock"].decoder(asked(), 200, {}, LIMITS)


def outcome(*parts: bytes) -> tuple[Any, ...]:
    made = decoder()
    out = b"".join([*map(made.feed, parts), made.finish()])
    failure = (made.failure.body, made.failure.status) if made.failure else None
    return out, made.usage, made.quality, made.stop_reason, made.complete, made.content_begun, failure


def test_frames_pass_and_are_read_those_nobody_knows_included() -> None:
    """12 in, 6 out, 5 read, 4 written for five minutes and 3 for an hour."""
    out, usage, quality, stop_reason, complete, begun, failure = outcome(GOOD)
    assert out == GOOD
    assert usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
    assert (quality, stop_reason, complete, begun, failure) == (Quality.EXACT, "end_turn", True, True, None)


@pytest.mark.parametrize("name", STREAMS)
def test_decoding_is_the_same_at_every_cut(name: str) -> None:
    data = STREAMS[name]
    whole = outcome(data)
    assert data.startswith(whole[0])
    for cut in range(1, len(data)):
        assert outcome(data[:cut], data[cut:]) == whole, cut


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 1500), max_size=6))
def test_decoding_is_the_same_at_any_set_of_cuts(name: str, cuts: list[int]) -> None:
    data = STREAMS[name]
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert outcome(*(data[start:end] for start, end in itertools.pairwise(edges))) == outcome(data)


def test_nothing_is_known_of_the_tokens_of_a_stream_that_was_cut() -> None:
    out, usage, quality, _, complete, begun, _ = outcome(STREAMS["cut"])
    assert (out, complete, begun) == (START + TEXT, False, True)
    assert (usage.input, usage.output, quality) == (None, None, Quality.UNKNOWN)


def test_a_stream_without_its_counts_is_whole_and_its_tokens_are_unknown() -> None:
    out, usage, quality, stop_reason, complete, *_ = outcome(STREAMS["no counts"])
    assert (out, complete, stop_reason) == (STREAMS["no counts"], True, "end_turn")
    assert (usage.input, quality) == (None, Quality.UNKNOWN)


def test_the_start_alone_is_no_content() -> None:
    made = decoder()
    assert made.feed(START) == START
    assert not made.content_begun


def test_an_exception_frame_is_an_error_of_our_table() -> None:
    made = decoder()
    data = START + TEXT + exception("throttlingException", message="for 123456789012") + STOP
    assert made.feed(data) == START + TEXT
    assert made.failure is not None
    assert json.loads(made.failure.body)["error"] == {"type": "rate_limit_error", "message": "for \u2026"}
    assert made.failure.outcome is Outcome.FAILED
    assert made.feed(STOP) == b""


def test_a_whole_answer_passes_as_it_came_and_is_counted() -> None:
    body = b'{ "usage": %s, "stopReason":"tool_use","output":{} }' % json.dumps(USAGE).encode()
    made = UPSTREAMS["bedrock"].decoder(asked(stream=False), 200, {}, LIMITS)
    assert made.feed(body[:50]) + made.feed(body[50:]) + made.finish() == body
    assert made.usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
    assert (made.complete, made.quality, made.stop_reason) == (True, Quality.EXACT, "tool_use")
