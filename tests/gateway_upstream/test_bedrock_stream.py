"""Bedrock's frames as the Messages API's events: byte for byte, at any cut, with the metrics read and taken out."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_upstream.support import LIMITS, chunk, exception, frame, request
from trivium.core import Outcome, Quality, Retry, Usage
from trivium.gateway.seams import Decoder
from trivium.gateway.upstream import UPSTREAMS

USAGE = {
    "input_tokens": 12,
    "cache_read_input_tokens": 5,
    "cache_creation_input_tokens": 7,
    "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
}
METRICS = {
    "inputTokenCount": 12,
    "outputTokenCount": 6,
    "invocationLatency": 700,
    "firstByteLatency": 300,
    "cacheReadInputTokenCount": 5,
    "cacheWriteInputTokenCount": 7,
}
START = {"type": "message_start", "message": {"id": "msg_bdrk_1", "content": [], "usage": USAGE}}
OPENING = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "caf\u00e9 \u4e16\n"}}
CLOSING = {"type": "content_block_stop", "index": 0}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}
STOP = {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS}
EVENTS: list[dict[str, Any]] = [START, OPENING, TEXT, CLOSING, DELTA, STOP]
OPENED = frame({":event-type": "initial-response", ":message-type": "event"}, b"{}")
STREAMS = {
    "whole": OPENED + b"".join(map(chunk, EVENTS)),
    "cut": b"".join(map(chunk, EVENTS[:3])),
    "cut in a frame": b"".join(map(chunk, EVENTS))[:-20],
    "exception": b"".join(map(chunk, EVENTS[:3])) + exception("throttlingException", message="wait") + chunk(STOP),
    "bad checksum": b"".join(map(chunk, EVENTS[:3])) + chunk(CLOSING)[:-1] + b"\x00" + chunk(STOP),
    "no event inside": chunk(START) + chunk(b"[1]") + chunk(TEXT),
    "error event": chunk(START) + chunk({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}),
}


def decoder() -> Decoder:
    return UPSTREAMS["bedrock"].decoder(request({"stream": True}), 200, {}, LIMITS)


def outcome(*parts: bytes) -> tuple[Any, ...]:
    made = decoder()
    out = b"".join([*map(made.feed, parts), made.finish()])
    failure = (made.failure.body, made.failure.status) if made.failure else None
    return out, made.usage, made.quality, made.stop_reason, made.complete, made.content_begun, failure


def sse(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def test_events_are_built_from_the_bytes_inside_the_frames() -> None:
    out, usage, quality, stop_reason, complete, begun, failure = outcome(STREAMS["whole"])
    assert out == b"".join(map(sse, EVENTS[:-1])) + b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    assert usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=7)
    assert (quality, stop_reason, complete, begun, failure) == (Quality.EXACT, "end_turn", True, True, None)


@pytest.mark.parametrize("name", STREAMS)
def test_decoding_is_the_same_at_every_cut(name: str) -> None:
    data = STREAMS[name]
    whole = outcome(data)
    assert outcome(*(data[index : index + 1] for index in range(len(data)))) == whole
    for cut in range(1, len(data)):
        assert outcome(data[:cut], data[cut:]) == whole, cut


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 3000), max_size=6))
def test_decoding_is_the_same_at_any_set_of_cuts(name: str, cuts: list[int]) -> None:
    data = STREAMS[name]
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert outcome(*(data[start:end] for start, end in itertools.pairwise(edges))) == outcome(data)


def native() -> Decoder:
    asked = replace(request({"stream": True}), dialect="bedrock")
    return UPSTREAMS["bedrock"].decoder(asked, 200, {}, LIMITS)


@pytest.mark.parametrize("name", STREAMS)
def test_to_a_client_of_invoke_model_frames_pass_as_they_came_and_are_read_the_same(name: str) -> None:
    """Padding, line breaks and counts included: what precedes a failure is a beginning of what came."""
    data = STREAMS[name]
    plain, raw = decoder(), native()
    plain.feed(data)
    passed = b"".join(raw.feed(data[start : start + 7]) for start in range(0, len(data), 7)) + raw.finish()
    assert data.startswith(passed)
    assert (passed == data) == (name in {"whole", "cut"})
    for seen in ("usage", "quality", "stop_reason", "complete", "content_begun"):
        assert getattr(raw, seen) == getattr(plain, seen), seen
    assert (raw.failure is None) == (plain.failure is None)


def test_an_event_with_line_breaks_between_its_tokens_stays_one_line() -> None:
    made = decoder()
    assert made.feed(chunk(b'{\n "type":\r\n "ping"\n}')) == b'event: ping\ndata: {  "type":  "ping" }\n\n'


def test_a_stream_that_ends_early_is_not_complete() -> None:
    out, usage, quality, _, complete, *_ = outcome(STREAMS["cut"])
    assert out == b"".join(map(sse, EVENTS[:3]))
    assert (complete, quality, usage.input) == (False, Quality.ESTIMATED, 12)


def test_metrics_stand_in_for_counts_that_never_came() -> None:
    made = decoder()
    made.feed(chunk({**START, "message": {"id": "msg_bdrk_1", "content": []}}) + chunk(STOP))
    assert made.usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=7)
    assert made.quality is Quality.EXACT


@pytest.mark.parametrize("name", ["inputTokenCount", "outputTokenCount", "cacheReadInputTokenCount"])
def test_metrics_that_contradict_the_events_make_the_counts_doubtful(name: str) -> None:
    made = decoder()
    made.feed(b"".join(map(chunk, EVENTS[:-1])))
    made.feed(chunk({**STOP, "amazon-bedrock-invocationMetrics": {**METRICS, name: 999}}))
    assert made.complete
    assert made.usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=7)
    assert made.quality is Quality.ESTIMATED


@pytest.mark.parametrize(
    ("kind", "error_type", "retry"),
    [
        ("throttlingException", "rate_limit_error", Retry.ELSEWHERE),
        ("serviceUnavailableException", "overloaded_error", Retry.ELSEWHERE),
        ("modelTimeoutException", "timeout_error", Retry.ELSEWHERE),
        ("validationException", "invalid_request_error", Retry.NEVER),
        ("internalServerException", "api_error", Retry.ELSEWHERE),
        ("modelStreamErrorException", "api_error", Retry.ELSEWHERE),
        ("somethingNewException", "api_error", Retry.ELSEWHERE),
    ],
)
def test_an_exception_frame_is_an_error_of_our_table(kind: str, error_type: str, retry: Retry) -> None:
    made = decoder()
    assert made.feed(chunk(START) + exception(kind, message="for 123456789012") + chunk(TEXT)) == sse(START)
    assert made.failure is not None
    assert json.loads(made.failure.body) == {"type": "error", "error": {"type": error_type, "message": "for …"}}
    assert (made.failure.error.retry, made.failure.outcome) == (retry, Outcome.FAILED)
    assert made.feed(chunk(TEXT)) == b""


def test_a_broken_frame_ends_the_stream_after_what_preceded_it() -> None:
    out, *_, complete, _, failure = outcome(STREAMS["bad checksum"])
    assert out == b"".join(map(sse, EVENTS[:3]))
    assert not complete
    assert failure is not None
    assert b"checksum" in failure[0]


def test_a_whole_answer_passes_as_it_came() -> None:
    body = json.dumps({"type": "message", "id": "msg_bdrk_1", "usage": {**USAGE, "output_tokens": 6}}).encode()
    made = UPSTREAMS["bedrock"].decoder(request(), 200, {}, LIMITS)
    assert made.feed(body[:50]) + made.feed(body[50:]) + made.finish() == body
    assert (made.complete, made.quality) == (True, Quality.EXACT)
    assert made.usage == Usage(input=12, output=6, cache_read=5, cache_write_5m=7)


def test_a_count_is_given_in_the_messages_apis_words() -> None:
    made = UPSTREAMS["bedrock"].decoder(request(endpoint="count_tokens"), 200, {}, LIMITS)
    assert made.feed(b'{"inputTokens": 42}') + made.finish() == b'{"input_tokens":42}'
    assert made.complete
    wrong = UPSTREAMS["bedrock"].decoder(request(endpoint="count_tokens"), 200, {}, LIMITS)
    assert wrong.feed(b'{"inputTokens": "many"}') + wrong.finish() == b""
    assert (wrong.complete, wrong.failure is not None) == (False, True)
