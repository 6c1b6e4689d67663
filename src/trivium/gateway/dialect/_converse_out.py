"""Messages answers in Converse's words: whole, and event by event in frames."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from trivium.gateway.dialect._aws import (
    STREAM,
    event_frame,
    exception_frame,
    object_in,
    refusal,
)
from trivium.gateway.dialect._citations import to_converse
from trivium.gateway.dialect._seam import Asked, NoMessage, Spoken
from trivium.gateway.seams import Headers, NotSupported
from trivium.gateway.wire.sse import read_event, split_events

OPAQUE = b"trivium:"  # before what had to be wrapped, because it was no base64 that bytes stand for
_NS_PER_MS = 1_000_000
_REFUSED = {"refusal": "content_filtered"}  # every other reason has the same name
_NO_TIMEOUT = {"modelTimeoutException": "internalServerException"}  # this stream has no exception of that name
_WRITES = (("5m", "ephemeral_5m_input_tokens"), ("1h", "ephemeral_1h_input_tokens"))


class ConverseSpeech:
    """Says one answer. Raises NotSupported for what Converse has no words for, NoMessage for what is no answer."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._began_ns = asked.clock.monotonic_ns() if asked.clock is not None else 0
        self._usage: dict[str, Any] = {}
        self._stop_reason = ""

    def head(self, headers: Headers) -> dict[str, str]:
        """Frames have a type of their own."""
        return {**headers, "content-type": STREAM} if self._asked.stream else dict(headers)

    def whole(self, body: bytes) -> bytes:
        """A message."""
        message = object_in(body)
        content = message.get("content")
        if not isinstance(content, list):
            raise NoMessage("the answer is no message")
        answer = {
            "output": {"message": {"role": "assistant", "content": [block_of(_object(block)) for block in content]}},
            "stopReason": _reason(message.get("stop_reason")),
            "usage": counts_of(_object(message.get("usage"))),
            "metrics": self._metrics(),
        }
        return msgspec.json.encode(answer)

    def events(self, data: bytes) -> bytes:
        """Each event as one frame, as none, or as two."""
        return b"".join(self._said(*read_event(event)) for event in split_events(data) if event.strip())

    def _said(self, name: bytes, data: bytes) -> bytes:
        event = object_in(data)
        if not event and data.strip() != b"{}":  # what it would have said is lost
            raise NoMessage("an event is no JSON object")
        if name == b"message_start":
            self._read(event.get("message"))
            return _frame("messageStart", {"role": "assistant"})
        if name == b"content_block_start":
            return _started(event)
        if name == b"content_block_delta":
            return _delta(event, delta_of(_object(event.get("delta"))))
        if name == b"content_block_stop":
            return _frame("contentBlockStop", {"contentBlockIndex": event.get("index")})
        if name == b"message_delta":
            self._read(event)
            self._stop_reason = _reason(_object(event.get("delta")).get("stop_reason"))
        if name == b"message_stop":
            end = _frame("messageStop", {"stopReason": self._stop_reason})
            return end + _frame("metadata", {"usage": counts_of(self._usage), "metrics": self._metrics()})
        return self.ping() if name == b"ping" else b""

    def _read(self, holder: object) -> None:
        usage = _object(_object(holder).get("usage"))
        self._usage |= {name: count for name, count in usage.items() if count is not None}

    def _metrics(self) -> dict[str, int]:
        clock = self._asked.clock
        return {"latencyMs": (clock.monotonic_ns() - self._began_ns) // _NS_PER_MS if clock is not None else 0}

    def ping(self) -> bytes:
        """An event of a name that no client knows, which the protocol tells them to skip."""
        return event_frame("ping", b"{}")

    def error_event(self, envelope: bytes) -> bytes:
        """An exception frame ends the stream."""
        return exception_frame(envelope, but=_NO_TIMEOUT)

    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """The exception by its name."""
        return refusal(status, envelope)


def counts_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """A usage object of the Messages API. The total counts what was read from and written to the cache."""
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    fresh, output, read, written = (_count(usage.get(name)) for name in names)
    said: dict[str, Any] = {
        "inputTokens": fresh,
        "outputTokens": output,
        "totalTokens": fresh + output + read + written,
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": written,
    }
    split = _object(usage.get("cache_creation"))
    if written and split:
        said["cacheDetails"] = [{"ttl": ttl, "inputTokens": split[name]} for ttl, name in _WRITES if split.get(name)]
    return said


def block_of(block: Mapping[str, Any]) -> dict[str, Any]:
    """A whole content block."""
    kind = block.get("type")
    if kind == "text":
        cited = [_citation(_object(one)) for one in block.get("citations") or ()]
        text = {"text": block.get("text", "")}
        return {"citationsContent": {"content": [text], "citations": cited}} if cited else text
    if kind == "thinking":
        return {"reasoningContent": {"reasoningText": _thought(block)}}
    if kind == "redacted_thinking":
        return {"reasoningContent": {"redactedContent": blob_of(block.get("data") or "")}}
    if kind == "tool_use":
        return {
            "toolUse": {"toolUseId": block.get("id"), "name": block.get("name"), "input": block.get("input") or {}},
        }
    raise NotSupported(f"the answer has a {kind} block, which Converse has no word for")


def delta_of(delta: Mapping[str, Any]) -> dict[str, Any]:
    """A piece of a block."""
    kind = delta.get("type")
    if kind == "text_delta":
        return {"text": delta.get("text", "")}
    if kind == "input_json_delta":
        return {"toolUse": {"input": delta.get("partial_json", "")}}
    if kind == "thinking_delta":
        return {"reasoningContent": {"text": delta.get("thinking", "")}}
    if kind == "signature_delta":
        return {"reasoningContent": {"signature": delta.get("signature", "")}}
    if kind == "citations_delta":
        return {"citation": _citation(_object(delta.get("citation")))}
    raise NotSupported(f"the answer has a {kind}, which Converse has no word for")


def blob_of(data: str) -> str:
    """Opaque text where bytes are wanted, in base64; what is base64 already stays as it is."""
    try:
        if base64.b64encode(base64.b64decode(data, validate=True)).decode() == data:
            return data
    except (binascii.Error, ValueError):
        pass  # no base64: wrapped below
    return base64.b64encode(OPAQUE + data.encode()).decode()


def _started(event: Mapping[str, Any]) -> bytes:
    """Only a tool call has a start of its own; what another block begins with is its first piece."""
    block = _object(event.get("content_block"))
    kind = block.get("type")
    if kind == "tool_use":
        start = {"toolUse": {"toolUseId": block.get("id"), "name": block.get("name")}}
        begun = _frame("contentBlockStart", {"start": start, "contentBlockIndex": event.get("index")})
        given = block.get("input")
        if not given:
            return begun
        return begun + _delta(event, {"toolUse": {"input": msgspec.json.encode(given).decode()}})
    said = block_of(block)  # refuses what cannot be said
    if kind == "redacted_thinking":
        return _delta(event, said)
    pieces = [{"text": block["text"]}] if kind == "text" and block.get("text") else []
    if kind == "thinking":
        thought = _thought(block)
        pieces = [{"reasoningContent": {name: thought[name]}} for name in ("text", "signature") if thought.get(name)]
    return b"".join(_delta(event, piece) for piece in pieces)


def _thought(block: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": block.get("thinking", ""), "signature": block.get("signature", "")}


def _citation(citation: Mapping[str, Any]) -> dict[str, Any]:
    said = to_converse(citation)
    if said is None:
        raise NotSupported(f"the answer has a {citation.get('type')} citation, which Converse has no word for")
    return said


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _reason(reason: object) -> str:
    return _REFUSED.get(reason, reason) if isinstance(reason, str) else ""


def _delta(event: Mapping[str, Any], delta: Mapping[str, Any]) -> bytes:
    return _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": event.get("index")})


def _frame(name: str, value: Mapping[str, Any]) -> bytes:
    return event_frame(name, msgspec.json.encode(value))
