"""An independent reading of the Messages stream grammar: what is wrong with a stream, in words, or nothing."""

from __future__ import annotations

import json
from typing import Any

# A block type that is missing here may carry any delta; one that is here, only these.
DELTAS: dict[str, frozenset[str]] = {
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "redacted_thinking": frozenset(),
    "tool_use": frozenset({"input_json_delta"}),
    "server_tool_use": frozenset({"input_json_delta"}),
    "mcp_tool_use": frozenset({"input_json_delta"}),
    "compaction": frozenset({"compaction_delta"}),
    "fallback": frozenset(),
    "web_search_tool_result": frozenset(),
    "code_execution_tool_result": frozenset(),
}
# What a delta must hold besides its type.
PAYLOADS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
EMPTY = {
    "text": ("text", ""),
    "thinking": ("thinking", ""),
    "tool_use": ("input", {}),
    "server_tool_use": ("input", {}),
}


def events_of(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events by name; AssertionError for bytes that are not whole events of two lines."""
    if not stream.endswith(b"\n\n"):
        raise AssertionError(f"the stream stops inside an event: {stream[-80:]!r}")
    events = []
    for part in stream[:-2].split(b"\n\n"):
        name, _, data = part.decode().partition("\n")
        if not name.startswith("event: ") or not data.startswith("data: ") or "\n" in data:
            raise AssertionError(f"no event of two lines: {part!r}")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


def faults(stream: bytes) -> list[str]:
    """Everything in which a stream leaves the grammar; empty for a good one."""
    try:
        events = events_of(stream)
    except (AssertionError, ValueError) as error:
        return [str(error)]
    reading = _Reading()
    for name, data in events:
        reading.take(name, data)
    if reading.ended_by is None:
        reading.wrong("the last event is neither message_stop nor error")
    return reading.found


def check(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a good stream; AssertionError names what is wrong with another."""
    found = faults(stream)
    assert not found, "\n".join(found)
    return events_of(stream)


def message_of(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The message that a client puts together from a stream."""
    message: dict[str, Any] = {}
    written: dict[int, str] = {}
    for name, data in events:
        if name == "message_start":
            message = {**data["message"], "content": []}
        elif name == "content_block_start":
            message["content"].append(dict(data["content_block"]))
        elif name == "content_block_delta":
            block, delta = message["content"][data["index"]], data["delta"]
            member = PAYLOADS[delta["type"]]
            if member == "partial_json":
                written[data["index"]] = written.get(data["index"], "") + delta[member]
                block["input"] = None  # until the block is whole
            else:
                block[member] = block.get(member, "") + delta[member]
        elif name == "content_block_stop" and written.get(data["index"]):
            message["content"][data["index"]]["input"] = json.loads(written[data["index"]])
        elif name == "message_delta":
            message |= data["delta"]
            message["usage"] = {**message["usage"], **data["usage"]}
    return message


class _Reading:
    """Where in the grammar a stream stands, and what was wrong on the way."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.ended_by: str | None = None
        self._count = 0
        self._started = False
        self._block: dict[str, Any] | None = None
        self._next_index = 0
        self._closing = False  # a message_delta was seen

    def wrong(self, what: str) -> None:
        self.found.append(f"event {self._count}: {what}")

    def take(self, name: str, data: dict[str, Any]) -> None:
        self._count += 1
        if data.get("type") != name:
            self.wrong(f"named {name}, but its type is {data.get('type')}")
        if self.ended_by is not None:
            self.wrong(f"{name} after {self.ended_by}")
        if name == "ping":
            return
        if name == "error":
            self.ended_by = name
            if not isinstance(data.get("error"), dict) or not {"type", "message"} <= set(data["error"]):
                self.wrong("an error without its type and message")
            return
        if name != "message_start" and not self._started:
            self.wrong(f"{name} before message_start")
        step = getattr(self, "_" + name, None)
        if step is None:
            self.wrong(f"{name} is no event of the Messages API")
        else:
            step(data)

    def _message_start(self, data: dict[str, Any]) -> None:
        if self._started:
            self.wrong("a second message_start")
        self._started = True
        message = data.get("message", {})
        if message.get("content") != [] or message.get("stop_reason", "") is not None or "usage" not in message:
            self.wrong("message_start has content, a stop_reason or no usage")

    def _content_block_start(self, data: dict[str, Any]) -> None:
        if self._block is not None:
            self.wrong("a block starts inside another")
        if self._closing:
            self.wrong("a block starts after message_delta")
        if data.get("index") != self._next_index:
            self.wrong(f"block {data.get('index')} starts where {self._next_index} is next")
        self._next_index += 1
        self._block = data.get("content_block", {})
        member, empty = EMPTY.get(self._block.get("type", ""), ("type", self._block.get("type")))
        if self._block.get(member) != empty:
            self.wrong(f"a {self._block.get('type')} block starts with {member} {self._block.get(member)!r}")

    def _content_block_delta(self, data: dict[str, Any]) -> None:
        delta = data.get("delta", {})
        kind = delta.get("type", "")
        if self._block is None:
            self.wrong(f"a {kind} outside of a block")
            return
        self._check_index(data)
        if kind not in DELTAS.get(self._block["type"], {kind}):
            self.wrong(f"a {kind} in a {self._block['type']} block")
        if kind in PAYLOADS and not isinstance(delta.get(PAYLOADS[kind]), str):
            self.wrong(f"a {kind} without {PAYLOADS[kind]}")

    def _content_block_stop(self, data: dict[str, Any]) -> None:
        if self._block is None:
            self.wrong("a block stops that never started")
        else:
            self._check_index(data)
        self._block = None

    def _check_index(self, data: dict[str, Any]) -> None:
        if data.get("index") != self._next_index - 1:
            self.wrong(f"index {data.get('index')} inside block {self._next_index - 1}")

    def _message_delta(self, data: dict[str, Any]) -> None:
        if self._block is not None:
            self.wrong("message_delta inside a block")
        self._closing = True
        if "stop_reason" not in data.get("delta", {}) or "output_tokens" not in data.get("usage", {}):
            self.wrong("a message_delta without stop_reason or output_tokens")

    def _message_stop(self, data: dict[str, Any]) -> None:
        if self._block is not None:
            self.wrong("message_stop inside a block")
        if not self._closing:
            self.wrong("message_stop without message_delta")
        self.ended_by = "message_stop"
