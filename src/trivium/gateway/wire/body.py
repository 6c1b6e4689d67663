"""A JSON object kept as the client's bytes: its top-level members are found exactly and spliced, never rebuilt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from trivium.core import UserError

_SPACE = re.compile(rb"[ \t\n\r]*")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(rb"[-+.0-9a-zA-Z]+")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_QUOTE, _COMMA, _CLOSE = b'",}'
_decode = msgspec.json.decode
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Member:
    """One `"key": value` of the top-level object; offsets into the body."""

    key: str
    start: int  # of the key's opening quote
    value_start: int
    end: int  # just after the value


class Body:
    """The bytes of a JSON object and where its top-level members lie.

    A key that occurs more than once is read as its last occurrence, as JSON decoders do, and edited at all of them.
    """

    __slots__ = ("data", "members")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.members = _members(data)

    def __contains__(self, key: str) -> bool:
        return any(member.key == key for member in self.members)

    def keys(self) -> tuple[str, ...]:
        """Every top-level key, in order, repeated ones included."""
        return tuple(member.key for member in self.members)

    def raw(self, key: str) -> bytes | None:
        """The bytes of a member's value, or None."""
        for member in reversed(self.members):
            if member.key == key:
                return self.data[member.value_start : member.end]
        return None

    def get(self, key: str) -> Any:
        """A member's decoded value; None when it is missing or null."""
        raw = self.raw(key)
        return None if raw is None else _decode(raw)

    def edit(
        self,
        *,
        replace: Mapping[str, bytes] | None = None,
        remove: Iterable[str] = (),
        add: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """The body with values of existing members replaced, members removed, and members put in front.

        Values are JSON bytes. Everything not named is byte-equal. Replacing or removing a missing member does nothing;
        `add` puts the member first unless the key exists, in which case its value is replaced.
        """
        values, front, gone = dict(replace or {}), dict(add or {}), set(remove)
        for key in list(front):
            if key in self and key not in gone:
                values[key] = front.pop(key)
        if not self.members:
            head, tail = self._hollow()
            return head + _rendered(front) + tail
        kept = [index for index, member in enumerate(self.members) if member.key not in gone]
        pieces = [self.data[: self.members[0].start], _rendered(front)]
        if front and kept:
            pieces.append(b",")
        for number, index in enumerate(kept):
            member = self.members[index]
            if number:  # the separator that stands before it
                pieces.append(self.data[self.members[index - 1].end : member.start])
            value = values.get(member.key)
            if value is None:
                pieces.append(self.data[member.start : member.end])
            else:
                pieces += (self.data[member.start : member.value_start], value)
        pieces.append(self.data[self.members[-1].end :])
        return b"".join(pieces)

    def _hollow(self) -> tuple[bytes, bytes]:
        opening = self.data.index(b"{") + 1
        return self.data[:opening], self.data[opening:]


def _rendered(members: Mapping[str, bytes]) -> bytes:
    return b",".join(msgspec.json.encode(key) + b":" + value for key, value in members.items())


def _members(data: bytes) -> tuple[Member, ...]:
    """Every top-level member. The C decoder validates; its values are looked for where they must lie.

    When that does not account for every byte (a key occurs twice), a scanner of our own walks the valid JSON.
    """
    try:
        values = _split(data)
        data.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError("body", f"{len(data)} bytes", f"send one valid JSON object ({error})") from error
    position = _skip(data, _skip(data, 0) + 1)
    members: list[Member] = []
    for key, value in values.items():
        if data[position] != _QUOTE:
            return _scan(data)
        key_end = _string_end(data, position)
        value_start = _skip(data, _skip(data, key_end) + 1)
        content = bytes(value)
        end = value_start + len(content)
        if _decode(data[position:key_end]) != key or not data.startswith(content, value_start):
            return _scan(data)
        members.append(Member(key, position, value_start, end))
        position = _skip(data, end)
        if data[position] == _COMMA:
            position = _skip(data, position + 1)
    return tuple(members) if data[position] == _CLOSE else _scan(data)


def _scan(data: bytes) -> tuple[Member, ...]:
    """The members of a JSON object that is known to be valid."""
    members: list[Member] = []
    position = _skip(data, _skip(data, 0) + 1)
    while data[position] != _CLOSE:
        key_end = _string_end(data, position)
        value_start = _skip(data, _skip(data, key_end) + 1)
        end = _value_end(data, value_start)
        members.append(Member(_decode(data[position:key_end]), position, value_start, end))
        position = _skip(data, end)
        if data[position] == _COMMA:
            position = _skip(data, position + 1)
    return tuple(members)


def _skip(data: bytes, position: int) -> int:
    return _matched(_SPACE, data, position)


def _string_end(data: bytes, position: int) -> int:
    return _matched(_STRING, data, position)


def _matched(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    found = pattern.match(data, position)
    if found is None:  # the decoder and the scanner disagree about what JSON is
        raise UserError("body", f"byte {position}", "send valid JSON")
    return found.end()


def _value_end(data: bytes, position: int) -> int:
    if data[position] == _QUOTE:
        return _string_end(data, position)
    if data[position] not in b"{[":
        return _matched(_SCALAR, data, position)
    depth = 0
    while True:
        found = _STRUCTURE.search(data, position)
        if found is None:
            raise UserError("body", f"byte {position}", "send valid JSON")
        if found[0] == b'"':
            position = _string_end(data, found.start())
            continue
        position = found.end()
        depth += 1 if found[0] in b"{[" else -1
        if depth == 0:
            return position
