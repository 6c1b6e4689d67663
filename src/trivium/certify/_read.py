"""Reads an answer: a JSON body, or the events of a stream with their times, server-sent or in AWS frames."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trivium.certify._send import Exchange
from trivium.gateway.wire.eventstream import FrameDecoder
from trivium.gateway.wire.sse import Framer, read_event, split_events

_EVENT_BYTES_MAX = 1024 * 1024
_SSE, _FRAMES = "text/event-stream", "application/vnd.amazon.eventstream"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `framing` is what stands around its data: the frame's headers and fields, or the event's name."""

    at_ms: int
    name: str
    data: Any
    framing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of an answer; `broken` says what of it could not be read."""

    body: Any = None
    events: tuple[Event, ...] | None = None
    broken: str = ""


def media_type(headers: Mapping[str, str]) -> str:
    """The type of a body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def read(exchange: Exchange) -> Answer:
    """What the answer says, by its content type."""
    kind = media_type(exchange.headers)
    if kind == _SSE:
        return _server_sent(exchange)
    if kind == _FRAMES:
        return _framed(exchange)
    data = exchange.body
    if not data:
        return Answer()
    try:
        return Answer(body=json.loads(data))
    except ValueError:
        return Answer(broken=f"{len(data)} bytes that are not JSON")


def _server_sent(exchange: Exchange) -> Answer:
    framer, events = Framer(_EVENT_BYTES_MAX), []
    for chunk in exchange.chunks:
        for raw in split_events(framer.feed(chunk.data)):
            name, data = read_event(raw)
            if not name and not data:
                continue  # a comment
            decoded = _decoded(data)
            same = isinstance(decoded, Mapping) and decoded.get("type") == name.decode("utf-8", "replace")
            framing = ("event", "data") if name else ("data",)
            events.append(
                Event(chunk.at_ms, _name(decoded, name), decoded, framing if same or not name else ("named",))
            )
    rest = framer.rest()
    return Answer(events=tuple(events), broken=f"{len(rest)} bytes after the last event" if rest.strip() else "")


def _framed(exchange: Exchange) -> Answer:
    decoder, events = FrameDecoder(_EVENT_BYTES_MAX), []
    for chunk in exchange.chunks:
        frames, bad = decoder.feed_until_bad(chunk.data)
        for frame in frames:
            outer = _decoded(frame.payload)
            fields = sorted(outer) if isinstance(outer, Mapping) else []
            framing = tuple(sorted(frame.headers)) + tuple(fields)
            inner = _inside(outer)
            kind = frame.headers.get(":exception-type") or frame.headers.get(":event-type", "")
            decoded = outer if inner is None else inner
            name = _name(decoded, kind.encode()) if inner is not None else f"{kind}"
            events.append(Event(chunk.at_ms, name, decoded, framing))
        if bad is not None:
            return Answer(events=tuple(events), broken=str(bad))
    return Answer(events=tuple(events), broken=f"{decoder.rest} bytes of a frame" if decoder.rest else "")


def _inside(outer: Any) -> Any:
    """The Messages event inside a `chunk` frame, or None."""
    if not isinstance(outer, Mapping) or not isinstance(outer.get("bytes"), str):
        return None
    try:
        return _decoded(base64.b64decode(outer["bytes"], validate=True))
    except binascii.Error:
        return None


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _name(decoded: Any, fallback: bytes) -> str:
    kind = decoded.get("type") if isinstance(decoded, Mapping) else None
    return kind if isinstance(kind, str) else fallback.decode("utf-8", "replace")


def usage_of(answer: Answer) -> dict[str, Any] | None:
    """The final counts of a message or a stream; None where there are none."""
    found: dict[str, Any] = {}
    if answer.events is not None:
        for event in answer.events:
            data = event.data if isinstance(event.data, Mapping) else {}
            inner = data.get("message")
            for holder in (inner, data):
                if isinstance(holder, Mapping) and isinstance(holder.get("usage"), Mapping):
                    found.update(holder["usage"])
    elif isinstance(answer.body, Mapping) and isinstance(answer.body.get("usage"), Mapping):
        found.update(answer.body["usage"])
    return found or None
