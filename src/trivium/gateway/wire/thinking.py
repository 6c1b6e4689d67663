"""Thinking blocks whose signatures a surface refuses: left out whole, never turned into text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec

from trivium.gateway.seams import MessagesRequest
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.spans import edit_items, edit_member, is_array

_REFUSED = re.compile(r"invalid `?signature`? in `?thinking`? block", re.IGNORECASE)  # the API's own words
_KINDS = ("thinking", "redacted_thinking")
_CONVERSE = "reasoningContent"  # the same in a body of Bedrock's Converse
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
NOTE = "left out thinking blocks: the surface does not take their signatures"


def signature_refused(message: str) -> bool:
    """Whether an error says that a thinking block was signed elsewhere."""
    return _REFUSED.search(message) is not None


def without_thinking(request: MessagesRequest) -> MessagesRequest | None:
    """The request without the thinking blocks of earlier turns; None when it has none to leave out.

    A turn that is nothing but thinking keeps it: an empty turn would be refused too.
    """
    body = _stripped(request.body)
    if body is None:
        return None
    native = _stripped(request.native) if request.native is not None else None
    return replace(request, body=body, native=native, notes=(*request.notes, NOTE))


def _stripped(body: Body) -> Body | None:
    raw = body.raw("messages")
    if raw is None:
        return None
    changed = edit_items(raw, lambda turn: edit_member(turn, "content", _content))
    return None if changed == raw else Body(body.edit(replace={"messages": changed}))


def _content(raw: bytes) -> bytes:
    if not is_array(raw):
        return raw
    items = [bytes(item) for item in _items(raw)]
    kept = [item for item in items if not _is_thinking(item)]
    return raw if not kept or len(kept) == len(items) else b"[" + b",".join(kept) + b"]"


def _is_thinking(item: bytes) -> bool:
    value: Any = msgspec.json.decode(item)
    return isinstance(value, dict) and (value.get("type") in _KINDS or _CONVERSE in value)
