"""Every text of a value on one line: names are written by others, and may hold what breaks a line or a file form."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from trivium.core import RouteTable
from trivium.figures import one_line

T = TypeVar("T")


def on_lines(value: T) -> T:
    """The same value, each text in it without line breaks and control characters; routes keep their exact names."""
    found: T = _told(value)
    return found


def _told(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else one_line(value)
    if isinstance(value, tuple):
        parts = [_told(item) for item in value]
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else tuple(parts)
    if isinstance(value, RouteTable) or not is_dataclass(value) or isinstance(value, type):
        return value
    known = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
    told = {name: _told(item) for name, item in known.items()}
    changed = {name: item for name, item in told.items() if item is not known[name]}
    return replace(value, **changed) if changed else value
