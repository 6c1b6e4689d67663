"""Server-sent events: cut a byte stream at event boundaries without changing a byte, and read single events."""

from __future__ import annotations

import re

from trivium.core import TriviumError

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_BOUNDARIES = (b"\n\n", b"\n\r\n")
_BOUNDARY = re.compile(rb"\n\r?\n")
_OVERLAP = 2  # a boundary may begin this many bytes before new data


class EventTooLong(TriviumError):
    """An event exceeded the limit before it ended."""


class Framer:
    """Collects bytes until an event is whole; lines end with LF or CRLF."""

    __slots__ = ("_bytes_max", "_pending")

    def __init__(self, bytes_max: int) -> None:
        self._pending = bytearray()
        self._bytes_max = bytes_max

    def feed(self, data: bytes) -> bytes:
        """The events that are whole now, as the bytes they came in; raises EventTooLong."""
        if not self._pending and data.endswith(b"\n\n"):
            return data
        pending = self._pending
        searched = max(0, len(pending) - _OVERLAP)
        pending += data
        end = -1
        for mark in _BOUNDARIES:
            found = pending.rfind(mark, searched)
            if found >= 0:
                end = max(end, found + len(mark))
        if end < 0:
            if len(pending) > self._bytes_max:
                raise EventTooLong(f"an event is longer than {self._bytes_max} bytes")
            return b""
        whole = bytes(pending[:end])
        del pending[:end]
        return whole

    def rest(self) -> bytes:
        """What came after the last whole event."""
        return bytes(self._pending)


def split_events(data: bytes) -> list[bytes]:
    """Whole events, each with its closing blank line; their concatenation is `data`."""
    if b"\r" not in data:
        parts = data.split(b"\n\n")
        last = parts.pop()
        events = [part + b"\n\n" for part in parts]
    else:
        ends = [found.end() for found in _BOUNDARY.finditer(data)]
        events = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        last = data[ends[-1] :] if ends else data
    return [*events, last] if last else events


def read_event(event: bytes) -> tuple[bytes, bytes]:
    """The name and data of one event; comments and unknown fields are skipped, several data lines joined."""
    name = b""
    data: list[bytes] = []
    for line in event.split(b"\n"):
        field, _, value = line.rstrip(b"\r").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return name, b"\n".join(data)
