"""Bedrock's frames: made into the Messages API's events from the bytes they carry, or passed on, read from a copy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trivium.core import Quality, Usage
from trivium.gateway.seams import Failure, GatewaySettings, MessagesRequest
from trivium.gateway.upstream._errors import decoded, text_at
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.decode import BodyDecoder, EventTap, FailureOf, broken, writes_may_be_long
from trivium.gateway.wire.eventstream import Frame, FrameDecoder

METRICS = "amazon-bedrock-invocationMetrics"
_METRICS_BYTES = METRICS.encode()
_COUNTS = {  # the metrics' names, and those of a Messages usage object
    "inputTokenCount": "input_tokens",
    "outputTokenCount": "output_tokens",
    "cacheReadInputTokenCount": "cache_read_input_tokens",
    "cacheWriteInputTokenCount": "cache_creation_input_tokens",
}

FailureOfException = Callable[[str, str], Failure]  # of an exception's name and message


class _Chunk(msgspec.Struct):
    event: bytes = msgspec.field(name="bytes")  # base64 in JSON; `p` beside it is padding


class _Event(msgspec.Struct):
    type: str


_chunk = msgspec.json.Decoder(_Chunk)
_event = msgspec.json.Decoder(_Event)


class FramesDecoder(ABC):
    """Feed it frames; it returns what a subclass makes of each. A broken frame or an exception ends the stream."""

    def __init__(self, surface: str, of_exception: FailureOfException, limits: GatewaySettings) -> None:
        self._surface = surface
        self._of_exception = of_exception
        self._frames = FrameDecoder(limits.event_bytes_max)
        self.failure: Failure | None = None

    def feed(self, data: bytes) -> bytes:
        """What comes of the frames that are whole now."""
        if self.failure is not None:
            return b""
        frames, bad = self._frames.feed_until_bad(data)
        said: list[bytes] = []
        for frame in frames:
            kind = frame.headers.get(":message-type", "event")
            if kind != "event":
                self._fail(frame, kind)
                return b"".join(said)
            event = self._event(frame)
            if event is None:
                return b"".join(said)
            said.append(event)
        if bad is not None:
            self.failure = broken(self._surface, str(bad))
        return b"".join(said)

    def finish(self) -> bytes:
        """Half a frame is nothing."""
        return b""

    @abstractmethod
    def _event(self, frame: Frame) -> bytes | None:
        """What a frame becomes, possibly nothing; None when the stream ended in a failure."""

    def _fail(self, frame: Frame, kind: str) -> None:
        value = decoded(frame.payload)
        name = frame.headers.get(":exception-type") or frame.headers.get(":error-code", kind)
        message = (
            text_at(value, "originalMessage") or text_at(value, "message") or frame.headers.get(":error-message", "")
        )
        self.failure = self._of_exception(name, message)


class BedrockStreamDecoder(FramesDecoder):
    """InvokeModel's frames become events; for a client of InvokeModel they pass as they came."""

    def __init__(
        self,
        surface: str,
        of_exception: FailureOfException,
        failure_of: FailureOf,
        request: MessagesRequest,
        limits: GatewaySettings,
    ) -> None:
        super().__init__(surface, of_exception, limits)
        self._failure_of = failure_of
        self._tap = EventTap(long_writes=writes_may_be_long(request))
        self._native = request.dialect == surface
        self._agrees = True  # whether the metrics of the last event say what the events said

    def _event(self, frame: Frame) -> bytes | None:
        if frame.headers.get(":event-type") != "chunk":
            return frame.raw if self._native else b""  # nothing of the answer: the protocol's own opening
        try:
            inner = _chunk.decode(frame.payload).event
            name = _event.decode(inner).type
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.failure = broken(self._surface, f"a frame carries no event ({type(error).__name__})")
            return None
        if name == "message_stop" and _METRICS_BYTES in inner:
            inner = self._without_metrics(inner)
        if b"\n" in inner or b"\r" in inner:
            inner = b" ".join(inner.splitlines())  # between tokens only: inside strings they are escaped
        event = b"event: " + name.encode() + b"\ndata: " + inner + b"\n\n"
        self._tap.read(event)
        if self._tap.error is not None:
            self.failure = self._failure_of(self._tap.error)
            return None
        return frame.raw if self._native else event

    def _without_metrics(self, inner: bytes) -> bytes:
        body = Body(inner)
        self._check(body.get(METRICS))
        return body.edit(remove=[METRICS])

    def _check(self, metrics: object) -> None:
        """Compare the counts that AWS bills with those of the events; where the events had none, take these."""
        if not isinstance(metrics, Mapping):
            return
        if self._tap.quality is not Quality.EXACT:
            self._tap.read_usage({theirs: metrics.get(ours) for ours, theirs in _COUNTS.items()})
            return
        self._agrees = all(
            theirs is None or ours is None or theirs == ours for ours, theirs in _side_by_side(self._tap.usage, metrics)
        )

    @property
    def content_begun(self) -> bool:
        """Whether the first content event has passed."""
        return self._tap.content_begun

    @property
    def complete(self) -> bool:
        """Whether `message_stop` has passed."""
        return self._tap.complete

    @property
    def usage(self) -> Usage:
        """Counts so far."""
        return self._tap.usage

    @property
    def quality(self) -> Quality:
        """How well they are known; not exactly, when AWS's own metrics contradict them."""
        quality = self._tap.quality
        return Quality.ESTIMATED if quality is Quality.EXACT and not self._agrees else quality

    @property
    def stop_reason(self) -> str:
        """Why the answer ended."""
        return self._tap.stop_reason


def _side_by_side(usage: Usage, metrics: Mapping[str, Any]) -> list[tuple[int | None, Any]]:
    short, long = usage.cache_write_5m, usage.cache_write_1h
    writes = None if short is None or long is None else short + long
    return [
        (usage.input, metrics.get("inputTokenCount")),
        (usage.output, metrics.get("outputTokenCount")),
        (usage.cache_read, metrics.get("cacheReadInputTokenCount")),
        (writes, metrics.get("cacheWriteInputTokenCount")),
    ]


class BedrockCountDecoder(BodyDecoder):
    """The answer of CountTokens, in the Messages API's words."""

    def finish(self) -> bytes:
        """`{"input_tokens": N}`."""
        body = super().finish()
        count = decoded(body).get("inputTokens") if body else None
        if isinstance(count, int) and not isinstance(count, bool):
            return msgspec.json.encode({"input_tokens": count})
        if self.failure is None:
            self.complete = False
            self.failure = broken(self._surface, "the answer carries no count")
        return b""
