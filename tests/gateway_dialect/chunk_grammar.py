"""An independent reading of the grammar of Chat Completions chunks: what is wrong with a stream, or nothing."""

from __future__ import annotations

import json
from typing import Any

REASONS = {"stop", "length", "tool_calls", "content_filter"}
HEAD = ("id", "object", "created", "model")


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream without comments and `[DONE]`."""
    parts = [part for part in stream.decode().split("\n\n") if part and not part.startswith(":")]
    return [json.loads(part.removeprefix("data: ")) for part in parts if part != "data: [DONE]"]


def check(stream: bytes, *, usage: bool) -> list[dict[str, Any]]:
    """The chunks of a good stream; AssertionError says what is wrong with another."""
    assert stream.endswith(b"\n\n"), "the stream stops inside an event"
    parts = [part for part in stream.decode().split("\n\n") if part and not part.startswith(":")]
    assert all(part.startswith("data: ") and "\n" not in part for part in parts), "an event is one data line"
    assert parts[-1] == "data: [DONE]", "the last event is [DONE]"
    assert parts.count("data: [DONE]") == 1, "[DONE] comes once"
    chunks = chunks_of(stream)
    assert chunks, "a stream has chunks"
    head = {name: chunks[0][name] for name in HEAD}
    assert head["object"] == "chat.completion.chunk"
    for chunk in chunks:
        assert {name: chunk[name] for name in HEAD} == head, "every chunk has the same head"
        assert ("usage" in chunk) == usage, "usage is there, if only null, when asked for, and else never"
    if usage:
        *chunks, last = chunks
        assert last["choices"] == [], "the counts come in a chunk without choices, the last"
        assert set(last["usage"]) >= {"prompt_tokens", "completion_tokens", "total_tokens"}
        assert all(chunk["usage"] is None for chunk in chunks)
    choices = [chunk["choices"] for chunk in chunks]
    assert all(len(found) == 1 and found[0]["index"] == 0 for found in choices), "one choice, number 0"
    deltas = [found[0]["delta"] for found in choices]
    reasons = [found[0]["finish_reason"] for found in choices]
    assert deltas[0].get("role") == "assistant", "the role comes first"
    assert all("role" not in delta for delta in deltas[1:]), "and once"
    assert reasons[-1] in REASONS, "the last choice says why"
    assert all(reason is None for reason in reasons[:-1]), "and only the last"
    assert deltas[-1] == {}, "and nothing else"
    assert all(deltas[1:-1]), "no delta is empty"
    for member in ("tool_calls", "thinking_blocks"):
        _numbered([entry for delta in deltas for entry in delta.get(member, [])], member)
    return chunks


def _numbered(entries: list[dict[str, Any]], member: str) -> None:
    """Numbers begin at 0, grow by one, and never go back; a call says its name once, at its first entry."""
    last = -1
    for entry in entries:
        new = entry["index"] == last + 1
        assert new or entry["index"] == last, f"{member}: {entry['index']} after {last}"
        if member == "tool_calls":
            assert ("id" in entry) == new, "a call's id comes with its first entry"
            assert ("name" in entry["function"]) == new
            assert isinstance(entry["function"]["arguments"], str)
        last = entry["index"]
