"""AWS event-stream frames, decoded incrementally: lengths bounded and both checksums verified before anything is used.

u32 total length | u32 headers length | u32 CRC32 of those eight bytes
headers: u8 name length, name, u8 type, value; repeated
payload
u32 CRC32 of everything before it                              (all integers big-endian)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from trivium.core import TriviumError

_PRELUDE = struct.Struct(">III")
_LENGTHS_BYTES, _CRC_BYTES = 8, 4
_OVERHEAD_BYTES = _PRELUDE.size + _CRC_BYTES
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # true, false, i8, i16, i32, i64, timestamp, uuid
_BYTES, _STRING = 6, 7
_LENGTH = struct.Struct(">H")


class BadFrame(TriviumError):
    """The bytes are not an event stream, or were changed on the way; nothing after them can be trusted."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. Headers of other types than string are checked and left out: Bedrock sends none."""

    headers: Mapping[str, str]
    payload: bytes
    raw: bytes = b""  # the whole frame, to be passed on


class FrameDecoder:
    """Feed it bytes as they come; it returns the frames that are whole."""

    __slots__ = ("_bytes_max", "_headers", "_headers_raw", "_pending")

    def __init__(self, bytes_max: int) -> None:
        self._pending = bytearray()
        self._bytes_max = bytes_max
        self._headers_raw = b""  # consecutive frames nearly always have the same headers
        self._headers: Mapping[str, str] = {}

    def feed(self, data: bytes) -> list[Frame]:
        """Whole frames, in order; raises BadFrame at the first broken one, which loses those before it in `data`."""
        frames, error = self.feed_until_bad(data)
        if error is not None:
            raise error
        return frames

    def feed_until_bad(self, data: bytes) -> tuple[list[Frame], BadFrame | None]:
        """Whole frames up to the first broken one, and what is wrong with that."""
        self._pending += data
        frames: list[Frame] = []
        position = 0
        error = None
        try:
            while True:
                frame, size = self._next(position)
                if frame is None:
                    break
                frames.append(frame)
                position += size
        except BadFrame as bad:
            error = bad
        del self._pending[:position]
        return frames, error

    @property
    def rest(self) -> int:
        """Bytes of a frame that has not ended."""
        return len(self._pending)

    def _next(self, start: int) -> tuple[Frame | None, int]:
        pending = self._pending
        if len(pending) - start < _PRELUDE.size:
            return None, 0
        total, headers_length, crc = _PRELUDE.unpack_from(pending, start)
        if zlib.crc32(pending[start : start + _LENGTHS_BYTES]) != crc:
            raise BadFrame("the checksum of a frame's lengths does not match")
        if not _OVERHEAD_BYTES <= total <= self._bytes_max or headers_length > total - _OVERHEAD_BYTES:
            raise BadFrame(f"a frame of {total} bytes with {headers_length} bytes of headers is out of bounds")
        if len(pending) - start < total:
            return None, 0
        frame = bytes(pending[start : start + total])
        (crc,) = struct.unpack_from(">I", frame, total - _CRC_BYTES)
        if zlib.crc32(frame[:-_CRC_BYTES]) != crc:
            raise BadFrame("the checksum of a frame does not match")
        payload_start = _PRELUDE.size + headers_length
        raw = frame[_PRELUDE.size : payload_start]
        if raw != self._headers_raw:
            self._headers, self._headers_raw = read_headers(raw), raw
        return Frame(self._headers, frame[payload_start:-_CRC_BYTES], frame), total


def read_headers(raw: bytes) -> dict[str, str]:
    """The string headers of a frame; raises BadFrame when they do not fill their space exactly."""
    headers: dict[str, str] = {}
    position = 0
    try:
        while position < len(raw):
            name_end = position + 1 + raw[position]
            name, kind = raw[position + 1 : name_end].decode(), raw[name_end]
            position = name_end + 1
            if kind in _FIXED_BYTES:
                position += _FIXED_BYTES[kind]
            elif kind in {_BYTES, _STRING}:
                (length,) = _LENGTH.unpack_from(raw, position)
                position += _LENGTH.size
                if kind == _STRING:
                    headers[name] = raw[position : position + length].decode()
                position += length
            else:
                raise BadFrame(f"a frame has a header of unknown type {kind}")
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise BadFrame("the headers of a frame cannot be read") from error
    if position != len(raw):
        raise BadFrame("the headers of a frame are longer than their space")
    return headers
