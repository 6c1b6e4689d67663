"""Edits below the top level change what they name, and not one other byte."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trivium.gateway.wire.spans import edit_items, edit_member, without

KEYS = st.sampled_from(["a", "b", "scope", 'qu"ote', "caf\u00e9"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
LAYOUTS = st.sampled_from([{"separators": (",", ":")}, {"indent": 2}, {"indent": "\t", "ensure_ascii": False}, {}])


def dumped(value: Any, layout: dict[str, Any]) -> bytes:
    return json.dumps(value, **layout).encode()


@given(VALUES, LAYOUTS)
def test_an_edit_that_changes_nothing_returns_the_bytes(value: Any, layout: dict[str, Any]) -> None:
    raw = dumped(value, layout)
    assert edit_items(raw, lambda item: item) is raw
    assert without(raw, []) is raw
    assert without(raw, ["absent"]) is raw
    assert edit_member(raw, "a", lambda item: item) is raw


@given(st.lists(VALUES, max_size=6), LAYOUTS)
def test_members_are_removed_from_every_element(value: list[Any], layout: dict[str, Any]) -> None:
    made = edit_items(dumped(value, layout), lambda item: without(item, ["a", "scope"]))
    assert json.loads(made) == [
        {key: inner for key, inner in item.items() if key not in {"a", "scope"}} if isinstance(item, dict) else item
        for item in value
    ]


@given(st.lists(VALUES, max_size=6), LAYOUTS, st.integers(0, 5))
def test_only_the_edited_element_changes(value: list[Any], layout: dict[str, Any], chosen: int) -> None:
    raw = dumped(value, layout)
    seen = iter(range(len(value)))
    made = edit_items(raw, lambda item: b'"@@"' if next(seen) == chosen else item)
    if chosen >= len(value):
        assert made is raw
        return
    before, _, after = made.partition(b'"@@"')
    assert raw.startswith(before)
    assert raw.endswith(after)
    assert json.loads(made) == [*value[:chosen], "@@", *value[chosen + 1 :]]


@given(st.dictionaries(KEYS, VALUES, max_size=5), LAYOUTS)
def test_a_member_inside_is_edited(value: dict[str, Any], layout: dict[str, Any]) -> None:
    made = json.loads(edit_member(dumped(value, layout), "b", lambda item: without(item, ["scope"])))
    expected = dict(value)
    if isinstance(value.get("b"), dict):
        expected["b"] = {key: inner for key, inner in value["b"].items() if key != "scope"}
    assert made == expected


def test_what_is_no_array_or_object_stays() -> None:
    for raw in (b'"text"', b"7", b"null"):
        assert edit_items(raw, lambda _: b"0") is raw
        assert without(raw, ["a"]) is raw
        assert edit_member(raw, "a", lambda _: b"0") is raw
