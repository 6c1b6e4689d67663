"""Results are read the same wherever they are cut; what they do not say is unknown and never zero."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trivium.core import NO_USAGE, UNKNOWN_USAGE, Outcome, Quality, Usage
from trivium.gateway.auxiliary._meter import End, Lines, ending, event_id

AT = datetime(2026, 11, 22, tzinfo=UTC)


def line(custom_id: str = "a", **result: Any) -> bytes:
    return json.dumps({"custom_id": custom_id, "result": result}).encode()


def read(data: bytes) -> End:
    found = ending(data, "req_1", "msgbatch_1", AT)
    assert found is not None
    return found


def test_lines_are_the_same_wherever_the_stream_is_cut() -> None:
    whole = [line("é"), line("b"), b"", line("c")]
    data = b"\n".join(whole)
    for first in range(len(data) + 1):
        for second in (first, min(first + 7, len(data)), len(data)):
            lines = Lines()
            parts = (data[:first], data[first:second], data[second:])
            found = [each for part in parts for each in lines.feed(part)]
            assert found + lines.finish() == [whole[0], whole[1], whole[3]]


def test_what_succeeded_has_the_counts_of_its_message() -> None:
    usage = {
        "input_tokens": 12,
        "output_tokens": 6,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 3},
    }
    end = read(line(type="succeeded", message={"usage": usage, "stop_reason": "end_turn", "model": "claude-opus-5"}))
    assert end.closed.usage == Usage(12, 6, 5, 4, 3)
    assert (end.closed.outcome, end.closed.quality, end.closed.stop_reason) == (Outcome.OK, Quality.EXACT, "end_turn")
    assert (end.model, end.closed.upstream_request_id) == ("claude-opus-5", "msgbatch_1")


def test_a_split_of_cache_writes_that_is_missing_stays_unknown() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 7}
    counts = read(line(type="succeeded", message={"usage": usage})).closed.usage
    assert (counts.cache_write_5m, counts.cache_write_1h) == (None, None)


@pytest.mark.parametrize(
    "message", [None, {}, {"usage": None}, {"usage": {"output_tokens": 4}}, {"usage": {"input_tokens": -1}}]
)
def test_a_success_without_counts_is_unknown(message: Any) -> None:
    closed = read(line(type="succeeded", message=message)).closed
    assert (closed.outcome, closed.usage, closed.quality) == (Outcome.OK, UNKNOWN_USAGE, Quality.UNKNOWN)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"type": "errored", "error": {"type": "error", "error": {"type": "overloaded_error"}}}, "overloaded_error"),
        ({"type": "errored", "error": "?"}, "errored"),
        ({"type": "canceled"}, "canceled"),
        ({"type": "expired"}, "expired"),
        ({}, "errored"),
    ],
)
def test_what_did_not_succeed_costs_nothing(result: dict[str, Any], why: str) -> None:
    closed = read(line(**result)).closed
    assert (closed.outcome, closed.usage, closed.error_type) == (Outcome.REFUSED, NO_USAGE, why)


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"\xff", b"{}", b'{"custom_id":7,"result":{}}', b'{"custom_id":"a"}', b"[" * 9999]
)
def test_a_line_that_is_no_result_is_none(data: bytes) -> None:
    assert ending(data, "req_1", "msgbatch_1", AT) is None


def test_an_event_is_named_by_the_request_and_the_custom_id_alone() -> None:
    digest = hashlib.blake2b(b"req_1\x00a", digest_size=16).hexdigest()  # written down in ledgers: it must not change
    assert event_id("req_1", "a") == f"evt_{digest}"
    assert len({event_id("req_1", "a"), event_id("req_1", "b"), event_id("req_2", "a"), event_id("req_1a", "")}) == 4
