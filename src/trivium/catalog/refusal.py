"""What a decoded table's field does not take, refused by the type that the field has: field, value and remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import inspect

from trivium.core import UserError

_NEAR = 0.6
_TABLES = (inspect.StructType, inspect.DataclassType)
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_UNKNOWN = re.compile(r"unknown field `(.+)`")
_MISSING = re.compile(r"missing required field `(.+)`")
_PLAIN: dict[type, type] = {
    inspect.IntType: int,
    inspect.DecimalType: Decimal,
    inspect.DateType: date,
    inspect.BoolType: bool,
}
_REMEDIES: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.IntType, "give a whole number, such as 12"),
    (inspect.DecimalType, 'give a number, such as 12.5 or "12.5"'),
    (inspect.DateType, "give a day, such as 2027-01-31"),
    (inspect.BoolType, "give true or false"),
    (inspect.StrType, 'give text in quotes, such as "name"'),
)


def short(value: object) -> object:
    """A value as an error shows it: of a table, its fields; numbers and days as they are written."""
    if isinstance(value, dict):
        return sorted(map(str, value))
    return str(value) if isinstance(value, (Decimal, date, time)) else value


def near_or_all(name: object, known: Sequence[str]) -> str:
    """What to write in place of a name: those that are near, then all."""
    near = get_close_matches(str(name).strip().lower(), known, 1, _NEAR)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}use {'one of ' if len(known) > 1 else ''}{', '.join(known)}"


def refused(raw: Any, kind: type[Any], where: str, message: str) -> UserError:
    """The error of a table that msgspec could not make a `kind` of, from what it said."""
    told, _, path = message.partition(" - at `$")
    steps = [name or item for name, item in _STEP.findall(path.rstrip("`"))]
    place, value = where, raw
    type_: inspect.Type | None = inspect.type_info(kind)
    for named in steps:
        type_ = _inner(type_, named)
        step = _failing(value, type_) if named == "..." else named
        place += f"[{step}]" if isinstance(value, list) else _joined(place, step)
        value = _at(value, step)
    if found := _UNKNOWN.search(told):
        return UserError(
            place + _joined(place, found[1]), short(_at(value, found[1])), near_or_all(found[1], _fields(type_))
        )
    if found := _MISSING.search(told):
        return UserError(place + _joined(place, found[1]), "nothing", _remedy(_inner(type_, found[1])))
    return UserError(place, short(value), _remedy(type_, value))


def _joined(place: str, step: str) -> str:
    """A field after its table, or first after the name of a file."""
    return f"{'' if not place or place.endswith(' ') else '.'}{step}"


def _remedy(type_: inspect.Type | None, value: object = "") -> str:
    if isinstance(type_, inspect.UnionType):  # a field that may be left out
        type_ = next(one for one in type_.types if not isinstance(one, inspect.NoneType))
    if isinstance(type_, inspect.LiteralType):
        return near_or_all(value, [str(name) for name in type_.values if name])
    for known, remedy in _REMEDIES:
        if isinstance(type_, known):
            return remedy
    if isinstance(type_, _TABLES):
        return f"give a table of {', '.join(_fields(type_))}"
    if isinstance(type_, inspect.DictType):
        return "give a table, such as { name = … }"
    items = type_.item_type if isinstance(type_, inspect.VarTupleType) else None
    return f"give a list in brackets; for each item, {_remedy(items)}" if items else "take it out"


def _inner(type_: inspect.Type | None, step: str) -> inspect.Type | None:
    if isinstance(type_, inspect.UnionType):
        type_ = next(one for one in type_.types if not isinstance(one, inspect.NoneType))
    if isinstance(type_, _TABLES):
        return next((field.type for field in type_.fields if field.encode_name == step), None)
    if isinstance(type_, inspect.DictType):
        return type_.value_type
    return type_.item_type if isinstance(type_, inspect.VarTupleType) else None


def _failing(value: Any, type_: inspect.Type | None) -> str:
    """The first entry of a mapping that does not convert, since the message does not name it."""
    kind: Any = type_.cls if isinstance(type_, _TABLES) else _PLAIN.get(type(type_), str)
    for name, entry in value.items():
        try:
            msgspec.convert(entry, kind, strict=False)
        except msgspec.ValidationError:
            return str(name)
    return "…"


def _fields(type_: inspect.Type | None) -> list[str]:
    if isinstance(type_, inspect.UnionType):
        type_ = next(one for one in type_.types if isinstance(one, _TABLES))
    return [field.encode_name for field in type_.fields] if isinstance(type_, _TABLES) else []


def _at(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step, value)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return value
