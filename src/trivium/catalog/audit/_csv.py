"""A plain CSV: one price a row (a column for the unit), or one offer a row (a column for each unit)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from trivium.catalog.audit._collect import Collector, day, every, number
from trivium.catalog.audit._litellm import MTOK
from trivium.catalog.audit._names import VENDORS, Place, is_claude
from trivium.catalog.audit._values import Band, Table
from trivium.core import UserError
from trivium.core.usage import TOKEN_UNITS

_ROWS_MAX = 200_000
_COLUMNS = {
    "surface": ("surface", "platform", "provider", "vendor"),
    "model": ("model", "id", "model_id", "name"),
    "scope": ("scope", "region_class", "region", "geography"),
    "tier": ("tier",),
    "unit": ("unit", "token_kind", "kind"),
    "usd": ("usd_per_mtok", "price_usd_per_mtok", "amount_usd", "price", "usd"),
    "usd_per_token": ("usd_per_token",),
    "from": ("valid_from", "effective_from", "from"),
    "until": ("valid_until", "effective_until", "until"),
    "prompt_min": ("prompt_min",),
    "prompt_max": ("prompt_max",),
}
_WIDE = {
    "input": ("input", "input_usd_per_mtok"),
    "output": ("output", "output_usd_per_mtok"),
    "cache_read": ("cache_read", "cached_input", "cache_hit"),
    "cache_write_5m": ("cache_write_5m", "cache_write"),
    "cache_write_1h": ("cache_write_1h",),
}


def read_csv(text: str, name: str, into: Collector) -> Table:
    """The entries of the rows; raises UserError naming the line and the column that cannot be read."""
    reader = csv.reader(io.StringIO(text))
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        rows = list(zip(range(2, _ROWS_MAX + 2), reader, strict=False))
    except csv.Error as error:
        raise UserError(name, f"line {reader.line_num}", f"give a CSV file ({error})") from error
    if len(rows) == _ROWS_MAX:
        raise UserError(name, f"more than {_ROWS_MAX - 1} rows", "split the table")
    known = {field: column for field, names in _COLUMNS.items() if (column := _first(header, names)) is not None}
    wide = {unit: column for unit, names in _WIDE.items() if (column := _first(header, names)) is not None}
    long = "unit" in known and ("usd" in known or "usd_per_token" in known)
    if "model" not in known or not (long or wide):
        raise UserError(
            f"{name}, line 1",
            ",".join(header)[:120],
            "give columns model, surface, and either unit and usd_per_mtok, or input, output, cache_read …",
        )
    for line, row in rows:
        if row and any(cell.strip() for cell in row):
            cells = {field: row[column].strip() for field, column in known.items() if column < len(row)}
            values = _long(cells, f"{name}, line {line}") if long else {unit: _cell(row, wide[unit]) for unit in wide}
            _read_row(cells, values, f"{name}, line {line}", into)
    units = {entry.unit for entry in into.entries} | set(wide)
    tiers = {entry.tier for entry in into.entries} or {"standard"}
    return into.table(every(tuple(tiers), tuple(units if wide and not long else units | set(TOKEN_UNITS))))


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _cell(row: Sequence[str], column: int) -> Decimal | None:
    return number(row[column]) if column < len(row) and row[column].strip() else None


def _long(cells: Mapping[str, str], where: str) -> dict[str, Decimal | None]:
    text, per_token = cells.get("usd", ""), cells.get("usd_per_token", "")
    value = number(text or per_token)
    if value is None:
        if text or per_token:
            raise UserError(where, text or per_token, "give the price as a decimal number of dollars")
        return {}
    return {cells.get("unit", ""): value if text else value * MTOK}


def _read_row(cells: Mapping[str, str], values: Mapping[str, Decimal | None], where: str, into: Collector) -> None:
    key = cells.get("model", "")
    if key != "*" and not is_claude(key):
        return
    vendor = cells.get("surface", "") or "anthropic"
    if key == "*":
        surface = VENDORS.get(vendor)
        place = Place(surface, "global", "*", "standard") if surface else None
    else:
        place = into.place(key, vendor)
    if place is None:
        return
    band: Band = (_whole(cells, "prompt_min", where) or 0, _whole(cells, "prompt_max", where))
    window = (_day(cells, "from", where), _day(cells, "until", where))
    for unit, usd in values.items():
        scope, tier = cells.get("scope", ""), cells.get("tier", "")
        into.add(key, where, place, unit, usd, tier=tier, scope=scope, band=band, window=window)


def _whole(cells: Mapping[str, str], field: str, where: str) -> int | None:
    text = cells.get(field, "")
    if text and not (text.isascii() and text.isdigit()):
        raise UserError(f"{where}, {field}", text, "give a whole number of tokens")
    return int(text) if text else None


def _day(cells: Mapping[str, str], field: str, where: str) -> date | None:
    text = cells.get(field, "")
    found = day(text)
    if text and found is None:
        raise UserError(f"{where}, {field}", text, "give a date as YYYY-MM-DD")
    return found
