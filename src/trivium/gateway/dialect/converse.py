"""Bedrock's Converse: model and stream in the path, content and settings in words of their own, events in frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._aws import secrets
from trivium.gateway.dialect._converse_in import Reader, kind_of, listed, object_at, only_member, text_at
from trivium.gateway.dialect._converse_out import ConverseSpeech
from trivium.gateway.dialect._seam import VERSION_DEFAULT, Asked, Canonical, Speech, header_betas
from trivium.gateway.seams import Beyond, Headers
from trivium.gateway.wire.body import Body

_SURFACE = "bedrock"  # the one that speaks it
_INFERENCE = {
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "stopSequences": "stop_sequences",
}
_MORE = "additionalModelRequestFields"
_BETAS = "anthropic_beta"
_READ = {"messages", "system", "inferenceConfig", "toolConfig", "outputConfig", _MORE}
# Settings of Bedrock's own that other surfaces need not be told: how they say "as usual", and what only logs keep.
_USUAL: Mapping[str, Any] = {"performanceConfig": {"latency": "standard"}, "serviceTier": {"type": "default"}}
_ONLY_LOGGED = "requestMetadata"
# Tools that the client runs; the results of all others would come in blocks that Converse lacks.
_CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_")
_OTHER_BLOCKS = {"mcp_servers", "compaction", "fallbacks"}  # fields that may bring such blocks
_NO_BLOCKS = "Converse has no blocks for what it answers; use the Messages API for it"
_COMPACTS = b'"compact_'  # an edit of context_management that does


class Converse:
    """Clients of Bedrock's runtime that call Converse."""

    name = "converse"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """As all clients of AWS present them."""
        return secrets(headers)

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """The request rebuilt as a Messages body, with the client's own beside it."""
        sent = Body(data)
        try:
            fields, betas, reader = read(msgspec.json.decode(data))
        except (msgspec.DecodeError, RecursionError) as error:  # inside a member: the object itself was read above
            raise UserError("body", f"{len(data)} bytes", f"send one valid JSON object ({error})") from error
        named = {"model": asked.model, **({"stream": True} if asked.stream else {})}
        return Canonical(
            body=Body(msgspec.json.encode({**named, **fields})),
            version=VERSION_DEFAULT,
            betas=tuple(dict.fromkeys([*betas, *header_betas(headers)])),
            native=sent,
            beyond=Beyond(_SURFACE, reader.refused, tuple(reader.notes)),
            open_ended=True,
        )

    def speech(self, asked: Asked) -> Speech:
        """Converse's words."""
        return ConverseSpeech(asked)


def read(body: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], Reader]:
    """The Messages fields of a Converse request without model and stream, its betas, and what could not be said."""
    reader = Reader()
    fields: dict[str, Any] = {}
    if body.get("inferenceConfig") is not None:
        fields |= _settings(object_at(body["inferenceConfig"], "inferenceConfig"), reader)
    if body.get("system") is not None:
        fields["system"] = reader.blocks(body["system"], "system")
    turns = listed(body["messages"], "messages") if body.get("messages") is not None else []
    fields["messages"] = [_message(turn, f"messages.{number}", reader) for number, turn in enumerate(turns)]
    if body.get("toolConfig") is not None:
        fields |= _tools(object_at(body["toolConfig"], "toolConfig"), reader)
    if body.get("outputConfig") is not None:
        fields["output_config"] = _output(object_at(body["outputConfig"], "outputConfig"), reader)
    more = dict(object_at(body.get(_MORE) or {}, _MORE))
    betas = [text_at(beta, f"{_MORE}.{_BETAS}") for beta in listed(more.pop(_BETAS, None) or [], f"{_MORE}.{_BETAS}")]
    _merge(fields, more, reader)
    _settle(body, reader)
    return fields, betas, reader


def _settle(body: Mapping[str, Any], reader: Reader) -> None:
    """What is Bedrock's own: left out where nothing is lost, else for Bedrock alone."""
    for name, value in body.items():
        if name in _READ or value in (None, [], {}) or value == _USUAL.get(name):
            continue
        if name == _ONLY_LOGGED:
            reader.notes.append(f"left out {name}: it is for Bedrock's own logs")
        else:
            reader.beyond(name, value)


def _settings(config: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.known(config, set(_INFERENCE), "inferenceConfig")
    longest = config.get("maxTokens")
    if longest is not None and (isinstance(longest, bool) or not isinstance(longest, int) or longest < 1):
        raise UserError("inferenceConfig.maxTokens", longest, "give a whole number of 1 or more")
    return {theirs: config[ours] for ours, theirs in _INFERENCE.items() if config.get(ours) is not None}


def _message(value: object, where: str, reader: Reader) -> dict[str, Any]:
    message = object_at(value, where)
    reader.known(message, {"role", "content"}, where)
    role = text_at(message.get("role"), f"{where}.role")
    return {"role": role, "content": reader.blocks(message.get("content"), f"{where}.content")}


def _tools(config: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.known(config, {"tools", "toolChoice"}, "toolConfig")
    tools: list[dict[str, Any]] = []
    for number, item in enumerate(listed(config.get("tools") or [], "toolConfig.tools")):
        name, value = only_member(item, f"toolConfig.tools.{number}")
        where = f"toolConfig.tools.{number}.{name}"
        if name == "cachePoint":
            reader.mark(tools[-1] if tools else None, value, where)
        elif name == "toolSpec":
            tools.append(_tool(object_at(value, where), where, reader))
        else:
            reader.beyond(where, value)
    said: dict[str, Any] = {"tools": tools} if tools else {}
    if config.get("toolChoice") is not None:
        kind, choice = only_member(config["toolChoice"], "toolConfig.toolChoice")
        if kind not in {"auto", "any", "tool"}:
            reader.beyond(f"toolConfig.toolChoice.{kind}", choice)
        said["tool_choice"] = {"type": kind, **object_at(choice, f"toolConfig.toolChoice.{kind}")}
    return said


def _tool(spec: Mapping[str, Any], where: str, reader: Reader) -> dict[str, Any]:
    reader.known(spec, {"name", "description", "inputSchema", "strict"}, where)
    kind, schema = only_member(spec.get("inputSchema"), f"{where}.inputSchema")
    if kind != "json":
        reader.beyond(f"{where}.inputSchema.{kind}", schema)
    said = {"name": spec.get("name"), "description": spec.get("description"), "input_schema": schema}
    said["strict"] = spec.get("strict")
    return {name: member for name, member in said.items() if member is not None}


def _output(config: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.known(config, {"textFormat", "effort"}, "outputConfig")
    said: dict[str, Any] = {"effort": config["effort"]} if config.get("effort") is not None else {}
    if config.get("textFormat") is None:
        return said
    where = "outputConfig.textFormat"
    form = object_at(config["textFormat"], where)
    kind, value = only_member(form.get("structure"), f"{where}.structure")
    if form.get("type") != "json_schema" or kind != "jsonSchema":
        reader.beyond(where, form)
        return said
    definition = object_at(value, f"{where}.structure.jsonSchema")
    left = sorted(definition.keys() - {"schema"})
    if left:
        reader.notes.append(f"left out {' and '.join(left)} of the output's schema: only Bedrock takes them")
    text = text_at(definition.get("schema"), f"{where}.structure.jsonSchema.schema")
    try:
        schema = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        field = f"{where}.structure.jsonSchema.schema"
        raise UserError(field, text[:64], "give a JSON schema as text") from error
    return {**said, "format": {"type": "json_schema", "schema": schema}}


def _merge(fields: dict[str, Any], more: Mapping[str, Any], reader: Reader) -> None:
    """Fields that are the model's own: what Converse says too may not be said twice, but for lists and objects."""
    for name, value in more.items():
        if name in {"model", "stream", "messages", "system"}:
            raise UserError(f"{_MORE}.{name}", kind_of(value), "leave it out: the request says it elsewhere")
        if name == "tools":
            _check_tools(listed(value, f"{_MORE}.tools"), reader)
            fields["tools"] = [*fields.get("tools", []), *value]
        elif name == "output_config" and isinstance(value, dict) and not value.keys() & fields.get(name, {}).keys():
            fields[name] = {**fields.get(name, {}), **value}
        elif name in fields:
            raise UserError(f"{_MORE}.{name}", kind_of(value), "say it once: Converse has a field for it")
        else:
            if (name in _OTHER_BLOCKS and value) or _COMPACTS in msgspec.json.encode(value):
                reader.beyond(f"{_MORE}.{name}", value, _NO_BLOCKS)
            fields[name] = value


def _check_tools(tools: list[Any], reader: Reader) -> None:
    for number, tool in enumerate(tools):
        kind = object_at(tool, f"{_MORE}.tools.{number}").get("type", "custom")
        if not str(kind).startswith(_CLIENT_TOOLS):
            reader.beyond(f"{_MORE}.tools.{number}.type", kind, _NO_BLOCKS)
