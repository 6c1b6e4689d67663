"""Converse requests in the Messages API's words. What it has none for is noted, not refused: Bedrock may take it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._citations import to_messages
from trivium.gateway.dialect._converse_out import OPAQUE

_ONLY_THERE = "only Bedrock's own Converse takes it; leave it out, or route this workload to bedrock"
_TEXTUAL = frozenset({"txt", "md", "csv", "html"})  # what the Messages API takes as plain text
_SHOWN_MAX = 64
_KINDS = {dict: "an object", list: "a list", str: "a text", type(None): "nothing"}


class Reader:
    """Reads one request. `refused` is the first thing that only Bedrock can take, `notes` what others are not told."""

    def __init__(self) -> None:
        self.refused: UserError | None = None
        self.notes: list[str] = []

    def beyond(self, field: str, value: object, remedy: str = _ONLY_THERE) -> dict[str, Any] | None:
        """The Messages API has no word for this: always None, for what would have been said."""
        if self.refused is None:
            shown = value[:_SHOWN_MAX] if isinstance(value, str) else kind_of(value)
            self.refused = UserError(field, shown, remedy)
        return None

    def known(self, value: Mapping[str, Any], names: set[str], where: str) -> None:
        """Members that this gateway has never heard of are not left out in silence."""
        for name in value:
            if name not in names:
                self.beyond(f"{where}.{name}", value[name])

    def blocks(self, content: object, where: str) -> list[dict[str, Any]]:
        """Content blocks; a cache point marks the block before it."""
        said: list[dict[str, Any]] = []
        for number, item in enumerate(listed(content, where)):
            name, value = only_member(item, f"{where}.{number}")
            at = f"{where}.{number}.{name}"
            if name == "cachePoint":
                self.mark(said[-1] if said else None, value, at)
                continue
            read = _BLOCKS.get(name)
            block = read(self, value, at) if read is not None else self.beyond(at, value)
            if block is not None:
                said.append(block)
        return said

    def mark(self, before: dict[str, Any] | None, value: object, where: str) -> None:
        """A cache point: `cache_control` of what stands before it."""
        point = object_at(value, where)
        self.known(point, {"type", "ttl"}, where)
        if before is None or "cache_control" in before or before.get("type") in {"thinking", "redacted_thinking"}:
            self.beyond(where, value, "put it after a text, an image, a document, a tool or its result")
            return
        before["cache_control"] = {"type": "ephemeral", **({"ttl": point["ttl"]} if "ttl" in point else {})}

    def text(self, value: object, where: str) -> dict[str, Any]:
        return {"type": "text", "text": text_at(value, where)}

    def image(self, value: object, where: str) -> dict[str, Any] | None:
        image = object_at(value, where)
        self.known(image, {"format", "source"}, where)
        kind, source = only_member(image.get("source"), f"{where}.source")
        if kind != "bytes":
            return self.beyond(f"{where}.source.{kind}", source)
        media_type = f"image/{text_at(image.get('format'), f'{where}.format')}"
        data = text_at(source, f"{where}.source.bytes")
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}

    def document(self, value: object, where: str) -> dict[str, Any] | None:
        document = object_at(value, where)
        self.known(document, {"format", "name", "source", "context", "citations"}, where)
        kind, given = only_member(document.get("source"), f"{where}.source")
        source = self._source(kind, given, str(document.get("format", "txt")), where)
        if source is None:
            return None
        said = {"type": "document", "source": source, "title": document.get("name"), "context": document.get("context")}
        if document.get("citations") is not None:
            said["citations"] = document["citations"]
        return {name: member for name, member in said.items() if member is not None}

    def _source(self, kind: str, given: object, form: str, where: str) -> dict[str, Any] | None:
        at = f"{where}.source.{kind}"
        if kind == "text":
            return {"type": "text", "media_type": "text/plain", "data": text_at(given, at)}
        if kind == "content":
            return {"type": "content", "content": self.blocks(given, at)}
        if kind == "bytes" and form == "pdf":
            return {"type": "base64", "media_type": "application/pdf", "data": text_at(given, at)}
        if kind == "bytes" and form in _TEXTUAL:
            return {"type": "text", "media_type": "text/plain", "data": plain(text_at(given, at), at)}
        return self.beyond(at if kind != "bytes" else f"{where}.format", form)

    def tool_use(self, value: object, where: str) -> dict[str, Any]:
        call = object_at(value, where)
        self.known(call, {"toolUseId", "name", "input"}, where)
        name, tool_id = text_at(call.get("name"), f"{where}.name"), text_at(call.get("toolUseId"), f"{where}.toolUseId")
        return {"type": "tool_use", "id": tool_id, "name": name, "input": call.get("input", {})}

    def tool_result(self, value: object, where: str) -> dict[str, Any]:
        result = object_at(value, where)
        self.known(result, {"toolUseId", "content", "status"}, where)
        said: dict[str, Any] = {
            "type": "tool_result",
            "tool_use_id": text_at(result.get("toolUseId"), f"{where}.toolUseId"),
            "content": self.blocks(result.get("content"), f"{where}.content"),
        }
        return {**said, "is_error": True} if result.get("status") == "error" else said

    def json(self, value: object, where: str) -> dict[str, Any]:  # noqa: ARG002  the table's signature
        """A tool's structured result: the Messages API takes it as text."""
        return {"type": "text", "text": msgspec.json.encode(value).decode()}

    def search_result(self, value: object, where: str) -> dict[str, Any]:
        found = object_at(value, where)
        self.known(found, {"source", "title", "content", "citations"}, where)
        content = [{"type": "text", "text": part} for part in _texts(found.get("content"), f"{where}.content")]
        said = {**found, "type": "search_result", "content": content}
        return {name: member for name, member in said.items() if member is not None}

    def reasoning(self, value: object, where: str) -> dict[str, Any] | None:
        kind, given = only_member(value, where)
        at = f"{where}.{kind}"
        if kind == "redactedContent":
            return {"type": "redacted_thinking", "data": opaque(text_at(given, at))}
        if kind != "reasoningText":
            return self.beyond(at, given)
        thought = object_at(given, at)
        self.known(thought, {"text", "signature"}, at)
        signature = text_at(thought.get("signature"), f"{at}.signature")
        return {"type": "thinking", "thinking": text_at(thought.get("text"), f"{at}.text"), "signature": signature}

    def cited(self, value: object, where: str) -> dict[str, Any]:
        """An earlier answer's text with its citations."""
        given = object_at(value, where)
        self.known(given, {"content", "citations"}, where)
        text = "".join(_texts(given.get("content"), f"{where}.content"))
        citations = []
        for number, one in enumerate(listed(given.get("citations") or [], f"{where}.citations")):
            said = to_messages(one, f"{where}.citations.{number}")
            if said is None:
                self.beyond(f"{where}.citations.{number}.location", one)
            else:
                citations.append(said)
        return {"type": "text", "text": text, **({"citations": citations} if citations else {})}


Read = Callable[[Reader, object, str], "dict[str, Any] | None"]
_BLOCKS: Mapping[str, Read] = {
    "text": Reader.text,
    "image": Reader.image,
    "document": Reader.document,
    "toolUse": Reader.tool_use,
    "toolResult": Reader.tool_result,
    "json": Reader.json,
    "searchResult": Reader.search_result,
    "reasoningContent": Reader.reasoning,
    "citationsContent": Reader.cited,
}


def _texts(content: object, where: str) -> list[str]:
    parts = listed(content, where)
    return [text_at(object_at(part, where).get("text"), f"{where}.{index}.text") for index, part in enumerate(parts)]


def kind_of(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    if isinstance(value, bool):
        return "a boolean"
    return _KINDS.get(type(value), "a number")


def listed(value: object, where: str) -> list[Any]:
    """A list; raises UserError."""
    if not isinstance(value, list):
        raise UserError(where, kind_of(value), "give a list")
    return value


def object_at(value: object, where: str) -> dict[str, Any]:
    """An object; raises UserError."""
    if not isinstance(value, dict):
        raise UserError(where, kind_of(value), "give an object")
    return value


def only_member(value: object, where: str) -> tuple[str, Any]:
    """The one member of a union; raises UserError."""
    found = object_at(value, where)
    if len(found) != 1:
        raise UserError(where, ", ".join(sorted(found))[:_SHOWN_MAX], "give exactly one member")
    ((name, member),) = found.items()
    return name, member


def text_at(value: object, where: str) -> str:
    """A text; raises UserError."""
    if not isinstance(value, str):
        raise UserError(where, kind_of(value), "give a text")
    return value


def plain(data: str, where: str) -> str:
    """The text in base64; raises UserError."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise UserError(where, f"{len(data)} characters", "give UTF-8 text in base64") from error


def opaque(data: str) -> str:
    """What was wrapped on its way out is unwrapped; everything else is passed on as it is."""
    try:
        found = base64.b64decode(data, validate=True)
        return found.removeprefix(OPAQUE).decode() if found.startswith(OPAQUE) else data
    except (binascii.Error, ValueError):
        return data
