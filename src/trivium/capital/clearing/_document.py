"""A network as a JSON document, read strictly, and its clearing as one."""

from __future__ import annotations

import json
from typing import Any

from trivium.capital.clearing._clear import Clearing, Solution
from trivium.capital.clearing._system import TOLERANCE, System, from_liabilities, system
from trivium.core import UserError

PARTIES_MAX = 300  # beyond it the dense matrices take minutes
_AMOUNTS = ("liabilities", "outside_liabilities")
_SHARES = ("debt", "debt_holdings")
_FAILURE = ("thresholds", "failure_costs")
_LISTS = ("outside_assets", "outside_liabilities", "debt", *_FAILURE)
_MATRICES = ("liabilities", "debt_holdings", "equity_holdings")
_COSTS = ("alpha", "beta")
FIELDS = ("parties", *_LISTS, *_MATRICES, *_COSTS)
_SHOWN = 60  # characters of a wrong value


def read_system(text: str) -> tuple[System, tuple[str, ...]]:
    """The system of a document, and what was assumed where it says nothing. UserError names field, value, remedy."""
    raw = _parse(text)
    for key in raw:
        if key not in FIELDS:
            raise UserError(_short(key), _short(raw[key]), f"no such field: there are {', '.join(FIELDS)}")
    parties = _names(raw)
    values: dict[str, Any] = {}
    for field in _LISTS:
        if field in raw:
            values[field] = _numbers(field, raw[field], len(parties))
    for field in _MATRICES:
        if field in raw:
            values[field] = _matrix(field, raw[field], len(parties))
    for field in _COSTS:
        if field in raw:
            several = isinstance(raw[field], list)
            values[field] = _numbers(field, raw[field], len(parties)) if several else _number(field, raw[field])
    _belong_together(raw)
    assumed = _assumed(values)
    if any(amount < 0 for amount in values["outside_assets"]):
        place = next(i for i, amount in enumerate(values["outside_assets"]) if amount < 0)
        raise UserError(f"outside_assets[{place}]", values["outside_assets"][place], "give 0 or more; debts are debts")
    outside = values.pop("outside_assets")
    found = (from_liabilities if "liabilities" in values else system)(parties, outside, **values)
    return found, assumed


def _parse(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise UserError(_short(key), _short(value), "the field is there twice: keep one")
            found[key] = value
        return found

    try:
        raw = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise UserError("document", _short(text), f"give one JSON document ({error})") from error
    if not isinstance(raw, dict):
        raise UserError("document", _short(raw), f"give one JSON object with {', '.join(FIELDS)}")
    return raw


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _names(raw: dict[str, Any]) -> list[str]:
    for field in ("parties", "outside_assets"):
        if field not in raw:
            raise UserError(field, None, "the field is missing: give a list")
    names = raw["parties"]
    if not isinstance(names, list) or not names:
        raise UserError("parties", _short(names), "give a list of names, one at least")
    if len(names) > PARTIES_MAX:
        raise UserError("parties", len(names), f"at most {PARTIES_MAX}")
    for number, name in enumerate(names):
        if not isinstance(name, str):
            raise UserError(f"parties[{number}]", _short(name), "give a name as text")
    return names


def _belong_together(raw: dict[str, Any]) -> None:
    amounts, shares = ([field for field in fields if field in raw] for fields in (_AMOUNTS, _SHARES))
    if amounts and shares:
        remedy = "give liabilities with outside_liabilities, or debt with debt_holdings, not both"
        raise UserError(shares[0], _short(raw[shares[0]]), remedy)
    if not amounts and not shares and "equity_holdings" not in raw:
        raise UserError("liabilities", None, "the field is missing: give liabilities, debt or equity_holdings")
    for first, second in (("liabilities", "outside_liabilities"), ("debt", "debt_holdings"), _FAILURE, _FAILURE[::-1]):
        if second in raw and first not in raw:
            raise UserError(first, None, f"the field is missing, and {second} is there: give both")


def _assumed(values: dict[str, Any]) -> tuple[str, ...]:
    """What a silent document is taken to say, in words."""
    found = []
    if "liabilities" in values and "outside_liabilities" not in values:
        found.append("outside_liabilities: none, all debt is owed within the network")
    if "debt" in values and "debt_holdings" not in values:
        found.append("debt_holdings: none, all debt is owed to the outside")
    if "liabilities" not in values and "debt" not in values:
        found.append("debt: none")
    if "equity_holdings" not in values:
        found.append("equity_holdings: none")
    found += [f"{field}: 1, a default costs nothing" for field in _COSTS if field not in values]
    if "thresholds" not in values:
        found.append("thresholds: none, nobody fails before it defaults")
    return tuple(found)


def _number(field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(field, _short(value), "give a number")
    try:
        return float(value)
    except OverflowError as error:
        raise UserError(field, f"{_short(str(value)[:_SHOWN])}…", "give a number below 1e100") from error


def _numbers(field: str, value: object, count: int) -> list[float]:
    if not isinstance(value, list):
        raise UserError(field, _short(value), f"give a list of {count} numbers, in the order of the parties")
    if len(value) != count:
        raise UserError(field, f"{len(value)} numbers", f"give {count}, in the order of the parties")
    return [_number(f"{field}[{number}]", item) for number, item in enumerate(value)]


def _matrix(field: str, value: object, count: int) -> list[list[float]]:
    if not isinstance(value, list):
        raise UserError(field, _short(value), f"give {count} rows of {count} numbers, in the order of the parties")
    if len(value) != count:
        raise UserError(field, f"{len(value)} rows", f"give {count} rows of {count} numbers")
    return [_numbers(f"{field}[{number}]", row, count) for number, row in enumerate(value)]


def solution_json(found: Solution) -> dict[str, Any]:
    """One solution; lists are in the order of the parties."""
    return {
        "payments": found.payments.tolist(),
        "recoveries": found.recoveries.tolist(),
        "equity": found.equity.tolist(),
        "assets": found.assets.tolist(),
        "defaults_by_wave": [list(wave) for wave in found.waves],
        "failures_by_wave": [list(wave) for wave in found.failures],
        "costs": found.costs.tolist(),
        "outside_value": found.outside_value,
        "gross_up": found.gross_up,
        "verified": found.verified,
    }


def clearing_json(found: Clearing, assumed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Both solutions and what lies between them; lists are in the order of the parties."""
    return {
        "parties": list(found.system.parties),
        "greatest": solution_json(found.greatest),
        "least": solution_json(found.least),
        "unique": found.unique,
        "gap": {"equity": found.gap.tolist(), "outside_value": found.outside_gap},
        "tolerance": {"relative": TOLERANCE, "amounts": found.system.tolerance.tolist()},
        "assumed": list(assumed),
    }
