"""Decoders for surfaces whose answers are in Anthropic's own format, and which may send an error in another one."""

from __future__ import annotations

import re

from trivium.gateway.seams import Decoder, GatewaySettings, MessagesRequest
from trivium.gateway.wire.decode import BodyDecoder, FailureOf, StreamDecoder, broken, writes_may_be_long
from trivium.gateway.wire.sse import read_event, split_events

_JSON = b"[{"
_NO_MESSAGE = re.compile(rb'\s*(?:\[|\{\s*"error"\s*:)')


def relay(
    surface: str,
    failure_of: FailureOf,
    request: MessagesRequest,
    limits: GatewaySettings,
    *,
    drop: frozenset[bytes] = frozenset(),
) -> Decoder:
    """Pass bytes on; `failure_of` reads an error whatever form it has. Events named in `drop` are left out."""
    if request.stream:
        return EventsOrError(surface, failure_of, request, limits, drop)
    return BodyOrError(surface, failure_of, request=request, limits=limits)


class EventsOrError(StreamDecoder):
    """A stream of events, or JSON where a stream should be: at its beginning, as an event without a name, or after."""

    def __init__(
        self,
        surface: str,
        failure_of: FailureOf,
        request: MessagesRequest,
        limits: GatewaySettings,
        drop: frozenset[bytes],
    ) -> None:
        super().__init__(surface, failure_of, long_writes=writes_may_be_long(request), limits=limits, drop=drop)
        self._json_bytes_max = limits.response_bytes_max
        self._start: bytearray | None = bytearray()  # until the first byte that says what this is
        self._json: bytearray | None = None

    def feed(self, data: bytes) -> bytes:
        """Whole events so far; JSON is kept for the end."""
        if self._start is not None:
            self._start += data
            begun = self._start.lstrip()
            if not begun:
                return b""
            data, self._start = bytes(self._start), None
            if begun[0] in _JSON:
                self._json = bytearray()
                data = bytes(begun)
        if self._json is None:
            return super().feed(data)
        self._json += data
        if len(self._json) > self._json_bytes_max and self.failure is None:
            self.failure = broken(self._surface, f"the answer is longer than {self._json_bytes_max} bytes")
        return b""

    def _read(self, whole: bytes) -> bytes:
        if b'"error"' not in whole:
            return super()._read(whole)
        position = 0
        for event in split_events(whole):
            name, data = read_event(event)
            if not name and data[:1] and data[0] in _JSON and b'"error"' in data:
                passed = super()._read(whole[:position]) if position else b""
                self.failure = self.failure or self._failure_of(data)
                return passed
            position += len(event)
        return super()._read(whole)

    def finish(self) -> bytes:
        """The last event, or the error that came in place of one."""
        rest = bytes(self._json) if self._json is not None else self._framer.rest().strip()
        if self.failure is None and not self.complete and rest[:1] and rest[0] in _JSON:
            self.failure = self._failure_of(rest)
            return b""
        return super().finish()


class BodyOrError(BodyDecoder):
    """A whole answer that may be an error in the surface's own form."""

    def finish(self) -> bytes:
        """The body, unless it says that it is an error."""
        body = bytes(self._body)
        if self.failure is None and _NO_MESSAGE.match(body):
            self.failure = self._failure_of(body)
            return b""
        return super().finish()
