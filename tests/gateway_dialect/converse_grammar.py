"""An independent reading of the grammar of Converse's streams: what is wrong with one, in words, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.eventstream import EventStreamBuffer

Frames = Sequence[tuple[Mapping[str, str], bytes]]
MEMBERS = {
    "messageStart": {"role"},
    "contentBlockStart": {"contentBlockIndex", "start"},
    "contentBlockDelta": {"contentBlockIndex", "delta"},
    "contentBlockStop": {"contentBlockIndex"},
    "messageStop": {"stopReason"},
    "metadata": {"usage", "metrics"},
}
DELTAS = {"text": "text", "toolUse": "toolUse", "reasoningContent": "reasoningContent", "citation": "text"}
USAGE = {"inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens"}
EXCEPTIONS = {  # of this operation; it has no modelTimeoutException
    "internalServerException", "modelStreamErrorException", "validationException", "throttlingException",
    "serviceUnavailableException",
}  # fmt: skip


def frames_of(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    """The frames, by botocore's reading; an error for half a frame or a wrong checksum."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    frames = [(dict(message.headers), message.payload) for message in buffer]
    assert not buffer._data, "the stream stops inside a frame"
    return frames


def faults(frames: Frames) -> list[str]:
    """Everything in which a stream leaves the grammar; empty for a good one."""
    reading = _Reading()
    for headers, payload in frames:
        reading.take(headers, json.loads(payload))
    if reading.ended_by not in {"metadata", "exception"}:
        reading.wrong("the last frame is neither metadata nor an exception")
    return reading.found


def check(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a good stream, without pings; AssertionError names what is wrong with another."""
    frames = frames_of(data)
    found = faults(frames)
    assert not found, "\n".join(found)
    events = [(headers.get(":event-type", "exception"), json.loads(payload)) for headers, payload in frames]
    return [(name, event) for name, event in events if name != "ping"]


def message_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer that a client of boto3 puts together: what `converse` would have returned."""
    blocks: dict[int, dict[str, Any]] = {}
    answer: dict[str, Any] = {}
    for event in events:
        ((name, value),) = event.items()
        index = value.get("contentBlockIndex")
        if name == "contentBlockStart":
            blocks[index] = {"toolUse": {**value["start"]["toolUse"], "input": ""}}
        elif name == "contentBlockDelta":
            _join(blocks.setdefault(index, {}), value["delta"])
        elif name == "contentBlockStop" and "toolUse" in blocks.get(index, {}):
            call = blocks[index]["toolUse"]
            call["input"] = json.loads(call["input"] or "{}")
        elif name == "messageStop":
            answer["stopReason"] = value["stopReason"]
        elif name == "metadata":
            answer["usage"] = value["usage"]
    content = [_whole(blocks[index]) for index in sorted(blocks)]
    return {"output": {"message": {"role": "assistant", "content": content}}, **answer}


def _join(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    ((kind, value),) = delta.items()
    if kind == "text":
        block["text"] = block.get("text", "") + value
    elif kind == "toolUse":
        block["toolUse"]["input"] += value["input"]
    elif kind == "citation":
        block.setdefault("citations", []).append(value)
    elif "redactedContent" in value:
        block["reasoningContent"] = {"redactedContent": value["redactedContent"]}
    else:
        thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        for name, text in value.items():
            thought[name] = thought.get(name, "") + text


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    if "citations" in block:
        return {"citationsContent": {"content": [{"text": block["text"]}], "citations": block["citations"]}}
    return block


class _Reading:
    """Where in the grammar a stream stands, and what was wrong on the way."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.ended_by: str | None = None
        self._count = 0
        self._open: tuple[int, str] | None = None  # the block that has begun, and what it is made of
        self._next_index = 0
        self._seen: set[str] = set()

    def wrong(self, what: str) -> None:
        self.found.append(f"frame {self._count}: {what}")

    def take(self, headers: Mapping[str, str], value: dict[str, Any]) -> None:
        self._count += 1
        value.pop("p", None)
        if self.ended_by is not None:
            self.wrong(f"a frame after {self.ended_by}")
        if headers.get(":message-type") == "exception":
            self.ended_by = "exception"
            if headers[":exception-type"] not in EXCEPTIONS or not isinstance(value.get("message"), str):
                self.wrong(f"{headers[':exception-type']} is no exception of this operation, or has no message")
            return
        name = headers.get(":event-type", "")
        if name == "ping":
            return
        if set(value) != MEMBERS.get(name):
            self.wrong(f"{name} with {sorted(value)}")
            return
        if name != "messageStart" and "messageStart" not in self._seen:
            self.wrong(f"{name} before messageStart")
        if name in self._seen and name in {"messageStart", "messageStop", "metadata"}:
            self.wrong(f"a second {name}")
        self._seen.add(name)
        getattr(self, "_" + name)(value)

    def _messageStart(self, value: dict[str, Any]) -> None:  # noqa: N802  the event's own name
        if value["role"] != "assistant":
            self.wrong(f"the role is {value['role']}")

    def _begin(self, index: int, kind: str) -> None:
        if self._open is not None:
            self.wrong(f"block {index} begins inside block {self._open[0]}")
        if "messageStop" in self._seen:
            self.wrong("a block after messageStop")
        if index != self._next_index:
            self.wrong(f"block {index} begins where {self._next_index} is next")
        self._next_index = index + 1
        self._open = (index, kind)

    def _contentBlockStart(self, value: dict[str, Any]) -> None:  # noqa: N802  the event's own name
        if set(value["start"]) != {"toolUse"} or set(value["start"]["toolUse"]) != {"toolUseId", "name"}:
            self.wrong(f"a start of {value['start']}")
        self._begin(value["contentBlockIndex"], "toolUse")

    def _contentBlockDelta(self, value: dict[str, Any]) -> None:  # noqa: N802  the event's own name
        (member,) = value["delta"]
        kind = DELTAS.get(member, member)
        if self._open is None:
            if kind == "toolUse":
                self.wrong("a tool call without its start")
            self._begin(value["contentBlockIndex"], kind)
        elif self._open != (value["contentBlockIndex"], kind):
            self.wrong(f"a {kind} delta of block {value['contentBlockIndex']} inside {self._open}")

    def _contentBlockStop(self, value: dict[str, Any]) -> None:  # noqa: N802  the event's own name
        if self._open is None:  # an empty block has nothing but its end
            self._begin(value["contentBlockIndex"], "")
        elif self._open[0] != value["contentBlockIndex"]:
            self.wrong(f"block {value['contentBlockIndex']} ends inside block {self._open[0]}")
        self._open = None

    def _messageStop(self, value: dict[str, Any]) -> None:  # noqa: N802  the event's own name
        if self._open is not None or not value["stopReason"]:
            self.wrong("messageStop inside a block or without its reason")

    def _metadata(self, value: dict[str, Any]) -> None:
        usage = value["usage"]
        if "messageStop" not in self._seen or not set(usage) >= USAGE:
            self.wrong("metadata before messageStop or without its counts")
        elif usage["totalTokens"] != sum(usage[name] for name in USAGE - {"totalTokens"}):
            self.wrong("the total is not the sum of its parts")
        if not isinstance(value["metrics"].get("latencyMs"), int):
            self.wrong("metadata without its latency")
        self.ended_by = "metadata"
