"""The messages of a Chat Completions request as `system` and `messages` of the Messages API."""

from __future__ import annotations

from typing import Any

import msgspec

from trivium.gateway.dialect.openai._parts import Block, Parts
from trivium.gateway.dialect.openai._read import items, members, refuse, text, word

_MARK = "cache_control"
_COMMON = frozenset({"role", "content", _MARK})
_SYSTEM = {"system", "developer"}
_NO_NAME = "leave it out: a turn of the Messages API has no name; say who speaks in the text"
# Of an answer that is sent back: empty where there was none, or the SDK's own reading of what is there anyway.
_EMPTY_BEFORE = {"annotations", "audio", "function_call", "tool_calls", "thinking_blocks"}
_READ_BEFORE = {"parsed", "parsed_arguments"}
_THINKING = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}
_UNSIGNED = "left out reasoning_content: only thinking_blocks, which are signed, can be sent back"


class Turns:
    """Collects what the Messages API wants, turn by turn."""

    def __init__(self, parts: Parts) -> None:
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []
        self._parts = parts
        self._results: list[Block] | None = None  # of the turn that collects tool results

    def take(self, message: Any, where: str) -> None:
        """One message, in order."""
        role = word(message, "role")
        if role == "tool":
            self._tool(message, where)
            return
        self._results = None
        if role in _SYSTEM:
            self._say("system", self._plain(message, where, only_text=True))
        elif role == "user":
            self._say("user", self._plain(message, where, only_text=False))
        elif role == "assistant":
            self._say("assistant", self._assistant(message, where))
        else:
            refuse(f"{where}.role", role, "give system, developer, user, assistant or tool")

    def _say(self, role: str, blocks: list[Block]) -> None:
        """Leading instructions are the system prompt; later ones keep their place, where a surface takes them."""
        if role == "system" and not self.messages:
            self.system += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _plain(self, message: Any, where: str, *, only_text: bool) -> list[Block]:
        found = members(message, where, _COMMON | {"name"})
        if "name" in found:
            refuse(f"{where}.name", found["name"], _NO_NAME)
        blocks = self._parts.blocks(found.get("content"), f"{where}.content", only_text=only_text)
        if not blocks:
            refuse(f"{where}.content", found.get("content"), "say something, or leave the message out")
        return _marked(blocks, found)

    def _tool(self, message: Any, where: str) -> None:
        """Results that follow each other belong to one turn. A name is only repeated from the call."""
        found = members(message, where, _COMMON | {"tool_call_id", "name"})
        content = self._parts.blocks(found.get("content"), f"{where}.content")
        call = text(found.get("tool_call_id"), f"{where}.tool_call_id")
        result: Block = {"type": "tool_result", "tool_use_id": call}
        if content:
            result["content"] = found["content"] if isinstance(found["content"], str) else content
        if self._results is None:
            self._results = []
            self.messages.append({"role": "user", "content": self._results})
        self._results += _marked([result], found)

    def _assistant(self, message: Any, where: str) -> list[Block]:
        sent = message.items()
        said = {
            name: value for name, value in sent if name not in _READ_BEFORE and (value or name not in _EMPTY_BEFORE)
        }
        known = _COMMON | {"name", "refusal", "tool_calls", "reasoning_content", "thinking_blocks"}
        found = members(said, where, known)
        if "name" in found:
            refuse(f"{where}.name", found["name"], _NO_NAME)
        blocks = _thinking(found.get("thinking_blocks", []), f"{where}.thinking_blocks")
        if found.get("reasoning_content") and not blocks:
            self._parts.note(_UNSIGNED)
        blocks += self._parts.blocks(found.get("content"), f"{where}.content", only_text=True)
        blocks += self._parts.blocks(found.get("refusal"), f"{where}.refusal", only_text=True)
        calls = items(found.get("tool_calls", []), f"{where}.tool_calls")
        blocks += [_call(call, f"{where}.tool_calls[{number}]") for number, call in enumerate(calls)]
        if not blocks:
            refuse(f"{where}.content", found.get("content"), "say something, or leave the message out")
        return _marked(blocks, found)


def _marked(blocks: list[Block], message: dict[str, Any]) -> list[Block]:
    """A mark on a message is one on its last block."""
    if _MARK in message:
        blocks[-1] = {**blocks[-1], _MARK: message[_MARK]}
    return blocks


def _thinking(value: Any, where: str) -> list[Block]:
    """Blocks of an earlier answer, as they were; their number within that answer is not theirs to keep."""
    found = []
    for number, block in enumerate(items(value, where)):
        here = f"{where}[{number}]"
        kind = word(block, "type")
        if kind is None or kind not in _THINKING:
            refuse(f"{here}.type", kind, "give thinking or redacted_thinking, as the answer had it")
        wanted = _THINKING[kind]
        sent = members(block, here, frozenset({"type", "index", *wanted}))
        found.append({"type": kind, **{name: text(sent.get(name), f"{here}.{name}") for name in wanted}})
    return found


def _call(value: Any, where: str) -> Block:
    if isinstance(value, dict) and value.get("type", "function") != "function":
        refuse(f"{where}.type", value["type"], "give function: Claude has no other kind of call")
    call = members(value, where, frozenset({"id", "type", "function", "index"}))
    function = members(call.get("function"), f"{where}.function", frozenset({"name", "arguments", *_READ_BEFORE}))
    arguments = text(function.get("arguments", ""), f"{where}.function.arguments")
    return {
        "type": "tool_use",
        "id": text(call.get("id"), f"{where}.id"),
        "name": text(function.get("name"), f"{where}.function.name"),
        "input": _input(arguments, f"{where}.function.arguments"),
    }


def _input(arguments: str, where: str) -> msgspec.Raw:
    """The arguments as they were written; no text at all is an empty object."""
    written = arguments.strip() or "{}"
    try:
        value = msgspec.json.decode(written)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        refuse(where, arguments, "give a JSON object, as the call had it")
    return msgspec.Raw(written.encode())
