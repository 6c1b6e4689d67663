"""Tools and their choice."""

from __future__ import annotations

from typing import Any

from trivium.gateway.dialect.openai._read import flag, items, members, refuse, text, word

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
_WORDS = {"none": "none", "auto": "auto", "required": "any"}


def tools(value: Any) -> list[dict[str, Any]]:
    """The functions as the Messages API's tools."""
    return [_tool(tool, f"tools[{number}]") for number, tool in enumerate(items(value, "tools"))]


def _tool(value: Any, where: str) -> dict[str, Any]:
    kind = word(value, "type")
    if kind != "function":
        refuse(f"{where}.type", kind, "give function: Claude takes no other kind of tool in this form")
    tool = members(value, where, frozenset({"type", "function", "cache_control"}))
    where = f"{where}.function"
    function = members(tool.get("function"), where, frozenset({"name", "description", "parameters", "strict"}))
    parameters = function.get("parameters", _NO_PARAMETERS)
    if not isinstance(parameters, dict):
        refuse(f"{where}.parameters", parameters, "give a JSON schema")
    made: dict[str, Any] = {"name": text(function.get("name"), f"{where}.name")}
    if "description" in function:
        made["description"] = text(function["description"], f"{where}.description")
    made["input_schema"] = parameters if "type" in parameters else {"type": "object", **parameters}
    if flag(function.get("strict", False), f"{where}.strict"):
        made["strict"] = True
    return made | ({"cache_control": tool["cache_control"]} if "cache_control" in tool else {})


def tool_choice(value: Any, parallel: Any, *, declared: bool) -> dict[str, Any] | None:
    """The choice with what is said about parallel calls; None when nothing need be said."""
    one_at_a_time = parallel is not None and not flag(parallel, "parallel_tool_calls")
    choice = None if value is None else _choice(value)
    if not declared:
        if choice is not None and choice["type"] in {"any", "tool"}:
            refuse("tool_choice", value, "declare the tools it may choose from")
        return None
    if one_at_a_time and (choice is None or choice["type"] != "none"):
        return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def _choice(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value in _WORDS:
        return {"type": _WORDS[value]}
    kind = word(value, "type")
    if kind == "allowed_tools":
        refuse("tool_choice.type", kind, "send only those tools, and give auto or required")
    if kind != "function":
        refuse("tool_choice", value, "give none, auto, required or a function by its name")
    chosen = members(value, "tool_choice", frozenset({"type", "function"}))
    function = members(chosen.get("function"), "tool_choice.function", frozenset({"name"}))
    return {"type": "tool", "name": text(function.get("name"), "tool_choice.function.name")}
