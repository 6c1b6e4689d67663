"""A decision as JSON and back: what was written is read as the same value, and anything else is refused by name.

Exact amounts are decimal strings, days are ISO texts, forecasts are numbers. The codec follows the types of the values,
so that a field added to a decision is written and read without a change here.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from json import dumps, loads
from math import isfinite
from typing import Any, Union, get_args, get_origin, get_type_hints

from trivium.core import Money, RouteTable, UserError
from trivium.plan.decision import Decision

FORMAT = "trivium-decision/1"
_REMEDY = "give a decision as this version writes it (trivium plan --json)"


def decision_json(decision: Decision) -> dict[str, Any]:
    """The decision for `json.dumps`: `decision_from_json` of it is the same decision."""
    return {"format": FORMAT, **_plain(decision, "decision")}


def plain(value: Any, where: str = "value") -> Any:
    """Any value of a report for `json.dumps`, by the same rules."""
    return _plain(value, where)


def decision_from_json(raw: Mapping[str, Any]) -> Decision:
    """The decision of `decision_json`; UserError names the field that is missing, unknown or of another kind."""
    if not isinstance(raw, Mapping):
        raise UserError("decision", type(raw).__name__, _REMEDY)
    if raw.get("format") != FORMAT:
        raise UserError("decision.format", raw.get("format"), f"give a decision of format {FORMAT}")
    found: Decision = _value(Decision, {key: item for key, item in raw.items() if key != "format"}, "decision")
    return found


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, RouteTable):
        return _routes(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float) and not isfinite(value):
        raise UserError(where, value, "a decision holds finite amounts only")
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: _plain(getattr(value, item.name), f"{where}.{item.name}") for item in fields(value) if item.init
        }
    if isinstance(value, tuple):
        return [_plain(item, f"{where}[{number}]") for number, item in enumerate(value)]
    return value


def _routes(table: RouteTable) -> dict[str, Any]:
    """The table as its own file form has it."""
    found: dict[str, Any] = loads(table.to_json())
    return found


def _value(kind: Any, raw: Any, where: str) -> Any:
    """The value of a type that a plain one stands for."""
    origin = get_origin(kind)
    if origin in {types.UnionType, Union}:
        return None if raw is None else _value(next(k for k in get_args(kind) if k is not type(None)), raw, where)
    if origin is tuple:
        return _tuple(get_args(kind), raw, where)
    if kind is RouteTable:
        return RouteTable.from_json(dumps(raw))
    if kind is Money:
        return Money.from_usd(_text(raw, where))
    if kind is date:
        return _date(raw, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind, raw, where)
    if is_dataclass(kind):
        return _record(kind, raw, where)
    return _scalar(kind, raw, where)


def _record(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise UserError(where, _shown(raw), f"give an object; {_REMEDY}")
    hints, known = _hints(kind), [item for item in fields(kind) if item.init]
    names = {item.name for item in known}
    for key in raw:
        if key not in names:
            raise UserError(f"{where}.{key}", _shown(raw[key]), f"no such field; {_REMEDY}")
    taken = {}
    for item in known:
        if item.name in raw:
            taken[item.name] = _value(hints[item.name], raw[item.name], f"{where}.{item.name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise UserError(f"{where}.{item.name}", "missing", _REMEDY)
    return kind(**taken)


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _tuple(kinds: tuple[Any, ...], raw: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, list | tuple):
        raise UserError(where, _shown(raw), f"give a list; {_REMEDY}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...]
        return tuple(_value(kinds[0], item, f"{where}[{number}]") for number, item in enumerate(raw))
    if len(raw) != len(kinds):
        raise UserError(where, f"{len(raw)} values", f"give {len(kinds)}; {_REMEDY}")
    return tuple(
        _value(kind, item, f"{where}[{number}]") for number, (kind, item) in enumerate(zip(kinds, raw, strict=True))
    )


def _scalar(kind: Any, raw: Any, where: str) -> Any:
    if kind is str:
        return _text(raw, where)
    if kind is bool and isinstance(raw, bool):
        return raw
    if (
        kind not in {int, float}
        or isinstance(raw, bool)
        or not isinstance(raw, (int,) if kind is int else (int, float))
    ):
        raise UserError(where, _shown(raw), f"give a {'whole ' if kind is int else ''}number; {_REMEDY}")
    if not isfinite(raw):
        raise UserError(where, _shown(raw), "a decision holds finite amounts only")
    return kind(raw)


def _text(raw: Any, where: str) -> str:
    if not isinstance(raw, str):
        raise UserError(where, _shown(raw), f"give a text; {_REMEDY}")
    return raw


def _date(raw: Any, where: str) -> date:
    try:
        return date.fromisoformat(_text(raw, where))
    except ValueError as error:
        raise UserError(where, _shown(raw), "give a day as YYYY-MM-DD") from error


def _member(kind: type[Enum], raw: Any, where: str) -> Enum:
    try:
        return kind(raw)
    except ValueError as error:
        raise UserError(where, _shown(raw), f"give one of {', '.join(str(m.value) for m in kind)}") from error


def _shown(raw: Any) -> str:
    return str(raw)[:60]
