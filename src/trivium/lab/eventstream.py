"""AWS event-stream frames as Bedrock's runtime writes them, encoded here and nowhere else in the lab.

u32 total length | u32 headers length | u32 CRC32 of those eight bytes
headers: u8 name length, name, u8 type 7 (string), u16 value length, value; repeated
payload
u32 CRC32 of everything before it                              (all integers big-endian)
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

_STRING = 7
_PRELUDE_BYTES, _CRC_BYTES = 12, 4
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PADDING_MAX = len(_PADDING)

CHUNK_HEADERS = ((":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event"))


def message(headers: Iterable[tuple[str, str]], payload: bytes) -> bytes:
    """One frame; header values are strings, the only type Bedrock uses."""
    encoded = b"".join(_header(name, value) for name, value in headers)
    total = _PRELUDE_BYTES + len(encoded) + len(payload) + _CRC_BYTES
    lengths = struct.pack(">II", total, len(encoded))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + encoded + payload
    return body + struct.pack(">I", zlib.crc32(body))


def chunk(event: bytes, padding_length: int | None = None) -> bytes:
    """A `chunk` frame around the JSON of one Messages stream event.

    `p`, present when a length is given, is filler against traffic analysis: the beginning of a fixed alphabet.
    """
    content = {"bytes": base64.b64encode(event).decode()}
    if padding_length is not None:
        content["p"] = _PADDING[: max(0, min(padding_length, PADDING_MAX))]
    return message(CHUNK_HEADERS, msgspec.json.encode(content))


def event(name: str, payload: dict[str, Any], padding_length: int) -> bytes:
    """A frame that carries its event itself, with the same filler beside it."""
    padded = {**payload, "p": _PADDING[: max(0, min(padding_length, PADDING_MAX))]}
    headers = ((":event-type", name), (":content-type", "application/json"), (":message-type", "event"))
    return message(headers, msgspec.json.encode(padded))


def exception(kind: str, payload: bytes) -> bytes:
    """An exception frame: the stream ends with it. `kind` is the member's name, such as `throttlingException`."""
    headers = ((":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception"))
    return message(headers, payload)


def _header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    return struct.pack(">B", len(raw_name)) + raw_name + struct.pack(">BH", _STRING, len(raw_value)) + raw_value
