"""A request body is spliced: what is not named stays byte-equal, whatever the JSON looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.core import UserError
from trivium.gateway.wire.body import Body

KEYS = st.sampled_from(["model", "stream", "messages", "m", "mod\u00e9l", 'q"uote', "back\\slash", ""]) | st.text(
    max_size=4
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8) | st.just(0.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
SPACE = st.text(alphabet=" \t\n\r", max_size=2)


@st.composite
def objects(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A JSON object in some spelling, and its members as they were written (keys may repeat)."""
    members = draw(st.lists(st.tuples(KEYS, VALUES), max_size=6))
    text, written = draw(SPACE) + "{", []
    for number, (key, value) in enumerate(members):
        ascii_only = draw(st.booleans())
        spelled = json.dumps(value, ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1])))
        name = json.dumps(key, ensure_ascii=ascii_only)
        if key and draw(st.booleans()):  # an escape where none is needed
            name = (
                '"'
                + "".join(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else character for character in key)
                + '"'
            )
        text += ("," if number else "") + draw(SPACE) + name + draw(SPACE) + ":" + draw(SPACE) + spelled + draw(SPACE)
        written.append((key, spelled.encode()))
    text += ("" if members else draw(SPACE)) + "}" + draw(SPACE)
    return text.encode(), written


def pairs(data: bytes) -> list[tuple[str, Any]]:
    return json.loads(data, object_pairs_hook=lambda found: found)


@given(objects())
def test_members_are_found_exactly(made: tuple[bytes, list[tuple[str, bytes]]]) -> None:
    data, written = made
    body = Body(data)
    assert [(member.key, data[member.value_start : member.end]) for member in body.members] == written
    assert body.edit() == data


@given(objects(), st.sampled_from(["model", "stream", "m", ""]), VALUES)
def test_a_replaced_member_leaves_every_other_byte(
    made: tuple[bytes, list[tuple[str, bytes]]], key: str, value: object
) -> None:
    data, _ = made
    body = Body(data)
    new = json.dumps(value).encode()
    expected, position = b"", 0
    for member in body.members:
        if member.key == key:
            expected += data[position : member.value_start] + new
            position = member.end
    assert body.edit(replace={key: new}) == expected + data[position:]


@given(objects(), st.sets(st.sampled_from(["model", "stream", "messages", "m", ""])), st.booleans())
def test_removing_and_adding_changes_nothing_else(
    made: tuple[bytes, list[tuple[str, bytes]]], gone: set[str], add: bool
) -> None:
    data, _ = made
    body = Body(data)
    edited = body.edit(remove=gone, add={"anthropic_version": b'"v"'} if add else None)
    before = [pair for pair in pairs(data) if pair[0] not in gone]
    front = [("anthropic_version", "v")] if add and "anthropic_version" not in body else []
    assert pairs(edited) == front + before
    kept = [data[member.start : member.end] for member in body.members if member.key not in gone]
    again = Body(edited)
    assert [edited[member.start : member.end] for member in again.members[len(front) :]] == kept


def test_a_key_that_occurs_twice_is_read_last_and_edited_everywhere() -> None:
    body = Body(b'{"model":"a","x":{"model":"c"},"mod\\u0065l":"b"}')
    assert body.get("model") == "b"
    assert body.edit(replace={"model": b'"z"'}) == b'{"model":"z","x":{"model":"c"},"mod\\u0065l":"z"}'
    assert body.edit(remove=["model"]) == b'{"x":{"model":"c"}}'


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'"x"', b"{", b'{"a":1} x', b'{"a":01}', b'{"a":"\xff"}', b'{"a":"\x01"}', b'{"a":NaN}', b"{'a':1}"],
)
def test_what_is_not_one_json_object_is_refused_naming_the_body(data: bytes) -> None:
    with pytest.raises(UserError, match="body"):
        Body(data)


def test_deep_nesting_is_refused_not_followed() -> None:
    with pytest.raises(UserError, match="body"):
        Body(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
