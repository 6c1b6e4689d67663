"""Reads a client's JSON member by member: what is missing, mistaken or unknown is refused by its place."""

from __future__ import annotations

from typing import Any, NoReturn

from trivium.core import UserError

_SHOWN_MAX = 40
CANNOT = "leave it out: the Messages API has nothing to carry it"


def refuse(where: str, value: Any, remedy: str) -> NoReturn:
    """Refuse a value by its place; long or composed ones are not repeated, they may be a prompt."""
    if isinstance(value, str):
        shown: Any = value if len(value) <= _SHOWN_MAX else value[:_SHOWN_MAX] + "…"
    else:
        shown = value if value is None or isinstance(value, bool | int | float) else type(value).__name__
    raise UserError(where, shown, remedy)


def members(value: Any, where: str, known: frozenset[str]) -> dict[str, Any]:
    """An object's members that say something; null says nothing, and an unknown member is refused."""
    if not isinstance(value, dict):
        refuse(where, value, "give an object")
    found = {name: member for name, member in value.items() if member is not None}
    for name, member in found.items():
        if name not in known:
            refuse(f"{where}.{name[:_SHOWN_MAX]}", member, CANNOT)
    return found


def word(value: Any, name: str) -> str | None:
    """The member that says what kind of thing an object is; None where there is no such word."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def text(value: Any, where: str) -> str:
    """A text."""
    if not isinstance(value, str):
        refuse(where, value, "give a text")
    return value


def items(value: Any, where: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        refuse(where, value, "give a list")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        refuse(where, value, "give true or false")
    return value


def number(value: Any, where: str, most: float) -> float | int:
    """A number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        refuse(where, value, f"give a number from 0 to {most:g}")
    return value


def count(value: Any, where: str) -> int:
    """A whole number, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse(where, value, "give a whole number of 1 or more")
    return value
