"""A network from TOML or JSON that the user writes; every field is checked by name, and nothing unknown passes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from trivium.capital.clearing import Tranche
from trivium.capital.stress._scenarios import Scenario, parse_scenario
from trivium.capital.stress._values import (
    QUARTERS_A_YEAR,
    Guarantee,
    Holding,
    Network,
    Obligation,
    Party,
    Service,
)
from trivium.core import UserError

_TABLES: dict[str, type[Any]] = {
    "parties": Party,
    "obligations": Obligation,
    "holdings": Holding,
    "tranches": Tranche,
    "guarantees": Guarantee,
    "services": Service,
}
_AMOUNTS = {"income", "due"}  # a number for every quarter alike, or a list
_GROWTH = "growth_per_year"  # of a party: its income grows from the first quarter on
_ABOUT = ("about", "unit")  # words for the reader
_QUARTERS_MAX = 400


def read_network(text: str) -> tuple[Network, tuple[Scenario, ...]]:
    """The network and the scenarios of a document in TOML or JSON. UserError names table, field, value and remedy."""
    values, scenarios = read_parts(parse_document(text))
    return Network(**values).check(), scenarios


def read_parts(raw: Mapping[str, Any], also: Collection[str] = ()) -> tuple[dict[str, Any], tuple[Scenario, ...]]:
    """The fields of a network, each checked by itself, and the scenarios; `also` names keys that are the caller's."""
    scalars = {field.name for field in fields(Network)} - set(_TABLES)
    known = {*_TABLES, *scalars, *_ABOUT, "scenarios", *also}
    for key in raw:
        if key not in known:
            raise UserError(key, _short(raw[key]), f"no such field: there are {', '.join(sorted(known))}")
    quarters = raw.get("quarters")
    if isinstance(quarters, bool) or not isinstance(quarters, int) or not 1 <= quarters <= _QUARTERS_MAX:
        raise UserError("quarters", quarters, f"give a whole number from 1 to {_QUARTERS_MAX}")
    values: dict[str, Any] = {key: _scalar(key, raw[key]) for key in scalars if key in raw}
    for table, kind in _TABLES.items():
        rows = raw.get(table, [])
        if not isinstance(rows, list):
            raise UserError(table, _short(rows), f"give a list of tables, [[{table}]]")
        values[table] = tuple(_row(f"{table}[{number}]", row, kind, quarters) for number, row in enumerate(rows))
    stated = raw.get("scenarios", [])
    if not isinstance(stated, list) or not all(isinstance(item, str) for item in stated):
        raise UserError("scenarios", _short(stated), 'give a list of words, such as ["default:Lab"]')
    return values, tuple(parse_scenario(item) for item in stated)


def example_text() -> str:
    """The example that the product carries; all names and figures in it are invented."""
    return (Path(__file__).parent / "example.toml").read_text(encoding="utf-8")


def parse_document(text: str) -> dict[str, Any]:
    """A document in TOML, or one JSON object. UserError if it is neither, or if the object has a field twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise UserError(_short(key), _short(value), "the field is there twice: keep one")
            found[key] = value
        return found

    try:
        json_like = text.lstrip().startswith("{")
        raw = json.loads(text, object_pairs_hook=once) if json_like else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("document", _short(text), f"give TOML, or one JSON object ({error})") from error
    return raw if isinstance(raw, dict) else {}


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004  as much as names it


def _row(place: str, row: object, kind: type[Any], quarters: int) -> Any:
    if not isinstance(row, Mapping):
        raise UserError(place, _short(row), "give a table of fields")
    known = {field.name: field for field in fields(kind)}
    grown = {_GROWTH} if kind is Party else set()
    for key in row:
        if key not in known and key not in grown:
            raise UserError(f"{place}.{key}", _short(row[key]), f"no such field: there are {', '.join(known)}")
    values = {}
    for name, field in known.items():
        if name in _AMOUNTS:
            if name not in row and kind is not Party:
                raise UserError(f"{place}.{name}", None, "the field is missing")
            growth = _number(f"{place}.{_GROWTH}", row.get(_GROWTH, 0.0))
            values[name] = _amounts(f"{place}.{name}", row.get(name, 0.0), quarters, growth)
        elif name in row:
            values[name] = _typed(f"{place}.{name}", row[name], field.type)
        elif field.default is MISSING:
            raise UserError(f"{place}.{name}", None, "the field is missing")
    return kind(**values)


def _typed(place: str, value: object, kind: object) -> Any:
    """A value of the field's type; annotations are text here."""
    if "bool" in str(kind):
        if not isinstance(value, bool):
            raise UserError(place, _short(value), "give true or false")
        return value
    if "Kind" in str(kind) and value not in ("debt", "commitment"):  # a list is in no set
        raise UserError(place, _short(value), "give debt or commitment")
    if "str" in str(kind) or "Kind" in str(kind):
        if not isinstance(value, str):
            raise UserError(place, _short(value), "give text")
        return value
    number = _number(place, value)
    if "int" in str(kind):
        if number != int(number):
            raise UserError(place, _short(value), "give a whole number")
        return int(number)
    return number


def _scalar(key: str, value: object) -> Any:
    if key == "notice":
        return value
    number = _number(key, value)
    if key not in {"quarters", "cure_quarters"}:
        return number
    if number != int(number):
        raise UserError(key, _short(value), "give a whole number")
    return int(number)


def _number(place: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e100:  # noqa: PLR2004  no NaN
        raise UserError(place, _short(value), "give a finite number")
    return float(value)


def _amounts(place: str, value: object, quarters: int, growth: float) -> tuple[float, ...]:
    if isinstance(value, list):
        if len(value) != quarters:
            raise UserError(place, f"{len(value)} amounts", f"give one for each of {quarters} quarters, or one for all")
        given = [_number(f"{place}[{t}]", amount) for t, amount in enumerate(value)]
    else:
        given = [_number(place, value)] * quarters
    if growth <= -1:
        raise UserError(place, growth, f"give {_GROWTH} above -1")
    return tuple(amount * (1 + growth) ** (t / QUARTERS_A_YEAR) for t, amount in enumerate(given))
