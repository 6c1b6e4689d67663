"""Edits below the top level of a request: elements and members are cut out of the bytes, the rest stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from trivium.core import UserError
from trivium.gateway.wire.body import Body

_SPACE = re.compile(rb"[ \t\n\r]*")
_COMMA = b","[0]
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode

Edit = Callable[[bytes], bytes]


def is_object(raw: bytes) -> bool:
    """Whether a JSON value is an object."""
    return raw[:1] == b"{"


def is_array(raw: bytes) -> bool:
    """Whether a JSON value is an array."""
    return raw[:1] == b"["


def edit_items(raw: bytes, edit: Edit) -> bytes:
    """A JSON array with each element passed through `edit`; what stands between them is byte-equal."""
    if not is_array(raw):
        return raw
    pieces: list[bytes] = []
    done = 0  # up to here `raw` has been copied
    position = 1
    for item in _split(raw):
        content = bytes(item)
        start = _skip(raw, position)
        if not raw.startswith(content, start):  # the decoder and this scan disagree about where an element lies
            raise UserError("body", f"byte {start}", "send valid JSON")
        end = start + len(content)
        changed = edit(content)
        if changed != content:
            pieces += (raw[done:start], changed)
            done = end
        position = _skip(raw, end)
        if raw[position] == _COMMA:
            position += 1
    return raw if not pieces else b"".join((*pieces, raw[done:]))


def edit_member(raw: bytes, name: str, edit: Edit) -> bytes:
    """A JSON object with one member's value passed through `edit`; unchanged when it is no object or lacks it."""
    if not is_object(raw):
        return raw
    body = Body(raw)
    value = body.raw(name)
    if value is None:
        return raw
    changed = edit(value)
    return raw if changed == value else body.edit(replace={name: changed})


def without(raw: bytes, names: Iterable[str]) -> bytes:
    """A JSON object without some members; anything else as it is."""
    if not is_object(raw):
        return raw
    body = Body(raw)
    present = [name for name in names if name in body]
    return body.edit(remove=present) if present else raw


def _skip(raw: bytes, position: int) -> int:
    found = _SPACE.match(raw, position)
    return position if found is None else found.end()
