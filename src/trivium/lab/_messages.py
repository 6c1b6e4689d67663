"""The rules of the `messages` array: roles, block types and their fields, tool calls and their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trivium.lab.surfaces._base import invalid

_CACHED = frozenset({"type", "cache_control"})
_BLOCK_FIELDS: Mapping[str, frozenset[str]] = {
    "text": _CACHED | {"text", "citations"},
    "image": _CACHED | {"source"},
    "document": _CACHED | {"source", "title", "context", "citations"},
    "search_result": _CACHED | {"source", "title", "content", "citations"},
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": _CACHED | {"id", "name", "input", "caller"},
    "tool_result": _CACHED | {"tool_use_id", "content", "is_error"},
}
_OPEN_BLOCKS = frozenset(  # accepted whole: the lab never runs the tools behind them
    {
        "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
        "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
        "container_upload", "tool_addition", "tool_removal", "compaction", "fallback", "mcp_tool_use",
        "mcp_tool_result", "mcp_tool_listing", "advisor_tool_result",
    },
)  # fmt: skip
_REQUIRED: Mapping[str, tuple[tuple[str, type], ...]] = {
    "text": (("text", str),),
    "image": (("source", dict),),
    "document": (("source", dict),),
    "search_result": (("content", list),),
    "thinking": (("thinking", str), ("signature", str)),
    "redacted_thinking": (("data", str),),
    "tool_use": (("id", str), ("name", str), ("input", dict)),
    "tool_result": (("tool_use_id", str),),
}
_PLAIN_TEXT = {"type", "text"}
_NEW_VERSION = "2026-10-21"
_SOURCES = {"base64": "data", "text": "data", "url": "url", "file": "file_id", "content": "content"}
_PARTS = frozenset({"text", "image", "document", "search_result", "tool_reference"})
_MESSAGE_FIELDS = frozenset({"role", "content", "output_config", "clear_at"})
_ASSISTANT_ONLY = frozenset({"thinking", "redacted_thinking", "tool_use"})
_USER_ONLY = frozenset({"tool_result", "image", "search_result"})


def check_messages(
    messages: Sequence[Any],
    *,
    version: str,
    system_messages: bool,
    prefill: bool,
) -> None:
    """Refuse malformed messages; raises Refused."""
    roles = ("user", "assistant", "system") if system_messages else ("user", "assistant")
    open_calls: set[str] = set()  # tool_use ids of the last assistant message, waiting for their results
    first_role = None
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        if not isinstance(message, dict):
            raise invalid(f"{where}: Input should be a valid dictionary")
        role = str(message.get("role"))
        if role not in roles:
            raise invalid(f"{where}.role: Input should be {' or '.join(repr(name) for name in roles)}")
        if not message.keys() <= _MESSAGE_FIELDS:
            extra = min(message.keys() - _MESSAGE_FIELDS)
            raise invalid(f"{where}.{extra}: Extra inputs are not permitted")
        if role != "system":
            first_role = first_role or role
            if first_role != "user":
                raise invalid('messages: first message must use the "user" role')
        calls, results = _check_content(message, role, where, version, last=index == len(messages) - 1)
        if role == "user":
            _match(open_calls, results, where)
            open_calls = set()
        elif role == "assistant":
            _no_results(results, where)
            _none_open(open_calls, where)
            open_calls = calls
    _none_open(open_calls, f"messages.{len(messages) - 1}")
    if first_role is None:
        raise invalid('messages: first message must use the "user" role')
    _check_end(messages[-1], prefill=prefill)


def _check_content(
    message: Mapping[str, Any], role: str, where: str, version: str, *, last: bool
) -> tuple[set[str], list[str]]:
    content = message.get("content")
    calls: set[str] = set()
    results: list[str] = []
    if isinstance(content, str):
        if not content and not (last and role == "assistant"):
            raise invalid(
                f"{where}: all messages must have non-empty content except for the optional final assistant message"
            )
        return calls, results
    if not isinstance(content, list):
        raise invalid(
            f"{where}.content: Field required"
            if content is None
            else f"{where}.content: Input should be a valid string or list"
        )
    if not content and not (last and role == "assistant"):
        raise invalid(
            f"{where}: all messages must have non-empty content except for the optional final assistant message"
        )
    for index, block in enumerate(content):
        kind = str(block.get("type")) if isinstance(block, dict) else ""
        if kind == "text":
            if block.keys() == _PLAIN_TEXT and block["text"] and isinstance(block["text"], str):
                continue  # by far the most frequent block
        elif kind == "tool_use":
            calls.add(str(block.get("id")))
        elif kind == "tool_result":
            results.append(str(block.get("tool_use_id")))
        _check_block(block, kind, role, f"{where}.content.{index}", version)
    return calls, results


def _check_block(block: Any, kind: str, role: str, where: str, version: str) -> None:
    if kind not in _BLOCK_FIELDS:
        if kind in _OPEN_BLOCKS:
            return
        raise invalid(f"{where}: Input tag {kind!r} found using 'type' does not match any of the expected tags")
    _check_fields(block, kind, where)
    if (role != "assistant" and kind in _ASSISTANT_ONLY) or (role != "user" and kind in _USER_ONLY):
        raise invalid(f"{where}: `{kind}` blocks are not permitted in `{role}` messages")
    if kind == "text" and not block["text"]:
        if "cache_control" in block:
            raise invalid(f"{where}.text: cache_control cannot be set for empty text blocks")
        raise invalid("messages: text content blocks must be non-empty")
    if kind in {"tool_result", "search_result"}:
        _check_parts(block.get("content"), f"{where}.{kind}.content")
    if kind in {"image", "document"}:
        _check_source(block["source"], f"{where}.{kind}.source")
    if version == _NEW_VERSION:
        _check_new_version(block, kind, role, where)


def _check_fields(block: Mapping[str, Any], kind: str, where: str) -> None:
    for name, wanted in _REQUIRED[kind]:
        if not isinstance(block.get(name), wanted):
            wrong = f"Input should be a valid {wanted.__name__}" if name in block else "Field required"
            raise invalid(f"{where}.{kind}.{name}: {wrong}")
    if not block.keys() <= _BLOCK_FIELDS[kind]:
        extra = min(block.keys() - _BLOCK_FIELDS[kind])
        raise invalid(f"{where}.{kind}.{extra}: Extra inputs are not permitted")


def _check_new_version(block: Mapping[str, Any], kind: str, role: str, where: str) -> None:
    if kind == "document" and role == "assistant":
        raise invalid(
            f"{where}: `document` blocks are not permitted in `assistant` messages on API version {_NEW_VERSION}",
        )
    if role == "user" and _cited(block):
        raise invalid(
            f"{where}: `text` blocks with `citations` are not permitted in `user` messages on API version "
            f"{_NEW_VERSION}",
        )


def _check_source(source: Mapping[str, Any], where: str) -> None:
    kind = str(source.get("type"))
    if kind not in _SOURCES:
        raise invalid(f"{where}: Input tag {kind!r} found using 'type' does not match any of the expected tags")
    field = _SOURCES[kind]
    if kind == "content":
        _check_parts(source.get(field), f"{where}.content")
    elif not isinstance(source.get(field), str):
        raise invalid(f"{where}.{kind}.{field}: Field required")


def _check_parts(content: object, where: str) -> None:
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid(f"{where}: Input should be a valid string or list")
    for index, part in enumerate(content):
        kind = str(part.get("type")) if isinstance(part, dict) else ""
        if kind not in _PARTS:
            raise invalid(
                f"{where}.{index}: Input tag {kind!r} found using 'type' does not match any of the expected tags"
            )
        for name, wanted in _REQUIRED.get(kind, ()):
            if not isinstance(part.get(name), wanted):
                raise invalid(f"{where}.{index}.{kind}.{name}: Field required")
        if kind in {"image", "document"}:
            _check_source(part["source"], f"{where}.{index}.{kind}.source")
        elif kind == "search_result":
            _check_parts(part["content"], f"{where}.{index}.{kind}.content")


def _cited(block: Mapping[str, Any]) -> bool:
    if block["type"] == "text":
        return bool(block.get("citations"))
    return block["type"] == "search_result" and any(
        isinstance(part, dict) and part.get("type") == "text" and part.get("citations") for part in block["content"]
    )


def _match(open_calls: set[str], results: Sequence[str], where: str) -> None:
    for index, result in enumerate(results):
        if result not in open_calls:
            raise invalid(
                f"{where}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {result}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )
    _none_open(open_calls - set(results), where)


def _none_open(open_calls: set[str], where: str) -> None:
    if open_calls:
        raise invalid(
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(sorted(open_calls))}. Each `tool_use` block must have a corresponding `tool_result` block in "
            "the next message.",
        )


def _no_results(results: Sequence[str], where: str) -> None:
    if results:
        raise invalid(f"{where}: `tool_result` blocks can only be in `user` messages")


def _check_end(message: Mapping[str, Any], *, prefill: bool) -> None:
    if message["role"] != "assistant":
        return
    if not prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        )
    content = message["content"]
    text = content if isinstance(content, str) else (content[-1].get("text", "") if content else "")
    if text and text[-1].isspace():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
