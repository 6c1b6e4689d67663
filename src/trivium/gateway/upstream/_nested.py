"""What stands inside system, tools and messages: members that belong to a refused beta, and features to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.upstream._draft import Draft, Rejected
from trivium.gateway.wire.spans import edit_items, edit_member, is_array, is_object, without

Lost = Callable[..., bool]  # whether every beta with one of these beginnings was refused

# Tools that the platform runs, by the beginning of their type: the catalogue's name of the capability.
_SERVER_TOOLS = (
    ("web_search_", "web_search"),
    ("web_fetch_", "web_fetch"),
    ("code_execution_", "code_execution"),
    ("mcp_toolset", "mcp_connector"),
    ("advisor_", "advisor_tool"),
    ("tool_search_tool_", "tool_search"),
    ("computer_toolset_", "computer_toolset_20260801"),
    ("browser_toolset_", "browser_toolset_20260801"),
)
_SOURCES = {"url": "url_sources", "file": "files_api"}
_BLOCKS = {
    "container_upload": "files_api",
    "tool_addition": "mid_conversation_tool_changes",
    "tool_removal": "mid_conversation_tool_changes",
}
_SYSTEM_MESSAGES = "mid_conversation_system"
_types = msgspec.json.Decoder(list[dict[str, Any]])


def drop_paired(draft: Draft, lost: Lost) -> None:
    """Leave out members below the top level whose beta was refused."""
    if lost("per-turn-control-", "mid-conversation-output-config-"):
        _edit_system_messages(draft, "output_config")
    if lost("mid-conversation-system-clear-at-"):
        _edit_system_messages(draft, "clear_at")
    if lost("advanced-tool-use-", "tool-search-tool-"):
        _edit_tools(draft, "defer_loading")
    if lost("structured-outputs-") and draft.lacks("structured_outputs"):
        _edit_tools(draft, "strict")
    if lost("prompt-caching-scope-"):
        _edit_cache_scopes(draft)
    if lost("thinking-binding-controls-"):
        _edit_field(draft, "thinking", lambda raw: without(raw, ["block_binding"]), "thinking.block_binding")
    if lost("thinking-display-updates-"):
        _edit_field(draft, "thinking", _without_updates, 'thinking.display "updates"')


def _edit_field(draft: Draft, field: str, edit: Callable[[bytes], bytes], what: str) -> None:
    raw = draft.raw(field)
    if raw is None:
        return
    changed = edit(raw)
    if changed != raw:
        draft.replace(field, changed, f"left out {what}: its beta is not accepted by {draft.surface}")


def _edit_system_messages(draft: Draft, name: str) -> None:
    raw = draft.raw("messages")
    if raw is None or name.encode() not in raw:
        return

    def edit(item: bytes) -> bytes:
        if not is_object(item) or name.encode() not in item:
            return item
        return without(item, [name])

    _edit_field(draft, "messages", lambda value: edit_items(value, edit), f"messages[].{name}")


def _edit_tools(draft: Draft, name: str) -> None:
    _edit_field(draft, "tools", lambda value: edit_items(value, lambda tool: without(tool, [name])), f"tools[].{name}")


def _edit_cache_scopes(draft: Draft) -> None:
    def edit(block: bytes) -> bytes:
        return edit_member(block, "cache_control", lambda value: without(value, ["scope"]))

    def edit_message(message: bytes) -> bytes:
        return (
            edit_member(message, "content", lambda value: edit_items(value, edit)) if b'"scope"' in message else message
        )

    what = "cache_control.scope"
    _edit_field(draft, "cache_control", lambda value: without(value, ["scope"]), what)
    for field in ("system", "tools"):
        _edit_field(draft, field, lambda value: edit_items(value, edit), what)
    if b'"scope"' in (draft.raw("messages") or b""):
        _edit_field(draft, "messages", lambda value: edit_items(value, edit_message), what)


def _without_updates(raw: bytes) -> bytes:
    value = msgspec.json.decode(raw)
    return without(raw, ["display"]) if isinstance(value, dict) and value.get("display") == "updates" else raw


def refuse_features(draft: Draft) -> None:
    """Refuse by name what claims say the surface lacks and what cannot be left out without changing the answer."""
    _refuse_tools(draft)
    raw = draft.raw("messages")
    if raw is None or not is_array(raw):
        return
    lacking = {
        kind
        for kind, capability in (_SOURCES | _BLOCKS).items()
        if f'"{kind}"'.encode() in raw and draft.lacks(capability)
    }
    no_system = b'"system"' in raw and draft.lacks(_SYSTEM_MESSAGES)
    if not lacking and not no_system:
        return
    for number, message in enumerate(msgspec.json.decode(raw)):
        if not isinstance(message, dict):
            continue
        if no_system and message.get("role") == "system":
            remedy = f"{draft.surface} takes no system messages inside messages for {draft.model}"
            raise Rejected("mid_conv_system", f"messages.{number}.role", remedy)
        for where, block in _blocks(message.get("content"), f"messages.{number}.content"):
            _refuse_block(draft, where, block, lacking)


def _refuse_block(draft: Draft, where: str, block: dict[str, Any], lacking: set[str]) -> None:
    kind = block.get("type")
    if kind in _BLOCKS and kind in lacking:
        raise UserError(f"{where}.type", kind, _remedy(draft))
    source = block.get("source")
    found = source.get("type") if isinstance(source, dict) else None
    if found in _SOURCES and found in lacking:
        remedy = f"{draft.surface} does not fetch it; send the content as base64, or route to a surface that does"
        raise UserError(f"{where}.source.type", found, remedy)


def _refuse_tools(draft: Draft) -> None:
    raw = draft.raw("tools")
    if raw is None or b'"type"' not in raw:
        return
    try:
        tools = _types.decode(raw)
    except msgspec.ValidationError:
        return  # not a list of objects: the surface will say so better
    for number, tool in enumerate(tools):
        kind = tool.get("type")
        if not isinstance(kind, str):
            continue
        for start, capability in _SERVER_TOOLS:
            if kind.startswith(start) and draft.lacks(capability):
                raise UserError(f"tools.{number}.type", kind, _remedy(draft))


def _remedy(draft: Draft) -> str:
    return f"{draft.surface} does not offer it for {draft.model}; leave it out, or route to a surface that does"


def _blocks(content: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Content blocks, with those inside tool results."""
    for number, block in enumerate(content if isinstance(content, list) else ()):
        if isinstance(block, dict):
            yield f"{where}.{number}", block
            yield from _blocks(block.get("content"), f"{where}.{number}.content")
