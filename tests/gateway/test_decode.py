"""Decoding is the same wherever the stream is cut, and reading usage never changes or loses a byte."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.support import MESSAGE, PlainUpstream, ask, event, stream
from trivium.core import UNKNOWN_USAGE, Quality, Usage
from trivium.gateway import GatewaySettings
from trivium.gateway.seams import MessagesRequest
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.decode import BodyDecoder, StreamDecoder
from trivium.gateway.wire.errors import envelope, error_event, error_type_of, status_for, type_for
from trivium.gateway.wire.sse import split_events
from trivium.gateway.wire.usage import UsageReader

LIMITS = GatewaySettings(surfaces={})
FULL = Usage(input=12, output=6, cache_read=5, cache_write_5m=4, cache_write_1h=3)
ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
STREAMS = {
    "plain": b"".join(stream()),
    "crlf": b"".join(stream()).replace(b"\n", b"\r\n"),
    "comments": b": hi\n\n" + b"".join(stream()).replace(b"event: ping\n", b": keep\n\nevent:ping\nid: 7\n"),
    "error": b"".join(stream()[:5]) + ERROR + b"ignored\n\n",
    "no last blank line": b"".join(stream())[:-1],
    "cut in an event": b"".join(stream())[:-60],
    "unicode": b"".join(stream(("\u00e9\u4e16", "\U0001f30d"))),
    "empty": b"",
}


def decoder(*, drop: frozenset[bytes] = frozenset(), limits: GatewaySettings = LIMITS) -> StreamDecoder:
    return StreamDecoder("plain", PlainUpstream()._in_stream, long_writes=True, limits=limits, drop=drop)


def outcome(parts: list[bytes]) -> tuple[Any, ...]:
    made = decoder()
    out = b"".join([*map(made.feed, parts), made.finish()])
    failure = made.failure.body if made.failure else None
    return out, made.usage, made.quality, made.stop_reason, made.complete, made.content_begun, failure


@pytest.mark.parametrize("name", STREAMS)
def test_decoding_is_the_same_at_every_cut(name: str) -> None:
    data = STREAMS[name]
    whole = outcome([data])
    assert outcome([data[index : index + 1] for index in range(len(data))]) == whole
    for cut in range(1, len(data)):
        assert outcome([data[:cut], data[cut:]]) == whole, cut


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 1200), max_size=6))
def test_decoding_is_the_same_at_any_set_of_cuts(name: str, cuts: list[int]) -> None:
    data = STREAMS[name]
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    parts = [data[start:end] for start, end in itertools.pairwise(places)]
    assert outcome(parts) == outcome([data])


def test_a_regular_stream_passes_whole_with_exact_counts() -> None:
    for name in ("plain", "crlf", "unicode", "comments"):
        out, usage, quality, reason, complete, begun, failure = outcome([STREAMS[name]])
        assert out == STREAMS[name], name
        assert (usage, quality, reason, complete, begun, failure) == (FULL, Quality.EXACT, "end_turn", True, True, None)


def test_half_an_event_never_reaches_the_client_and_output_is_estimated() -> None:
    text = "x" * 40  # 40 bytes of text: 10 tokens at 4 bytes each
    data = b"".join(stream((text, "lost"))[:4]) + b"event: content_block_delta\ndata: {"
    made = decoder()
    out = made.feed(data) + made.finish()
    assert out == b"".join(stream((text, "lost"))[:4])
    assert not made.complete
    assert made.quality is Quality.ESTIMATED
    assert made.usage.input == 12
    assert made.usage.output in range(10, 13)


def test_an_error_event_ends_the_answer_and_keeps_the_upstreams_words() -> None:
    made = decoder()
    out = made.feed(b"".join(stream()[:2]) + ERROR + stream()[3])
    assert out == b"".join(stream()[:2])
    assert made.failure is not None
    assert made.failure.error_type == "overloaded_error"
    assert made.failure.status == 529
    assert error_event(made.failure.body) == ERROR


def test_named_events_are_left_out_and_nothing_else() -> None:
    odd = event("vertex_event", secret=1)
    made = decoder(drop=frozenset({b"vertex_event"}))
    assert made.feed(odd + stream()[0] + odd + stream()[1] + odd) == stream()[0] + stream()[1]


def test_an_endless_event_is_given_up() -> None:
    made = decoder(limits=GatewaySettings(surfaces={}, event_bytes_max=100))
    assert made.feed(b"data: " + b"x" * 99) == b""
    assert made.failure is not None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    made = decoder()
    out = made.feed(data) + made.finish()
    assert data.startswith(out)
    assert b"".join(split_events(data)) == data


def whole(data: bytes, *, endpoint: Any = "messages") -> BodyDecoder:
    request = MessagesRequest("req_1", endpoint, Body(ask()), "m")
    made = BodyDecoder("plain", PlainUpstream()._in_stream, request=request, limits=LIMITS)
    made.feed(data)
    return made


def test_a_body_passes_as_it_came() -> None:
    data = json.dumps(MESSAGE, indent=3).encode()
    made = whole(data)
    assert made.finish() == data
    assert (made.usage, made.quality, made.stop_reason, made.complete) == (FULL, Quality.EXACT, "end_turn", True)


def test_an_error_in_a_200_body_is_a_failure() -> None:
    made = whole(envelope("overloaded_error", "Overloaded"))
    assert made.finish() == b""
    assert made.failure is not None
    assert made.failure.error_type == "overloaded_error"


@pytest.mark.parametrize("data", [b"", b"<html>", b"[1]", b'{"usage":'])
def test_a_body_that_is_no_answer_is_a_failure(data: bytes) -> None:
    made = whole(data)
    assert made.finish() == b""
    assert made.failure is not None


def test_counting_tokens_consumes_none() -> None:
    made = whole(b'{"input_tokens": 7}', endpoint="count_tokens")
    assert made.finish() == b'{"input_tokens": 7}'
    assert (made.usage, made.quality) == (Usage(), Quality.EXACT)


def read(*raw: object, long_writes: bool = False) -> Usage:
    reader = UsageReader(long_writes=long_writes)
    for item in raw:
        reader.read(item)
    return reader.usage()


def test_writes_without_their_split_are_five_minute_writes_only_if_no_hour_was_asked_for() -> None:
    raw = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 9}
    assert read(raw) == Usage(input=1, output=1, cache_write_5m=9)
    assert read(raw, long_writes=True).unknown == ("cache_write_5m", "cache_write_1h")
    known = raw | {"cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}}
    assert read(known, long_writes=True) == Usage(input=1, output=1, cache_write_5m=2, cache_write_1h=7)
    assert read(known, raw, long_writes=True) == read(known)


def test_later_counts_replace_earlier_ones_and_missing_ones_do_not() -> None:
    first = {"input_tokens": 12, "output_tokens": 1, "cache_read_input_tokens": 5}
    last = {"output_tokens": 40, "input_tokens": None, "server_tool_use": {"web_search_requests": 2}}
    assert read(first, last) == Usage(input=12, output=40, cache_read=5, web_search=2)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=3),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "input_tokens",
                        "output_tokens",
                        "cache_creation",
                        "server_tool_use",
                        "iterations",
                        "ephemeral_5m_input_tokens",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_impossible_counts_are_unknown_never_wrong_and_never_raise(raw: object) -> None:
    usage = read(raw)
    if usage != UNKNOWN_USAGE:
        assert all(count is None or count >= 0 for _, count in usage)


def test_statuses_and_types_agree() -> None:
    for status in (400, 401, 403, 404, 409, 413, 429, 500, 501, 504, 529):
        assert status_for(type_for(status)) == status
    assert error_type_of(envelope("api_error", "x")) == "api_error"
    assert error_type_of(b'{"type":"error","error":[]}') is None
