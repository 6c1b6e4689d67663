"""Decoders for answers in Anthropic's format: the bytes pass untouched, usage is read from a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trivium.core import NO_USAGE, Outcome, Quality, Retry, UpstreamError, Usage
from trivium.gateway.seams import Failure, GatewaySettings, MessagesRequest
from trivium.gateway.wire.errors import envelope
from trivium.gateway.wire.sse import EventTooLong, Framer, read_event, split_events
from trivium.gateway.wire.usage import UsageReader

FailureOf = Callable[[bytes], Failure]  # reads an error envelope that came inside a 200 answer

BYTES_PER_TOKEN = 4  # for the estimate of a stream that was cut, marked as such
_DELTA = b"event: content_block_delta\n"
_DELTA_FRAME = len(
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":""}}\n\n'
)
_PLAIN_NAMES = {b"content_block_start", b"content_block_stop", b"ping"}
_decode = msgspec.json.decode


def writes_may_be_long(request: MessagesRequest) -> bool:
    """Whether the request asks for a one-hour cache; a false alarm only costs the knowledge of a missing split."""
    return b'"1h"' in request.body.data


class EventTap:
    """Reads usage, stop reason and errors from whole events of a Messages stream, one at a time."""

    __slots__ = ("_delta_bytes", "_deltas", "_final", "_reader", "complete", "content_begun", "error", "stop_reason")

    def __init__(self, *, long_writes: bool) -> None:
        self._reader = UsageReader(long_writes=long_writes)
        self._deltas = 0
        self._delta_bytes = 0
        self._final = False  # the last counts were read
        self.content_begun = False
        self.complete = False
        self.stop_reason = ""
        self.error: bytes | None = None  # the data of an `error` event

    def read(self, event: bytes) -> bytes:
        """Take one event; returns its name."""
        if event.startswith(_DELTA):  # nearly all events; nothing in them is needed but their size
            self._deltas += 1
            self._delta_bytes += len(event) - _DELTA_FRAME
            self.content_begun = True
            return b"content_block_delta"
        name, data = read_event(event)
        if name == b"content_block_delta":
            self._deltas += 1
            self._delta_bytes += len(data)
            self.content_begun = True
        elif name == b"content_block_start":
            self.content_begun = True
        elif name == b"message_stop":
            self.complete = True
        elif name == b"error":
            self.error = data
        elif name in {b"message_start", b"message_delta"}:
            self._read_counts(name, data)
        return name

    def _read_counts(self, name: bytes, data: bytes) -> None:
        decoded = _object(data)
        if name == b"message_start":
            message = decoded.get("message")
            self._reader.read(message.get("usage") if isinstance(message, dict) else None)
            return
        self.content_begun = True  # an answer without content blocks begins, and ends, here
        usage = decoded.get("usage")
        self._reader.read(usage)
        delta = decoded.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if isinstance(reason, str):
            self.stop_reason = reason
        if isinstance(usage, dict) and isinstance(usage.get("output_tokens"), int):
            self._final = True

    def read_usage(self, raw: object) -> None:
        """Take final counts that the surface gives outside the Messages events."""
        self._reader.read(raw)
        self._final = True

    @property
    def usage(self) -> Usage:
        """What is known; for a stream that was cut, output is estimated from the size of its deltas."""
        if self._final:
            return self._reader.usage()
        estimate = -(-max(self._delta_bytes, self._deltas) // BYTES_PER_TOKEN)
        return self._reader.usage(output=max(estimate, self._reader.output or 0))

    @property
    def quality(self) -> Quality:
        """EXACT after the last counts, unless other models took part; ESTIMATED before."""
        if self.usage.input is None:
            return Quality.UNKNOWN
        return Quality.EXACT if self._final and not self._reader.mixed else Quality.ESTIMATED


class StreamDecoder:
    """A Messages stream: whole events pass as they came; names in `drop` are left out."""

    def __init__(
        self,
        surface: str,
        failure_of: FailureOf,
        *,
        long_writes: bool,
        limits: GatewaySettings,
        drop: frozenset[bytes] = frozenset(),
    ) -> None:
        self._surface = surface
        self._failure_of = failure_of
        self._framer = Framer(limits.event_bytes_max)
        self._drop = drop
        self.tap = EventTap(long_writes=long_writes)
        self.failure: Failure | None = None

    def feed(self, data: bytes) -> bytes:
        """Whole events so far; an error event ends the stream and is not among them."""
        if self.failure is not None:
            return b""
        try:
            whole = self._framer.feed(data)
        except EventTooLong as error:
            self.failure = broken(self._surface, str(error))
            return b""
        return self._read(whole) if whole else b""

    def _read(self, whole: bytes) -> bytes:
        tap = self.tap
        kept: list[bytes] | None = None  # a list once anything has to be left out
        position = 0
        for event in split_events(whole):
            name = tap.read(event)
            if tap.error is not None:
                self.failure = self._failure_of(tap.error)
                return whole[:position] if kept is None else b"".join(kept)
            if name in self._drop:
                kept = [whole[:position]] if kept is None else kept
            elif kept is not None:
                kept.append(event)
            position += len(event)
        return whole if kept is None else b"".join(kept)

    def finish(self) -> bytes:
        """The last event counts even without its closing blank line; half an event does not."""
        rest = self._framer.rest()
        if not rest.strip() or self.failure is not None or self.complete:
            return b""
        self._framer = Framer(len(rest))
        name, _ = read_event(rest)
        if name != b"message_stop":
            return b""
        return self._read(rest.rstrip(b"\r\n") + b"\n\n")

    @property
    def content_begun(self) -> bool:
        """Whether the first content event has passed."""
        return self.tap.content_begun

    @property
    def complete(self) -> bool:
        """Whether `message_stop` has passed."""
        return self.tap.complete

    @property
    def usage(self) -> Usage:
        """Counts so far."""
        return self.tap.usage

    @property
    def quality(self) -> Quality:
        """How well they are known."""
        return self.tap.quality

    @property
    def stop_reason(self) -> str:
        """Why the answer ended."""
        return self.tap.stop_reason


class BodyDecoder:
    """An answer that is not streamed: collected whole, then passed as it came."""

    def __init__(
        self, surface: str, failure_of: FailureOf, *, request: MessagesRequest, limits: GatewaySettings
    ) -> None:
        self._surface = surface
        self._failure_of = failure_of
        self._counted = request.endpoint == "messages"
        self._reader = UsageReader(long_writes=writes_may_be_long(request))
        self._bytes_max = limits.response_bytes_max
        self._body = bytearray()
        self.complete = False
        self.stop_reason = ""
        self.failure: Failure | None = None

    def feed(self, data: bytes) -> bytes:
        """Collect."""
        if self.failure is None:
            self._body += data
            if len(self._body) > self._bytes_max:
                self.failure = broken(self._surface, f"the answer is longer than {self._bytes_max} bytes")
                self._body.clear()
        return b""

    def finish(self) -> bytes:
        """The whole body, unless it is an error or no JSON object."""
        if self.failure is not None:
            return b""
        body = bytes(self._body)
        decoded = _object(body)
        if decoded.get("type") == "error":
            self.failure = self._failure_of(body)
            return b""
        if not decoded:
            self.failure = broken(self._surface, "the answer is not a JSON object")
            return b""
        self._take(decoded)
        self.complete = True
        return body

    def _take(self, answer: dict[str, Any]) -> None:
        """Read counts and the end from an answer; for overriding."""
        self._reader.read(answer.get("usage"))
        reason = answer.get("stop_reason")
        self.stop_reason = reason if isinstance(reason, str) else ""

    @property
    def content_begun(self) -> bool:
        """Whether the whole body was read."""
        return self.complete

    @property
    def usage(self) -> Usage:
        """The counts of the answer; counting tokens consumes none."""
        return self._reader.usage() if self._counted else NO_USAGE

    @property
    def quality(self) -> Quality:
        """EXACT when the answer carried its counts."""
        if not self._counted:
            return Quality.EXACT
        usage = self.usage
        if usage.input is None or usage.output is None:
            return Quality.UNKNOWN
        return Quality.ESTIMATED if self._reader.mixed else Quality.EXACT


def broken(surface: str, message: str) -> Failure:
    """An answer that cannot be used; whether it was billed is unknown, and another surface may do better."""
    return Failure(
        error=UpstreamError(surface, message, retry=Retry.ELSEWHERE),
        status=502,
        body=envelope("api_error", f"{surface}: {message}"),
        error_type="api_error",
        outcome=Outcome.FAILED,
    )


def _object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`, or an empty one: a tap never fails because of what an upstream sends."""
    try:
        decoded = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
