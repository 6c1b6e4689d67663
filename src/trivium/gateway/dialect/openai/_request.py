"""A Chat Completions request as a Messages body; whatever cannot be carried is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect.openai._fields import EXTRAS, sort_out
from trivium.gateway.dialect.openai._messages import Turns
from trivium.gateway.dialect.openai._parts import Parts
from trivium.gateway.dialect.openai._read import CANNOT, count, flag, items, members, number, refuse, text, word
from trivium.gateway.dialect.openai._tools import tool_choice, tools
from trivium.gateway.wire.body import Body

_SAMPLING_DEFAULT = 1  # of both sides; not sent, as newer models take no sampling parameters at all
_TEMPERATURE_MAX = 1
_TIERS = {"auto": None, "default": "standard_only"}
_EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
_ANY_OBJECT = "give json_schema: Claude keeps to a schema, and has no form that is only JSON"


@dataclass(frozen=True, slots=True)
class Read:
    """A request, read. `effort` is still to be told to the model in its own way."""

    body: Body
    notes: tuple[str, ...]
    include_usage: bool
    session: str
    effort: str


def read(data: bytes) -> Read:
    """Read a request; raises UserError with the place of what cannot be carried."""
    sent, notes = sort_out(_decoded(data))
    parts = Parts()
    turns = Turns(parts)
    for position, message in enumerate(items(sent.get("messages"), "messages")):
        turns.take(message, f"messages[{position}]")
    made: dict[str, Any] = {"model": text(sent.get("model"), "model")}
    if (limit := _limit(sent)) is not None:
        made["max_tokens"] = limit
    if turns.system:
        made["system"] = turns.system
    made["messages"] = turns.messages
    made |= _tools(sent) | _sampling(sent) | _plain(sent)
    made |= {name: sent[name] for name in EXTRAS if name in sent}
    stream = flag(sent.get("stream", False), "stream")
    if stream:
        made["stream"] = True
    effort = text(sent.get("reasoning_effort", ""), "reasoning_effort")
    if effort and effort not in _EFFORTS:
        refuse("reasoning_effort", effort, "give none, minimal, low, medium, high, xhigh or max")
    return Read(
        body=_encoded(made),
        notes=(*notes, *parts.notes),
        include_usage=_include_usage(sent, stream=stream),
        session=text(sent.get("prompt_cache_key", ""), "prompt_cache_key"),
        effort=effort,
    )


def _decoded(data: bytes) -> dict[str, Any]:
    Body(data)  # names what is no JSON object
    try:
        found: dict[str, Any] = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError("body", f"{len(data)} bytes", f"send one valid JSON object ({error})") from error
    return found


def _encoded(made: dict[str, Any]) -> Body:
    try:
        return Body(msgspec.json.encode(made))
    except RecursionError as error:
        raise UserError("body", "deep JSON", "nest less") from error


def _limit(sent: Mapping[str, Any]) -> int | None:
    """Two names of one limit; None is the model's own."""
    found = {
        name: count(sent[name], name) for name in ("max_completion_tokens", "max_tokens") if sent.get(name) is not None
    }
    if len(set(found.values())) > 1:
        refuse("max_tokens", found["max_tokens"], "give max_completion_tokens alone: the two differ")
    return next(iter(found.values()), None)


def _tools(sent: Mapping[str, Any]) -> dict[str, Any]:
    declared = tools(sent.get("tools", []))
    choice = tool_choice(sent.get("tool_choice"), sent.get("parallel_tool_calls"), declared=bool(declared))
    return ({"tools": declared} if declared else {}) | ({"tool_choice": choice} if choice else {})


def _sampling(sent: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    if "temperature" in sent:
        found["temperature"] = number(sent["temperature"], "temperature", _TEMPERATURE_MAX)
    if "top_p" in sent:
        found["top_p"] = number(sent["top_p"], "top_p", 1)
    return {name: value for name, value in found.items() if value != _SAMPLING_DEFAULT}


def _plain(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What has one counterpart."""
    made: dict[str, Any] = {}
    if stops := _stops(sent.get("stop")):
        made["stop_sequences"] = stops
    user = {text(sent[name], name) for name in ("user", "safety_identifier") if sent.get(name)}
    if len(user) > 1:
        refuse("user", sent["user"], "give safety_identifier alone: the two differ")
    if user:
        made["metadata"] = {"user_id": user.pop()}
    tier = sent.get("service_tier")
    if tier is not None:
        if not isinstance(tier, str) or tier not in _TIERS:
            refuse("service_tier", tier, "give auto or default: the route decides what else is bought")
        if (wanted := _TIERS[tier]) is not None:
            made["service_tier"] = wanted
    if (form := _format(sent.get("response_format"))) is not None:
        made["output_config"] = {"format": form}
    return made


def _stops(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return [text(stop, f"stop[{position}]") for position, stop in enumerate(items(value, "stop"))]


def _format(value: Any) -> dict[str, Any] | None:
    """A schema for the answer. Its name is a label, and every schema is kept to, strict or not."""
    if value is None:
        return None
    kind = word(value, "type")
    if kind == "text":
        members(value, "response_format", frozenset({"type"}))
        return None
    if kind != "json_schema":
        refuse("response_format.type", kind, _ANY_OBJECT if kind == "json_object" else "give text or json_schema")
    where = "response_format.json_schema"
    form = members(value, "response_format", frozenset({"type", "json_schema"}))
    wanted = members(form.get("json_schema"), where, frozenset({"name", "description", "schema", "strict"}))
    schema = wanted.get("schema")
    if not isinstance(schema, dict):
        refuse(f"{where}.schema", schema, "give a JSON schema")
    if "description" in wanted:
        description = text(wanted["description"], f"{where}.description")
        if schema.get("description", description) != description:
            refuse(f"{where}.description", description, "say it in the schema's own description, which differs")
        schema = {**schema, "description": description}
    return {"type": "json_schema", "schema": schema}


def _include_usage(sent: Mapping[str, Any], *, stream: bool) -> bool:
    if "stream_options" not in sent:
        return False
    if not stream:
        refuse("stream_options", sent["stream_options"], "give it with stream: true only")
    options = members(sent["stream_options"], "stream_options", frozenset({"include_usage", "include_obfuscation"}))
    if flag(options.get("include_obfuscation", False), "stream_options.include_obfuscation"):
        refuse("stream_options.include_obfuscation", True, CANNOT)
    return flag(options.get("include_usage", False), "stream_options.include_usage")
