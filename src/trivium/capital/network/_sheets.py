"""Balance sheets and assumptions that the user lays under the deal ledger, from TOML or JSON; amounts in bn USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from trivium.capital.cover import Degree
from trivium.capital.stress import Guarantee, Holding, Obligation, Party, Scenario, Service, parse_document, read_parts
from trivium.capital.stress import Tranche as Promise
from trivium.core import UserError

_QUARTERS = 24
_OWN = ("degree", "default_outside_assets", "loan_years", "valuations", "equity_floors", "supplier_notice_days")
_TABLES = {"parties", "obligations", "holdings", "tranches", "guarantees", "services"}


@dataclass(frozen=True, slots=True)
class Sheets:
    """What no deal says. Amounts in bn USD, as in the network that is made of it.

    `parties` have sheets; others get `default_outside_assets`, or (None) none. `degree`: how firm a deal must be.
    `loan_years`: a loan whose end no source gives is repaid in equal parts over so long (None: it is left out).
    `valuations`: what a party is worth, to make a share of a stake's value. `equity_floors`: an investor pays a tranche
    only if so much is left to it. `supplier_notice_days`: deals that the supplier may end too (`cancel:`). The rest is
    added to what the ledger says; `scalars` are those of a `Network`.
    """

    quarters: int = _QUARTERS
    degree: Degree = Degree.CONTRACTED
    default_outside_assets: float | None = None
    loan_years: float | None = None
    valuations: Mapping[str, float] = field(default_factory=dict)
    equity_floors: Mapping[str, float] = field(default_factory=dict)
    supplier_notice_days: Mapping[str, int] = field(default_factory=dict)
    parties: tuple[Party, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    holdings: tuple[Holding, ...] = ()
    tranches: tuple[Promise, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    services: tuple[Service, ...] = ()
    scalars: Mapping[str, Any] = field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = ()
    about: str = ""


def read_sheets(text: str) -> Sheets:
    """The sheets of a document in TOML or JSON. UserError names table, field, value and remedy."""
    raw = parse_document(text)
    raw.setdefault("quarters", _QUARTERS)
    values, scenarios = read_parts(raw, _OWN)
    names = [degree.value for degree in Degree]
    if (degree := raw.get("degree", Degree.CONTRACTED.value)) not in names:
        raise UserError("degree", degree, f"give one of {', '.join(names)}")
    scalars = {key: value for key, value in values.items() if key not in _TABLES and key != "quarters"}
    return Sheets(
        quarters=values["quarters"],
        degree=Degree(degree),
        default_outside_assets=_optional("default_outside_assets", raw, least=0.0),
        loan_years=_optional("loan_years", raw, least=0.25),
        valuations=_by_party("valuations", raw),
        equity_floors=_by_party("equity_floors", raw),
        supplier_notice_days={name: int(days) for name, days in _by_party("supplier_notice_days", raw).items()},
        **{table: values[table] for table in _TABLES},
        scalars=scalars,
        scenarios=scenarios,
        about=str(raw.get("about", "")),
    )


def example_sheets() -> str:
    """The example that the product carries: every figure in it is invented, and the same for every party."""
    return (Path(__file__).parent / "example.toml").read_text(encoding="utf-8")


def _optional(key: str, raw: Mapping[str, Any], *, least: float) -> float | None:
    return None if key not in raw else _number(key, raw[key], least)


def _number(place: str, value: object, least: float = 0.0) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not isfinite(float(value)) or float(value) < least:  # type: ignore[arg-type]  # a number, by `good`
        raise UserError(place, str(value), f"give a number, {least:g} or more")
    return float(value)  # type: ignore[arg-type]  # the same


def _by_party(table: str, raw: Mapping[str, Any]) -> dict[str, float]:
    rows = raw.get(table, {})
    if not isinstance(rows, Mapping):
        raise UserError(table, str(rows), f"give a table [{table}] of party = amount")
    return {name: _number(f"{table}.{name}", value) for name, value in rows.items()}
