"""Event-stream frames: the same wherever they are cut, and not one changed bit gets through."""

from __future__ import annotations

import itertools
import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from gateway_upstream.support import chunk, exception, frame
from trivium.gateway.wire.eventstream import BadFrame, Frame, FrameDecoder, read_headers

LIMIT = 1 << 20
NAMES = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
# From the protocol documentation: a chunk frame of 123 bytes, written by a real encoder.
PING = bytes.fromhex(
    "0000007b0000004b0a2e96af0b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69"
    "636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f"
    "6963476c755a794a39227da01f56c4"
)
STREAM = b"".join(
    [PING, chunk({"type": "ping"}, ""), frame({}, b""), exception("throttlingException", message="wait"), chunk(b"{}")]
)


def decoded(*parts: bytes) -> list[Frame]:
    decoder = FrameDecoder(LIMIT)
    return [whole for part in parts for whole in decoder.feed(part)]


def test_the_documented_frame_is_read_as_documented() -> None:
    (only,) = decoded(PING)
    assert dict(only.headers) == {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert only.payload == b'{"bytes":"eyJ0eXBlIjoicGluZyJ9"}'


def test_the_documented_exception_frame_has_its_documented_checksums() -> None:
    made = exception("throttlingException", message="Too many tokens, please wait before trying again.")
    assert (len(made), made[:12].hex(), made[-4:].hex()) == (177, "000000b1000000617230af03", "bbe55817")


def test_botocore_reads_the_same() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(STREAM)
    theirs = [(event.headers, event.payload) for event in buffer]
    assert [(dict(ours.headers), ours.payload) for ours in decoded(STREAM)] == theirs


def test_frames_are_the_same_at_every_cut() -> None:
    whole = decoded(STREAM)
    assert len(whole) == 5
    assert decoded(*(STREAM[index : index + 1] for index in range(len(STREAM)))) == whole
    for cut in range(1, len(STREAM)):
        assert decoded(STREAM[:cut], STREAM[cut:]) == whole, cut


@given(
    st.lists(st.tuples(st.dictionaries(NAMES, st.text(max_size=50), max_size=4), st.binary(max_size=300)), max_size=5),
    st.lists(st.integers(0, 2000), max_size=8),
)
def test_what_was_written_is_read_at_any_cuts(frames: list[tuple[dict[str, str], bytes]], cuts: list[int]) -> None:
    data = b"".join(_frame(headers, payload) for headers, payload in frames)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert [(dict(whole.headers), whole.payload) for whole in decoded(*parts)] == frames


def _frame(headers: dict[str, str], payload: bytes) -> bytes:
    encoded = b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + encoded + payload
    return body + struct.pack(">I", zlib.crc32(body))


def test_every_flipped_bit_is_noticed() -> None:
    for position in range(len(PING)):
        for bit in range(8):
            broken = bytearray(PING)
            broken[position] ^= 1 << bit
            decoder = FrameDecoder(LIMIT)
            with pytest.raises(BadFrame):
                decoder.feed(bytes(broken))


def test_frames_before_a_broken_one_are_kept() -> None:
    frames, bad = FrameDecoder(LIMIT).feed_until_bad(PING + PING[:-1] + b"\x00" + PING)
    assert len(frames) == 1
    assert "checksum" in str(bad)


@pytest.mark.parametrize(("total", "headers"), [(0, 0), (15, 0), (16, 1), (LIMIT + 1, 0), (2**32 - 1, 0), (100, 85)])
def test_lengths_out_of_bounds_are_refused_before_anything_is_collected(total: int, headers: int) -> None:
    lengths = struct.pack(">II", total, headers)
    with pytest.raises(BadFrame, match="out of bounds"):
        FrameDecoder(LIMIT).feed(lengths + struct.pack(">I", zlib.crc32(lengths)))


def test_headers_of_every_type_are_passed_over_and_strings_kept() -> None:
    raw = b"".join(
        [
            b"\x01a\x00", b"\x01b\x01", b"\x01c\x02\x07", b"\x01d\x03\x00\x07", b"\x01e\x04\x00\x00\x00\x07",
            b"\x01f\x05" + bytes(8), b"\x01g\x06\x00\x02hi", b"\x01h\x07\x00\x02hi", b"\x01i\x08" + bytes(8),
            b"\x01j\x09" + bytes(16),
        ]
    )  # fmt: skip
    assert read_headers(raw) == {"h": "hi"}


@pytest.mark.parametrize(
    "raw", [b"\x05a", b"\x01a\x07\x00\x05hi", b"\x01a\x0a", b"\x01a", b"\x01a\x03\x00", b"\x01\xff\x00"]
)
def test_headers_that_do_not_fill_their_space_are_refused(raw: bytes) -> None:
    with pytest.raises(BadFrame):
        read_headers(raw)
