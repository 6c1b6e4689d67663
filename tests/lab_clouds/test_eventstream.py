"""Event-stream frames: the golden bytes, and what another decoder reads from them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.lab import eventstream

GOLDEN_PING = bytes.fromhex(
    "0000007b0000004b0a2e96af0b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174"
    "696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f6963476c755a"
    "794a39227da01f56c4"
)
THROTTLED = b'{"message": "Too many tokens, please wait before trying again."}'


def _decode(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(dict(frame.headers), frame.payload) for frame in buffer]


def test_a_chunk_without_padding_is_the_golden_frame() -> None:
    assert eventstream.chunk(b'{"type":"ping"}') == GOLDEN_PING


def test_an_exception_frame_has_the_golden_prelude_and_checksum() -> None:
    frame = eventstream.exception("throttlingException", THROTTLED)
    assert len(frame) == 177
    assert frame[:12].hex() == "000000b1000000617230af03"
    assert frame[-4:].hex() == "bbe55817"


@given(st.lists(st.tuples(st.binary(max_size=300), st.none() | st.integers(0, 80)), max_size=5))
def test_frames_put_together_decode_to_the_events_that_were_put_in(events: list[tuple[bytes, int | None]]) -> None:
    frames = _decode(b"".join(eventstream.chunk(event, padding) for event, padding in events))
    assert [base64.b64decode(json.loads(payload)["bytes"]) for _, payload in frames] == [event for event, _ in events]
    for (headers, payload), (_, padding) in zip(frames, events, strict=True):
        assert headers == dict(eventstream.CHUNK_HEADERS)
        filler = json.loads(payload).get("p")
        assert filler is None if padding is None else len(filler) == min(padding, eventstream.PADDING_MAX)


def test_an_exception_decodes_with_its_kind() -> None:
    [(headers, payload)] = _decode(eventstream.exception("modelTimeoutException", THROTTLED))
    assert headers[":message-type"] == "exception"
    assert headers[":exception-type"] == "modelTimeoutException"
    assert payload == THROTTLED


@pytest.mark.parametrize("position", range(0, len(GOLDEN_PING), 7))
def test_a_damaged_frame_is_noticed_by_its_checksums(position: int) -> None:
    from botocore.eventstream import ChecksumMismatch, InvalidHeadersLength, InvalidPayloadLength

    damaged = bytearray(GOLDEN_PING)
    damaged[position] ^= 1
    with pytest.raises((ChecksumMismatch, InvalidHeadersLength, InvalidPayloadLength)):
        _decode(bytes(damaged))
