"""Converse as Bedrock's runtime reads and writes it: requests become Messages fields, messages and events its words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from trivium.lab import eventstream
from trivium.lab.models import Model
from trivium.lab.surfaces._base import Metrics
from trivium.lab.surfaces._bedrock_ids import validation

CONVERSE, CONVERSE_STREAM = "converse", "converse-stream"
_TOP = frozenset(
    {
        "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields",
        "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier",
        "outputConfig",
    }
)  # fmt: skip
_INFERENCE = {
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "stopSequences": "stop_sequences",
}
_IMAGES = ("png", "jpeg", "gif", "webp")
_MEMBERS: Mapping[str, frozenset[str]] = {
    "image": frozenset({"format", "source"}),
    "document": frozenset({"format", "name", "source", "context", "citations"}),
    "toolUse": frozenset({"toolUseId", "name", "input", "type"}),
    "toolResult": frozenset({"toolUseId", "content", "status", "type"}),
    "cachePoint": frozenset({"type", "ttl"}),
}
_THINKING = ("thinking", "redacted_thinking")


def malformed(where: str, what: str) -> Exception:
    """What the service says of a request that does not fit its model."""
    return validation(f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {what}")


def fields_of(body: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """The Messages fields of a Converse body, `anthropic_beta` among them; raises Refused."""
    for name in body:
        if name not in _TOP:
            raise validation(
                f"Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and "
                "try again."
            )
    config = _structure(body.get("inferenceConfig", {}), "inferenceConfig")
    fields = {_INFERENCE[name]: value for name, value in config.items() if name in _INFERENCE}
    fields.setdefault("max_tokens", model.output_tokens_max)
    if body.get("system"):
        fields["system"] = _content(body["system"], "system")
    turns = body.get("messages")
    if not isinstance(turns, list):
        raise malformed("messages", "Member must not be null")
    fields["messages"] = [_turn(turn, f"messages.{number}.member") for number, turn in enumerate(turns, start=1)]
    if "toolConfig" in body:
        fields.update(_tool_fields(_structure(body["toolConfig"], "toolConfig")))
    if "outputConfig" in body:
        fields["output_config"] = _output(_structure(body["outputConfig"], "outputConfig"))
    for name, value in _structure(body.get("additionalModelRequestFields", {}), "additionalModelRequestFields").items():
        if name == "tools" and isinstance(value, list):
            fields["tools"] = fields.get("tools", []) + value
        else:
            fields[name] = value
    return fields


def _turn(turn: Any, where: str) -> dict[str, Any]:
    role = _structure(turn, where).get("role")
    if role not in ("user", "assistant", "system"):
        raise malformed(f"{where}.role", "Member must satisfy enum value set: [user, assistant, system]")
    return {"role": role, "content": _content(turn.get("content"), f"{where}.content")}


def _content(items: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(items, list):
        raise malformed(where, "Member must not be null")
    blocks: list[dict[str, Any]] = []
    for number, item in enumerate(items, start=1):
        at = f"{where}.{number}.member"
        kind, value = _one(item, at)
        if kind in _MEMBERS:
            for name in _structure(value, at):
                if name not in _MEMBERS[kind]:
                    raise malformed(f"{at}.{kind}", f"Member must not contain {name}")
        if kind == "cachePoint":
            if not blocks or blocks[-1]["type"] in _THINKING:
                raise validation("The model returned the following errors: cachePoint must follow a content block")
            blocks[-1]["cache_control"] = _mark(value)
        elif kind in _READ:
            blocks.append(_READ[kind](value, f"{at}.{kind}"))
        elif kind != "guardContent":  # judged by a guardrail, which the lab has none of
            raise validation(f"This model doesn't support the {kind} content block. Remove it and try again.")
        else:
            blocks.append({"type": "text", "text": value["text"]["text"]})
    return blocks


def _mark(point: Mapping[str, Any]) -> dict[str, Any]:
    if point.get("type") != "default":
        raise malformed("cachePoint.type", "Member must satisfy enum value set: [default]")
    return {"type": "ephemeral"} | ({"ttl": point["ttl"]} if "ttl" in point else {})


def _text(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, str):
        raise malformed(where, "Member must be a string")
    return {"type": "text", "text": value}


def _image(value: Any, where: str) -> dict[str, Any]:
    kind, given = _one(value.get("source"), f"{where}.source")
    if value.get("format") not in _IMAGES:
        raise malformed(f"{where}.format", f"Member must satisfy enum value set: [{', '.join(_IMAGES)}]")
    if kind != "bytes":
        raise validation(f"This model doesn't support image sources of type {kind}.")
    _bytes(given, f"{where}.source.bytes")
    return {"type": "image", "source": {"type": "base64", "media_type": f"image/{value['format']}", "data": given}}


def _document(value: Any, where: str) -> dict[str, Any]:
    kind, given = _one(value.get("source"), f"{where}.source")
    if not isinstance(value.get("name"), str):
        raise malformed(f"{where}.name", "Member must not be null")
    source: dict[str, Any]
    if kind == "content":
        source = {"type": "content", "content": [_text(part.get("text"), where) for part in given]}
    elif kind == "text":
        source = {"type": "text", "media_type": "text/plain", "data": given}
    elif kind == "bytes" and value.get("format") == "pdf":
        _bytes(given, f"{where}.source.bytes")
        source = {"type": "base64", "media_type": "application/pdf", "data": given}
    elif kind == "bytes":
        text = _bytes(given, f"{where}.source.bytes").decode("utf-8", "replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise validation(f"This model doesn't support document sources of type {kind}.")
    block = {"type": "document", "source": source, "title": value["name"]}
    return block | {name: value[name] for name in ("context", "citations") if name in value}


def _tool_use(value: Any, where: str) -> dict[str, Any]:
    for name in ("toolUseId", "name", "input"):
        if name not in value:
            raise malformed(f"{where}.{name}", "Member must not be null")
    return {"type": "tool_use", "id": value["toolUseId"], "name": value["name"], "input": value["input"]}


def _tool_result(value: Any, where: str) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": value.get("toolUseId")}
    block["content"] = _content(value.get("content"), f"{where}.content")
    return block | ({"is_error": True} if value.get("status") == "error" else {})


def _json(value: Any, where: str) -> dict[str, Any]:  # noqa: ARG001  the table's form
    return {"type": "text", "text": msgspec.json.encode(value).decode()}


def _search_result(value: Any, where: str) -> dict[str, Any]:
    parts = [_text(part.get("text"), f"{where}.content") for part in value.get("content", [])]
    return {**value, "type": "search_result", "content": parts}


def _reasoning(value: Any, where: str) -> dict[str, Any]:
    kind, given = _one(value, where)
    if kind == "redactedContent":
        _bytes(given, where)
        return {"type": "redacted_thinking", "data": given}
    return {"type": "thinking", "thinking": given.get("text"), "signature": given.get("signature")}


_READ: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "json": _json,
    "searchResult": _search_result,
    "reasoningContent": _reasoning,
}


def _tool_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    tools: list[dict[str, Any]] = []
    for number, item in enumerate(config.get("tools", []), start=1):
        where = f"toolConfig.tools.{number}.member"
        kind, value = _one(item, where)
        if kind == "cachePoint" and tools:
            tools[-1]["cache_control"] = _mark(value)
        elif kind == "toolSpec":
            tool = {"name": value.get("name"), "input_schema": _one(value.get("inputSchema"), where)[1]}
            tools.append(tool | {name: value[name] for name in ("description", "strict") if name in value})
        else:
            raise validation(f"This model doesn't support {kind} in toolConfig.")
    if not tools:
        raise malformed("toolConfig.tools", "Member must have length greater than or equal to 1")
    fields: dict[str, Any] = {"tools": tools}
    if "toolChoice" in config:
        kind, value = _one(config["toolChoice"], "toolConfig.toolChoice")
        fields["tool_choice"] = {"type": kind, **value}
    return fields


def _output(config: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"effort": config["effort"]} if "effort" in config else {}
    if "textFormat" in config:
        schema = config["textFormat"]["structure"]["jsonSchema"]["schema"]
        fields["format"] = {"type": "json_schema", "schema": msgspec.json.decode(schema)}
    return fields


def _structure(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise malformed(where, "Member must be a structure")
    return value


def _one(value: Any, where: str) -> tuple[str, Any]:
    if not isinstance(value, dict) or len(value) != 1:
        raise malformed(where, "Member must have exactly one of its members set")
    return next(iter(value.items()))


def _bytes(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise malformed(where, "Member must be base64") from error


def answer_of(message: Mapping[str, Any], metrics: Metrics) -> dict[str, Any]:
    """A finished message."""
    content = []
    for block in message["content"]:
        if block["type"] == "text":
            content.append({"text": block["text"]})
        elif block["type"] == "thinking":
            thought = {"text": block["thinking"], "signature": block["signature"]}
            content.append({"reasoningContent": {"reasoningText": thought}})
        else:
            content.append({"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": message["stop_reason"],
        "usage": _usage(metrics),
        "metrics": {"latencyMs": metrics.latency_ms},
    }


def frames_of(event: Mapping[str, Any], metrics: Metrics, seed: int) -> bytes:
    """What one Messages event is here: a frame, two, or none."""
    return b"".join(_frame(name, payload, seed) for name, payload in _events(event, metrics))


def _events(event: Mapping[str, Any], metrics: Metrics) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, index = event["type"], event.get("index")
    if kind == "message_start":
        yield "messageStart", {"role": "assistant"}
    elif kind == "content_block_start" and event["content_block"]["type"] == "tool_use":
        call = event["content_block"]
        start = {"toolUse": {"toolUseId": call["id"], "name": call["name"]}}
        yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
    elif kind == "content_block_delta":
        yield "contentBlockDelta", {"contentBlockIndex": index, "delta": _delta(event["delta"])}
    elif kind == "content_block_stop":
        yield "contentBlockStop", {"contentBlockIndex": index}
    elif kind == "message_delta":
        yield "messageStop", {"stopReason": event["delta"]["stop_reason"]}
    elif kind == "message_stop":
        yield "metadata", {"usage": _usage(metrics), "metrics": {"latencyMs": metrics.latency_ms}}


def _delta(delta: Mapping[str, Any]) -> dict[str, Any]:
    if delta["type"] == "text_delta":
        return {"text": delta["text"]}
    if delta["type"] == "input_json_delta":
        return {"toolUse": {"input": delta["partial_json"]}}
    if delta["type"] == "thinking_delta":
        return {"reasoningContent": {"text": delta["thinking"]}}
    return {"reasoningContent": {"signature": delta["signature"]}}


def _frame(name: str, payload: dict[str, Any], seed: int) -> bytes:
    encoded = msgspec.json.encode(payload)
    draw = blake2b(encoded, digest_size=2, salt=(seed % 2**64).to_bytes(8, "big")).digest()
    return eventstream.event(name, payload, 1 + int.from_bytes(draw, "big") % eventstream.PADDING_MAX)


def _usage(metrics: Metrics) -> dict[str, Any]:
    long = metrics.cache_write_1h_tokens
    short = metrics.cache_write_tokens - long
    usage: dict[str, Any] = {
        "inputTokens": metrics.input_tokens,
        "outputTokens": metrics.output_tokens,
        "totalTokens": metrics.input_tokens
        + metrics.output_tokens
        + metrics.cache_read_tokens
        + metrics.cache_write_tokens,
        "cacheReadInputTokens": metrics.cache_read_tokens,
        "cacheWriteInputTokens": metrics.cache_write_tokens,
    }
    if metrics.cache_write_tokens:
        usage["cacheDetails"] = [
            {"ttl": ttl, "inputTokens": tokens} for ttl, tokens in (("5m", short), ("1h", long)) if tokens
        ]
    return usage
