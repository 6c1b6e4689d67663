"""Messages events as chat completion chunks: the role first, one reason at the end, the counts, and `[DONE]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trivium.gateway.dialect._seam import NoMessage
from trivium.gateway.dialect.openai._answer import call, has_word
from trivium.gateway.dialect.openai._read import word
from trivium.gateway.dialect.openai._usage import finish_reason, refusal_of, usage
from trivium.gateway.wire.sse import read_event, split_events

PING = b": ping\n\n"
_DONE = b"data: [DONE]\n\n"
_NAMES = frozenset(
    {
        b"message_start", b"content_block_start", b"content_block_delta", b"content_block_stop", b"message_delta",
        b"message_stop",
    }
)  # fmt: skip
_decode = msgspec.json.decode
_encode = msgspec.json.encode


class Chunks:
    """Says one stream; raises NoMessage and NotSupported.

    Numbers of calls and of thinking blocks count their own kind, not content blocks.
    """

    def __init__(self, created: int, *, include_usage: bool) -> None:
        self._created = created
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._calls = 0
        self._thoughts = 0
        self._open = ""  # the type of the open block
        self._input: bytes | None = None  # of the open call, while none of it was said
        self._usage: dict[str, Any] = {}
        self._stop_reason: Any = None
        self._refusal: str | None = None
        self._ended = False

    def say(self, events: bytes) -> bytes:
        """Chunks for whole events."""
        return b"".join(chunk for event in split_events(events) if event.strip() for chunk in self._event(event))

    def _event(self, event: bytes) -> Iterator[bytes]:
        name, data = read_event(event)
        if name == b"ping":
            yield PING
        if name not in _NAMES:
            return
        value = _object(data)
        if name == b"message_start":
            message = _member(value, "message")
            self._count(message.get("usage"))
            self._head = {
                "id": message.get("id", ""),
                "object": "chat.completion.chunk",
                "created": self._created,
                "model": message.get("model", ""),
            }
            yield self._chunk({"role": "assistant", "content": None})
        elif name == b"content_block_start":
            yield from self._start(_member(value, "content_block"))
        elif name == b"content_block_delta":
            yield from self._delta(_member(value, "delta"))
        elif name == b"content_block_stop":
            yield from self._stop()
        elif name == b"message_delta":
            self._count(value.get("usage"))
            delta = _member(value, "delta")
            self._stop_reason = delta.get("stop_reason") or self._stop_reason
            if self._stop_reason == "refusal":
                self._refusal = refusal_of(delta.get("stop_details")) or self._refusal
        elif name == b"message_stop":
            yield from self._end()

    def _start(self, block: dict[str, Any]) -> Iterator[bytes]:
        self._open = word(block, "type") or ""
        has_word(self._open)
        if self._open == "text" and block.get("text"):
            yield self._chunk({"content": block["text"]})
        elif self._open == "tool_use":
            self._input = _encode(block.get("input") or {})
            begun = call(block.get("id", ""), block.get("name", ""), "")
            yield self._chunk({"tool_calls": [{"index": self._calls, **begun}]})
        elif self._open == "thinking":
            yield self._thought({"type": self._open, "thinking": block.get("thinking", "")})
        elif self._open == "redacted_thinking":
            yield self._thought({"type": self._open, "data": block.get("data", "")})

    def _delta(self, delta: dict[str, Any]) -> Iterator[bytes]:
        kind = delta.get("type")
        if kind == "text_delta" and delta.get("text"):
            yield self._chunk({"content": delta["text"]})
        elif kind == "input_json_delta" and delta.get("partial_json"):
            self._input = None
            yield self._argument(delta["partial_json"])
        elif kind == "thinking_delta" and delta.get("thinking"):
            yield self._thought({"type": "thinking", "thinking": delta["thinking"]})
        elif kind == "signature_delta" and delta.get("signature"):
            yield self._thought({"type": "thinking", "signature": delta["signature"]})

    def _stop(self) -> Iterator[bytes]:
        if self._open == "tool_use":
            if self._input is not None:  # a call without deltas: of a function without arguments, say
                yield self._argument(self._input.decode())
            self._input = None
            self._calls += 1
        elif self._open in {"thinking", "redacted_thinking"}:
            self._thoughts += 1
        self._open = ""

    def _argument(self, part: str) -> bytes:
        return self._chunk({"tool_calls": [{"index": self._calls, "function": {"arguments": part}}]})

    def _thought(self, block: dict[str, Any]) -> bytes:
        shown = {"reasoning_content": block["thinking"]} if block.get("thinking") else {}
        return self._chunk({**shown, "thinking_blocks": [{"index": self._thoughts, **block}]})

    def _end(self) -> Iterator[bytes]:
        if self._ended:
            return
        self._ended = True
        if self._refusal is not None:
            yield self._chunk({"refusal": self._refusal})
        yield self._chunk({}, finish_reason(self._stop_reason))
        counted = usage(self._usage)
        if self._include_usage and counted is not None:
            yield _framed({**self._head, "choices": [], "usage": counted})
        yield _DONE

    def _count(self, said: Any) -> None:
        """Counts are cumulative: a later one replaces an earlier one."""
        if isinstance(said, dict):
            self._usage |= {name: value for name, value in said.items() if value is not None}

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        more = {"usage": None} if self._include_usage else {}
        return _framed({**self._head, "choices": [choice], **more})


def _framed(value: dict[str, Any]) -> bytes:
    return b"data: " + _encode(value) + b"\n\n"


def error_chunk(error: dict[str, Any]) -> bytes:
    """An error after the first byte; no `[DONE]` follows, so nobody takes the answer for a whole one."""
    return _framed(error)


def _member(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _object(data: bytes) -> dict[str, Any]:
    """A JSON object; raises NoMessage for what a surface sent that is none: what it would have said is lost."""
    try:
        value = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoMessage("an event is no JSON") from error
    if not isinstance(value, dict):
        raise NoMessage("an event is no JSON object")
    return value
