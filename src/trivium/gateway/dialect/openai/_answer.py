"""A whole Messages answer as a chat completion."""

from __future__ import annotations

from typing import Any

import msgspec

from trivium.gateway.dialect._seam import NoMessage
from trivium.gateway.dialect.openai._usage import finish_reason, refusal_of, usage
from trivium.gateway.seams import NotSupported

_WORDS = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})


class _Block(msgspec.Struct):
    """A content block; a call's input stays as it was written."""

    type: str = ""
    text: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    thinking: str = ""
    signature: str = ""
    data: str = ""


class _Answer(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: list[_Block] = []
    stop_reason: str | None = None
    stop_details: Any = None
    usage: Any = None


_decode = msgspec.json.Decoder(_Answer).decode


def completion(body: bytes, created: int) -> bytes:
    """The completion for an answer; raises NoMessage, and NotSupported for a block that it has no word for."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoMessage("the answer is no message") from error
    for block in answer.content:
        has_word(block.type)
    choice = {
        "index": 0,
        "message": _message(answer),
        "logprobs": None,
        "finish_reason": finish_reason(answer.stop_reason),
    }
    whole: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": created,
        "model": answer.model,
        "choices": [choice],
    }
    counted = usage(answer.usage)
    return msgspec.json.encode(whole | ({"usage": counted} if counted else {}))


def has_word(kind: str) -> None:
    """Refuse a block that would be lost; only a beta or a tool that this dialect does not pass brings one."""
    if kind not in _WORDS:
        raise NotSupported(f"the answer has a {kind[:40]} block, which Chat Completions has no word for")


def _message(answer: _Answer) -> dict[str, Any]:
    blocks = answer.content
    refused = refusal_of(answer.stop_details) if answer.stop_reason == "refusal" else None
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block.text for block in blocks if block.type == "text") or None,
        "refusal": refused,
    }
    calls = [call(block.id, block.name, bytes(block.input).decode()) for block in blocks if block.type == "tool_use"]
    if calls:
        said["tool_calls"] = calls
    thought = "".join(block.thinking for block in blocks if block.type == "thinking")
    if thought:
        said["reasoning_content"] = thought
    signed = [_signed(block) for block in blocks if block.type in {"thinking", "redacted_thinking"}]
    if signed:
        said["thinking_blocks"] = [{"index": number, **block} for number, block in enumerate(signed)]
    return said


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A call of a function."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _signed(block: _Block) -> dict[str, str]:
    if block.type == "thinking":
        return {"type": block.type, "thinking": block.thinking, "signature": block.signature}
    return {"type": block.type, "data": block.data}
